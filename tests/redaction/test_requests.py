"""Secrets are masked by the name they stand under and by their shape; what is none stays as it was, to the byte."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evd.auth.api_keys import ROLES, new_key
from evd.model.measures import MEASURES
from evd.net.client.signature import new_secret
from evd.redaction.names import ALWAYS, from_length, is_suspect
from evd.redaction.requests import (
    ACCEPTED,
    MASK,
    MaskingRule,
    line_may_hold_secret,
    masked,
    masked_bytes,
    masked_form,
    masked_line,
    masked_path,
    may_hold_secret,
    refused,
)
from evd.sigfox.kinds.registry import VARIABLES, VARIABLES_MAX

CANARY = "C4narySecret"
REFUSED = refused()
RULES = pytest.mark.parametrize("rule", [ACCEPTED, REFUSED], ids=["accepted", "refused"])

CERTAIN = (
    *("key", "Key", "KEY", "kEy", "apikey", "api_key", "api-key", "x-api-key", "X-API-Key", "apiKey", "xApiKey"),
    *("token", "access_token", "accessToken", "idToken", "fcmToken", "refresh_token", "token2", "customData#token"),
    *("password", "passwd", "pwd", "user_password", "secret", "client_secret", "clientSecret", "webhook_secret"),
    *("authorization", "Authorization", "Proxy-Authorization", "bearer", "jwt", "credential", "credentials", "cookie"),
    *("x-functions-key", "Ocp-Apim-Subscription-Key", "private_key", "access-key", "keys", "tokens"),
)
DOUBTFUL = (
    *("code", "sig", "signature", "session", "sessionId", "sid", "auth", "pin", "pass", "sas", "hmac", "licence"),
    *("ignition_key", "key_fob", "token_count", "auth_user", "sessionState"),
)
HARMLESS = (
    *("keyfob", "monkey", "donkey", "turkey", "hotkeys_off", "tokyo", "passenger_count", "compass", "spin", "opinion"),
    *("design", "signal", "encode", "barcode", "assigned", "pinion", "outside", "state", "current_charge", "id", ""),
)


# Names


@pytest.mark.parametrize("name", CERTAIN)
def test_some_names_are_a_secrets_always(name: str) -> None:
    assert from_length(name) == ALWAYS
    assert is_suspect(name)


@pytest.mark.parametrize("name", DOUBTFUL)
def test_some_names_are_a_secrets_where_a_doubt_is_enough(name: str) -> None:
    assert from_length(name) != ALWAYS
    assert is_suspect(name)


@pytest.mark.parametrize("name", [*HARMLESS, *sorted(VARIABLES - {"key"}), *MEASURES])
def test_a_vehicles_and_sigfoxs_names_are_no_secrets(name: str) -> None:
    assert from_length(name) is None
    assert not is_suspect(name)


@pytest.mark.parametrize(
    "name", ["\\u006bey", "k\\u0065y", "\\u004bEY", "%6bey", "k%2565y", "\\\\u006bey", "k\\u00256\\u0035y"]
)
def test_a_name_is_known_through_its_encodings(name: str) -> None:
    assert from_length(name) == ALWAYS


# Texts


def shown(text: str, rule: MaskingRule = REFUSED) -> str:
    return masked_bytes(text.encode(), rule).decode()


@RULES
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"a":1,"key" : "sec\\"ret","b":2}', '{"a":1,"key" : "***","b":2}'),
        ('{"Key":"C","x-api-key":"C","k\\u0065y":"C"}', '{"Key":"***","x-api-key":"***","k\\u0065y":"***"}'),
        ('{"a":[1,{"b":{"token":"C"}}]}', '{"a":[1,{"b":{"token":"***"}}]}'),
        ('{"password":1234,"token":-1.5e3}', '{"password":"***","token":"***"}'),
        ('{"token":null,"secret":true,"key":"","password":false}', None),
        ('{"credentials":{"user":"C","n":[1]},"keys":["C","D"],"z":1}', '{"credentials":"***","keys":"***","z":1}'),
        ('{"keys":[],"secrets":{ }}', None),
        ('{"key":"one","key":"two"}', '{"key":"***","key":"***"}'),
        ('{"key":"never clo', '{"key":"***'),
        ('{"key":["never", "clo', '{"key":"***"'),
        ('{"key":\n\t"C"\n}', '{"key":\n\t"***"\n}'),
        ("{'key': 'C', 'a': 1}", "{'key': '***', 'a': 1}"),
        ('{"note":"{\\"key\\":\\"C\\",\\"n\\":1}"}', '{"note":"{\\"key\\":\\"***\\",\\"n\\":1}"}'),
        ('{"note":"{\\"key\\":17,\\"n\\":1}"}', '{"note":"{\\"key\\":\\"***\\",\\"n\\":1}"}'),
        ('{"note":"{\\u0022key\\u0022:\\u0022C\\u0022}"}', '{"note":"{\\"key\\":\\"***\\"}"}'),
        ('{"u":"https://x/?apikey=C&n=1"}', '{"u":"https://x/?apikey=***&n=1"}'),
        ("https://x/?api%5Fkey=C&n=1", "https://x/?api%5Fkey=***&n=1"),
        ("?next=https%3A%2F%2Fx%2F%3Fkey%3DC", "?next=https://x/%3Fkey%3D***"),
        ("lost key=C at dawn", "lost key=*** at dawn"),
        ("386625;1700000000;00;key=C", "386625;1700000000;00;key=***"),
        ("key = C", "key = ***"),
        ("https://user:C@example.org/x", "https://***@example.org/x"),
        ("x-api-key: 0123456789abcdefghij", "x-api-key: ***"),
        (" ", None),
    ],
)
def test_what_stands_under_a_secrets_name_is_masked(rule: MaskingRule, text: str, left: str | None) -> None:
    assert shown(text, rule) == (text if left is None else left)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('["x-api-key","C",1]', '["x-api-key","***",1]'),
        (
            '[{"name":"X-Api-Key","value":"C"},{"name":"n","value":1}]',
            '[{"name":"X-Api-Key","value":"***"},{"name":"n","value":1}]',
        ),
        ("<a><token>C</token></a>", "<a><token>***</token></a>"),
        ('form-data; name="key"\r\n\r\nC\r\n--x', 'form-data; name="key"\r\n\r\n***\r\n--x'),
        ("x-api-key: C D\r\nhost: x", "x-api-key: ***\r\nhost: x"),
        ('{"code":"C","session":7,"key_fob":"C"}', '{"code":"***","session":"***","key_fob":"***"}'),
        ('{"uuid":"ab0d40bd-dbc5-4076-b684-3f610d96e621","n":1}', '{"uuid":"***","n":1}'),
        ('["QUJDREVGR0hJSktMTU5PUFFSU1RVVg1="]', '["***"]'),
        ('{"data":"0123456789abcdef01234567","n":1}', None),
        ('{"deviceTypeId":"5964a10570c85b51ccbaf497"}', None),
        ('{"sensor":"outdoor_temperature_sensor_2","n":123456789012345678901234567890,"x":1e5}', None),
        ('{"infoCode":7,"countryCode":"703","keyfob":"near","monkey":"see"}', None),
    ],
)
def test_in_what_is_refused_a_doubt_is_enough(text: str, left: str | None) -> None:
    assert shown(text) == (text if left is None else left)


@pytest.mark.parametrize(
    "text",
    [
        '{"session":"CHARGING","code":"P0420","pin":4,"pw":3.4,"auth":"ok","key_fob":"near","ignition_key":"inserted"}',
        "FCM refuses these credentials: check push.credentials.",
        "Sigfox's REST API needs sigfox.api_login and sigfox.api_password: make an API user in Sigfox's backend",
        "Missing basic attributes; Basic authentication; a Bearer token; the key: none; no such key: it was revoked",
        "evd_data is a folder, evd_sigfox_Ab3dEf6h the id of a key",
        'serial=SN-2024-000123-ABCDEF {"uuid":"ab0d40bd-dbc5-4076-b684-3f610d96e621"}',
    ],
)
def test_what_is_accepted_and_prose_lose_nothing_for_a_doubt(text: str) -> None:
    assert shown(text, ACCEPTED) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"code":"AZUREFUNCTIONKEY"}',
        '{"sig":"0123456789abcdef"}',
        '{"session":"s%3AABCDEFGHIJKLMNOP"}',
        '{"pw":"hunter2"}',
    ],
)
def test_a_doubtful_name_with_a_token_under_it_is_masked_in_what_is_accepted_too(text: str) -> None:
    (value,) = json.loads(shown(text, ACCEPTED)).values()
    assert value == MASK


# Shapes

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1aWQifQ.c2lnbmF0dXJl"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQ==\n-----END PRIVATE KEY-----"
SHAPES = {
    **{f"key of role {role}": new_key(role)[0] for role in ROLES},
    "key in upper case": new_key("sigfox")[0].upper(),
    "key that was cut": new_key("sigfox")[0][:37],
    "bearer": "Bearer abc.DEF-123_~+/==",
    "bearer in another case": "bEARER  Xyzzy12345",
    "basic": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    "JWT": JWT,
    "JWT that was cut": JWT[:30],
    "FCM token": "cX1-yZ_abcdefghijklmn:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx",
    "access token": "ya29.a0AfH6SMBx-y_z",
    "Google API key": "AIza" + "Sy0123456789abcdefghijklmnopqrstu",
    "webhook secret": new_secret(),
    "private key": PEM,
    "private key in JSON": PEM.replace("\n", "\\n"),
    "private key that was cut": PEM[:80],
}


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("386625;1700000000;130a4c0f594e427e4bb45088;12;-126.00", None),
        ("386625;1700000000;;12;5964a10570c85b51ccbaf497;2BF6", None),
        ("386625;never;00;ab0d40bd-dbc5-4076-b684-3f610d96e621", "386625;never;00;***"),
        ("386625;1700000000;ab0d40bd-dbc5-4076-b6", "386625;1700000000;***"),
        ("386625;1700000000;00;0123456789abcdef0123456789", "386625;1700000000;00;***"),
        ("386625;1700000000;00;key=C", "386625;1700000000;00;key=***"),
    ],
)
def test_a_refused_line_keeps_its_payload_and_shows_no_token(line: str, left: str | None) -> None:
    assert masked_line(line, REFUSED) == (line if left is None else left)


@given(st.text("0123456789abcF+-;.e, ", max_size=60))
def test_law_a_line_is_masked_as_any_text(line: str) -> None:
    assert masked_line(line, REFUSED) == masked(line, REFUSED)


@RULES
@pytest.mark.parametrize("secret", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize(
    "around",
    ['{{"note":"{}","n":1}}', "reason {} here", "386625;{};00", "(see {})", '{{"n":["{}"]}}', "u=https://x/{}?y"],
)
def test_a_secrets_shape_is_masked_wherever_it_stands(rule: MaskingRule, secret: str, around: str) -> None:
    left = shown(around.format(secret), rule)
    assert MASK in left
    for part in (secret, *(part for part in secret.replace("\\n", "\n").split() if len(part) > 7)):
        assert part not in left


# Forms and paths


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("device=386625&time=1&key=C", "device=386625&time=1&key=***"),
        ("%6bey=C&k%65y=D&Key=E", "%6bey=***&k%65y=***&Key=***"),
        ("code=C&lat=-33.795&lng=151.035&radius=3321", "code=***&lat=-33.795&lng=151.035&radius=3321"),
        ("apikey=C&token=C&pw=C&x=C", "apikey=***&token=***&pw=***&x=***"),
        ("battery=3.29999&door=true&name=&fault={customData#fault}&u=7", None),
        ("phone=421905123456", "phone=***"),
        ("data=0123456789abcdef01234567&deviceTypeId=5964a10570c85b51ccbaf497", None),
        ("info=it+says+key%3DC%21&severity=WARN", "info=it+says+key%3D***&severity=WARN"),
        ("device=%7B%22key%22%3A%22C%22%7D", "device=%7B%22key%22%3A%22***%22%7D"),
        ("time=1;key=C", "time=1%3Bkey%3D***"),
        (f"{JWT}&a=1", "***&a=1"),
        ("flag&a=1", None),
        ("", None),
        ("&&=&", None),
        ("time=%ff&device=\udcff", None),
    ],
)
def test_a_refused_form_shows_what_means_something_and_numbers(given: str, left: str | None) -> None:
    assert masked_form(given, REFUSED) == (given if left is None else left)


def test_fields_of_formats_are_shown() -> None:
    rule = refused({"trailer", "session", "key"})
    assert masked_form("trailer=open&session=abc&key=C", rule) == "trailer=open&session=abc&key=***"
    assert shown('{"trailer":"0123456789abcdef0123456789"}', rule) == '{"trailer":"0123456789abcdef0123456789"}'


def test_an_accepted_form_keeps_the_vehicles_own_variables() -> None:
    assert masked_form("a=b&code=P0420&token=C", ACCEPTED) == "a=b&code=P0420&token=***"


def test_what_is_behind_the_variables_that_are_read_is_masked() -> None:
    form = "&".join(["time=1"] * VARIABLES_MAX + ["a=C", "b=D"])
    assert masked_form(form, ACCEPTED) == "&".join(["time=1"] * VARIABLES_MAX + [MASK])


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("/sigfox/uplink", None),
        ("/v3/sigfox/uplink/386625-DHT22", None),
        ("/sigfox/uplink/key/C/x", "/sigfox/uplink/key/***/x"),
        (f"/sigfox/{JWT}", "/sigfox/***"),
        ("/sigfox/QUJDREVGR0hJSktMTU5PUFFSU1RVVg1", "/sigfox/***"),
        ("/sigfox/uplink;key=C", "/sigfox/uplink;key=***"),
        ("//", None),
        ("*", None),
    ],
)
def test_a_path_shows_no_secret(path: str, left: str | None) -> None:
    assert masked_path(path, REFUSED) == (path if left is None else left)


# Laws

letters = st.text("abcXYZ_ éЖ😀0123456789-", max_size=8)
names = st.sampled_from(HARMLESS) | letters.filter(lambda name: from_length(name) is None and not is_suspect(name))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e6, 1e6)
    | letters
    | st.just(" \n\t/\"'\\{}[],")
)
trees = st.recursive(
    scalars, lambda one: st.lists(one, max_size=4) | st.dictionaries(names, one, max_size=4), max_leaves=12
)
objects = st.dictionaries(names, trees, max_size=6)
spaced = st.sampled_from([{}, {"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}])


@given(objects, spaced)
def test_law_what_holds_no_secret_is_the_same_to_the_byte(document: dict[str, Any], how: dict[str, Any]) -> None:
    body = json.dumps(document, **how).encode()
    assert masked_bytes(body, ACCEPTED) == body
    assert masked_bytes(body, REFUSED) == body


def planted(tree: Any, secret: Any, name: str, where: list[int]) -> Any:
    """The tree with a member of that name in it, on a level that `where` leads to."""
    if where and isinstance(tree, dict) and tree:
        key = list(tree)[where[0] % len(tree)]
        return {**tree, key: planted(tree[key], secret, name, where[1:])}
    if where and isinstance(tree, list) and tree:
        index = where[0] % len(tree)
        return [*tree[:index], planted(tree[index], secret, name, where[1:]), *tree[index + 1 :]]
    return {**tree, name: secret} if isinstance(tree, dict) else {name: secret, "beside": tree}


def escaped(text: str, which: set[int]) -> str:
    return "".join(f"\\u{ord(one):04x}" if index in which else one for index, one in enumerate(text))


values = st.sampled_from(
    [CANARY, f'{CANARY} with blanks, "quotes" and \\', [CANARY], {"x": [{"y": CANARY}]}, f"é{CANARY}"]
)


@given(
    objects,
    values,
    st.sampled_from(CERTAIN),
    st.lists(st.integers(0, 3), max_size=4),
    spaced,
    st.sets(st.integers(0, 8)),
)
def test_law_a_secret_is_found_in_any_json(
    document: dict[str, Any], secret: Any, name: str, where: list[int], how: dict[str, Any], which: set[int]
) -> None:
    tree = planted(document, secret, name, where)
    text = json.dumps(tree, **how).replace(json.dumps(name), f'"{escaped(name, which)}"')
    for rule in (ACCEPTED, REFUSED):
        left = shown(text, rule)
        assert CANARY not in left
        assert json.loads(left) == planted(document, MASK, name, where)
        cut = masked_bytes(text.encode()[: -(len(where) + 1)], rule)
        assert CANARY.encode() not in cut


@given(
    st.sampled_from(CERTAIN),
    st.lists(st.sampled_from(["json", "escape", "percent", "form"]), max_size=3),
)
def test_law_a_secret_is_found_in_texts_within_texts(name: str, wraps: list[str]) -> None:
    text = json.dumps({"a": 1, name: CANARY, "b": "x"})
    for wrap in wraps:
        text = {
            "json": lambda one: json.dumps({"note": one}),
            "escape": lambda one: '{"note":"' + escaped(one, set(range(len(one)))) + '"}',
            "percent": lambda one: f"https://x/?n={quote(one, safe='')}",
            "form": lambda one: f"device=1&info={quote_plus(one)}",
        }[wrap](text)
    for rule in (ACCEPTED, REFUSED):
        assert CANARY not in shown(text, rule)
        assert CANARY not in _unwrapped(shown(text, rule))


def _unwrapped(text: str) -> str:
    for _ in range(4):
        text = json.loads(f'"{text}"') if '"' not in text else text
    return text


PIECES = (
    *(
        "key",
        "token",
        "a",
        "1",
        "=",
        ":",
        '"',
        "'",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&",
        "%",
        "%3d",
        "%22",
        " ",
        "\n",
        ";",
    ),
    *(
        "<",
        ">",
        "://",
        "@",
        "\\u0022",
        "APA91",
        "Bearer ",
        "eyJabcdefgh",
        "evd_sigfox_",
        "-----BEGIN PRIVATE KEY-----",
        MASK,
    ),
)
texts = st.lists(st.sampled_from(PIECES), max_size=24).map("".join) | st.text(max_size=40)


@given(texts.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=60))
@example(b"\x00k\x00e\x00y\x00=\x001")
@example(b'"\\ud800key=x"')
def test_law_nothing_is_raised_and_what_was_masked_stays_so(data: bytes) -> None:
    for rule in (ACCEPTED, REFUSED):
        once = masked_bytes(data, rule)
        assert masked_bytes(once, rule) == once
        text = data.decode("utf-8", "surrogateescape")
        masked_form(text, rule)
        masked_path(text, rule)


@given(texts)
def test_law_the_cheap_look_sees_whatever_would_be_masked(text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    never_accepted = body.startswith(b"{")
    assert may_hold_secret(body) or masked_bytes(body, ACCEPTED) == body or never_accepted
    assert line_may_hold_secret(text) or masked(text) == text


@given(
    objects, st.sampled_from([*CERTAIN, *DOUBTFUL, *HARMLESS]), st.sampled_from([CANARY, "x" * 40, *SHAPES.values()])
)
def test_law_the_cheap_look_sees_whatever_would_be_masked_in_json(
    document: dict[str, Any], name: str, value: str
) -> None:
    body = json.dumps({**document, name: value}).encode()
    assert may_hold_secret(body) or masked_bytes(body, ACCEPTED) == body


def test_utf_16_hides_nothing_in_what_is_refused() -> None:
    for encoding in ("utf-16-le", "utf-16-be", "utf-16"):
        text = json.dumps({"device": "386625", "key": CANARY})
        assert CANARY not in masked_bytes(text.encode(encoding), REFUSED).decode(encoding)


def test_bytes_that_are_no_text_stay() -> None:
    assert masked_bytes(b'\xff\xfe{"key":"\xe9"}\x80', REFUSED) == b'\xff\xfe{"key":"***"}\x80'


HOSTILE = (
    *(
        "a:",
        '"a":',
        "key:",
        '"key":',
        '{"key":',
        '{"a":',
        '{"session":{',
        "[",
        "session=a ",
        "session:a ",
        '"',
        '\\"',
        '"\\',
    ),
    *(
        "%25",
        '"\\u005c',
        "evd_",
        "-----BEGIN PRIVATE KEY-----",
        "://a",
        "a",
        "bearer ",
        "APA91",
        "a:APA91",
        "eyJ",
        "eyJ.",
    ),
    *(
        '"key",',
        "<key>",
        '"key"\r\n\r\n',
        'session\\":\\"a ',
        'key\\":[',
        "=",
        "&",
        "/",
        '"a\\n%2522',
        '"\\u0025%5cu0022',
    ),
)


@pytest.mark.parametrize("pattern", HOSTILE)
def test_the_time_is_linear_in_64_kib_of_anything(pattern: str) -> None:
    text = (pattern * 65_536)[:65_536]
    began = time.process_time()
    for rule in (ACCEPTED, REFUSED):
        masked(text, rule)
        masked_form(text, rule)
        masked_path(text, rule)
    assert time.process_time() - began < 5, "a quadratic one takes minutes"


def test_thirty_two_levels_hide_nothing() -> None:
    tree: Any = {"key": CANARY}
    for level in range(31):
        tree = {f"l{level}": tree} if level % 2 else [tree]
    assert CANARY not in shown(json.dumps({"a": tree}), ACCEPTED)
