"""`evd decode` and `evd format check`, as they are typed."""

from __future__ import annotations

import io
import json

import pytest
from click.testing import CliRunner, Result

from evd.cli.decode import LINE_BYTES_MAX, _serve_lines, decode
from evd.cli.format import bit_map, caret, format_group, show_refusal
from evd.errors import FormatError
from evd.payload.grammar import parse

EV = (
    "state:0:uint:3:big-endian:7 current_charge:0:uint:7:big-endian:4 target_charge:1:uint:7:big-endian:5 "
    "current:2:uint:10:big-endian:6 elapsed_time:3:uint:13:big-endian:4 remain_time:5:uint:13:big-endian:7 "
    "range:6:uint:11:big-endian:2 elec_consumption:8:uint:16:big-endian:7 indoor_temp:10:uint:16:big-endian:7"
)


def run_decode(*args: str, stdin: str | bytes = b"") -> Result:
    return CliRunner().invoke(decode, args, input=stdin)


def run_check(*args: str) -> Result:
    return CliRunner().invoke(format_group, ["check", *args])


def lines(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


# ---- decode, by arguments ----


def test_each_hex_becomes_a_line_of_its_fields() -> None:
    result = run_decode("--format", "a::uint:8 b::bool:7", "0580", "FF", "")
    assert result.exit_code == 0
    assert result.stdout == '{"a":5,"b":true}\n{"a":255,"b":null}\n{"a":null,"b":null}\n'


def test_the_ev_frame_with_its_halves() -> None:
    result = run_decode(
        "--format", EV, "--half", "elec_consumption", "--half", "indoor_temp", "130a4c0f594e427e4bb45088"
    )
    assert result.stdout == (
        '{"state":0,"current_charge":76,"target_charge":20,"current":608,"elapsed_time":3929,"remain_time":2504,'
        '"range":638,"elec_consumption":15.40625,"indoor_temp":36.25}\n'
    )


def test_a_bad_hex_is_an_error_line_and_the_exit_code_in_the_end() -> None:
    result = run_decode("--format", "a::uint:8", "01", "xy", "02")
    assert result.exit_code == 1
    first, second, third = lines(result)
    assert (first, third) == ({"a": 1}, {"a": 2})
    assert second == {"error": "the payload is no hex text: 'x' at position 0 is no hex digit"}


def test_a_refused_format_is_shown_with_its_place() -> None:
    result = run_decode("--format", "ok::uint:8 temp::sint:8", "00")
    assert result.exit_code == 1
    assert result.stdout == ""
    error, text, mark = result.stderr.splitlines()
    assert error.startswith("evd: field \"temp\" at position 17: the type is 'sint'")
    assert text[mark.index("^") :].startswith("sint:8")


def test_a_half_that_is_no_field_is_refused() -> None:
    result = run_decode("--format", "temp::uint:16", "--half", "tmp", "0000")
    assert result.exit_code == 1
    assert 'the nearest is "temp"' in result.stderr


def test_hex_without_a_format_is_a_usage_error() -> None:
    result = run_decode("00")
    assert result.exit_code == 2
    assert "--format is missing" in result.stderr


# ---- decode, by lines ----

BAD_LINES = [
    ("", "not a JSON object"),
    ("nonsense", "not a JSON object"),
    ("[]", "not a JSON object"),
    ("{}", "payload"),
    ('{"format":"a::uint:8"}', "payload"),
    ('{"format":"a::uint:8","payload":5}', "payload"),
    ('{"format":5,"payload":"00"}', "format"),
    ('{"payload":"00"}', "no --format"),
    ('{"format":"a::uint:99","payload":"00"}', 'field "a" at position 8'),
    ('{"format":"a::uint:8","payload":"0"}', "no hex text"),
    ('{"format":"a::uint:8","payload":"\\ud800"}', ""),
    ("[" * 60000, ""),
    ("x" * LINE_BYTES_MAX, "not a JSON object"),
    ("x" * (LINE_BYTES_MAX + 1), "longer than"),
    ("x" * (LINE_BYTES_MAX * 3 + 7), "longer than"),
]


@pytest.mark.parametrize(("line", "sentence"), BAD_LINES, ids=lambda value: value[:24])
def test_a_bad_line_is_answered_and_the_next_one_decoded(line: str, sentence: str) -> None:
    result = run_decode(stdin=f'{line}\n{{"format":"a::uint:8","payload":"07"}}\n')
    assert result.exit_code == 0
    bad, good = lines(result)
    assert list(bad) == ["error"]
    assert sentence in str(bad["error"])
    assert good == {"fields": {"a": 7}}


def test_bytes_that_are_no_utf8_are_answered() -> None:
    (bad,) = lines(run_decode(stdin=b'{"format":"\xff","payload":"00"}\n'))
    assert list(bad) == ["error"]


def test_the_option_stands_in_for_a_line_without_format() -> None:
    stdin = '{"payload":"07"}\r\n{"format":"b::uint:8","payload":"08"}\n{"format":null,"payload":"09"}'
    assert lines(run_decode("--format", "a::uint:8", stdin=stdin)) == [
        {"fields": {"a": 7}},
        {"fields": {"b": 8}},
        {"fields": {"a": 9}},
    ]


def test_no_line_no_answer() -> None:
    result = run_decode()
    assert (result.exit_code, result.stdout) == (0, "")


def test_each_line_is_answered_before_the_next_is_read() -> None:
    """As a co-process: nothing may wait in a buffer while the other side waits for its answer."""
    sent = io.BytesIO()
    out = io.BufferedWriter(sent)  # type: ignore[type-var]
    answered: list[int] = []

    class Asker(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            answered.append(sent.getvalue().count(b"\n"))
            return super().readline(size)

    _serve_lines(Asker(b'{"payload":"01"}\n{"payload":"02"}\n'), out, "a::uint:8", ())
    assert answered == [0, 1, 2]


# ---- format check ----


def test_check_shows_field_type_and_bits() -> None:
    result = run_check(EV)
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["b", "current_charge", "uint", "7", "bits", "3", "9"] in rows
    assert ["i", "indoor_temp", "uint", "16", "bits", "80", "95", "big-endian"] in rows
    assert ["1", "b", "b", "c", "c", "c", "c", "c", "c"] in rows
    assert "12 bytes" in result.stdout


def test_the_bit_map_has_a_row_a_byte() -> None:
    assert bit_map(parse("a::uint:3:7 b:0:uint:7:4 c:2:bool:0 d:2:uint:2:1")) == [
        "a a a b b b b b",
        "b b · · · · · ·",
        "· · · · · · d *",
    ]


def test_check_as_json() -> None:
    result = run_check("--json", "t:1:int:12:3 on:0:bool:7")
    assert json.loads(result.stdout) == {
        "bytes": 3,
        "fields": [
            {
                "name": "t",
                "type": "int",
                "bits": 12,
                "byte": 1,
                "offset": 3,
                "first_bit": 12,
                "last_bit": 23,
                "endianness": "big-endian",
            },
            {
                "name": "on",
                "type": "bool",
                "bits": 1,
                "byte": 0,
                "offset": 7,
                "first_bit": 0,
                "last_bit": 0,
                "endianness": None,
            },
        ],
    }


def test_check_points_at_the_place_in_a_refused_format() -> None:
    result = run_check(EV + " temp:0:int:12:big-endian:3:/100")
    assert result.exit_code == 1
    assert result.stdout == ""
    sentence, text, mark = result.stderr.splitlines()
    assert "'/100' follows the bit offset" in sentence
    assert text[mark.index("^") :] == "/100"
    assert len(text) < 80


def test_check_as_json_says_why_a_format_is_refused() -> None:
    result = run_check("--json", "a::uint:12:little-endian")
    assert result.exit_code == 1
    refusal = json.loads(result.stdout)
    assert (refusal["field"], refusal["position"]) == ("a", 11)
    assert "multiple of 8 bits" in refusal["error"]


@pytest.mark.parametrize(
    ("text", "position", "shown"),
    [
        ("", 0, "  \n  ^"),
        ("abc", 0, "  abc\n  ^"),
        ("abc", 3, "  abc\n     ^"),
        ("a\nb", 2, "  a b\n    ^"),
        ("x" * 100, 50, f"  …{'x' * 72}…\n  {' ' * 37}^"),
    ],
)
def test_the_caret_stands_below_the_position(text: str, position: int, shown: str) -> None:
    assert caret(text, position) == shown


def test_a_fault_without_a_place_has_no_caret(capsys: pytest.CaptureFixture[str]) -> None:
    show_refusal("load::uint:8", FormatError("the format is wrong"))
    assert capsys.readouterr().err == "evd: the format is wrong\n"
