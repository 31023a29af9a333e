"""Texts of any kind lose the secrets in them and nothing else, to the byte."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secret_samples import CANARY, CERTAIN, objects

from evd.redaction.names import ALWAYS, UNFOLDED_MAX
from evd.redaction.requests import (
    ACCEPTED,
    MASK,
    MaskingRule,
    masked,
    masked_bytes,
    masked_form,
    masked_path,
    refused,
)
from evd.redaction.text import is_secret

REFUSED = refused()


RULES = pytest.mark.parametrize("rule", [ACCEPTED, REFUSED], ids=["accepted", "refused"])


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


@pytest.mark.parametrize(
    ("content", "threshold", "secret"),
    [
        ("", ALWAYS, False),
        (" null ", ALWAYS, False),
        ("true", ALWAYS, False),
        (MASK, ALWAYS, False),
        ("0", ALWAYS, True),
        ("0", 1, False),
        ("-1.5e3", 1, False),
        ("1234567890123456", 1, True),
        ("abcdefgh", 8, True),
        ("abcdefg", 8, False),
        ("abcd efgh", 8, False),
    ],
)
def test_a_value_is_a_secret_by_its_length_unless_it_is_a_number_or_has_blanks(
    content: str, threshold: int, secret: bool
) -> None:
    assert is_secret(content, threshold) is secret


def test_what_is_encoded_more_often_than_parsers_decode_is_masked_whole() -> None:
    text = '"plain"'
    for _ in range(UNFOLDED_MAX):
        text = json.dumps(text)
        assert shown(text) == text
    left = shown(json.dumps(text))
    assert MASK in left and "plain" not in left


def test_a_format_may_make_a_doubtful_name_known_and_never_a_certain_one() -> None:
    rule = MaskingRule(strict=True, known={"session", "token"})
    assert [rule.knows(name) for name in ("session", "token", "device", "sid")] == [True, False, True, False]
    assert [rule.from_length(name) for name in ("session", "token", "device", "sid")] == [None, ALWAYS, None, ALWAYS]
