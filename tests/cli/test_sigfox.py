"""evd sigfox config: what is to be typed into Sigfox's form, or created; check is tested with its probe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from daemon_process import run_evd
from fake_sigfox import LOGIN, PASSWORD, fake_sigfox

from evd.model.measures import EV_GRAMMAR
from evd.sigfox.callback_form import definitions

URL = "https://evd.example.org"


def test_the_command_prints_what_to_type_and_how_a_key_is_made(tmp_path: Path) -> None:
    done = run_evd("sigfox", "config", "--url", f"{URL}/", "--format", "ev", "--dir", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for one in definitions(URL, grammar=EV_GRAMMAR):
        assert one.url in done.stdout
        assert all(line in done.stdout for line in one.body.splitlines())
    assert f"Custom payload config  {EV_GRAMMAR}" in done.stdout
    assert "evd key create --role sigfox" in done.stdout


def test_the_batch_pattern_is_the_one_the_daemon_reads_by(tmp_path: Path) -> None:
    (tmp_path / "evd.toml").write_text('[sigfox]\nbatch_pattern = "{device},{time},{data}"\n')
    done = run_evd("sigfox", "config", "--url", URL, "--batch", "--json", "--dir", tmp_path)
    assert json.loads(done.stdout)[0]["line_pattern"] == "{device},{time},{data}"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--url", "evd.example.org"), "no base address"),
        (("--url", URL, "--format", "a:0:uint:99"), "a"),
        (("--url", URL, "--create"), "--device-type"),
        (("--url", URL, "--device-type", "5aae"), "--create"),
        (("--url", URL, "--create", "--device-type", "5aae"), "EVD_SIGFOX_KEY"),
    ],
)
def test_what_the_command_cannot_use_is_said_in_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = run_evd("sigfox", "config", *arguments, "--dir", tmp_path)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.startswith("evd: ")
    assert says in done.stderr


def test_created_callbacks_carry_the_key_and_are_not_created_twice(tmp_path: Path) -> None:
    with fake_sigfox() as sigfox:
        env = {
            "EVD_SIGFOX__API": sigfox.url,
            "EVD_SIGFOX__API_LOGIN": LOGIN,
            "EVD_SIGFOX__API_PASSWORD": PASSWORD,
            "EVD_SIGFOX_KEY": "the-key-of-evd",
        }
        wish = ("sigfox", "config", "--url", URL, "--create", "--device-type", "5aae", "--dir", tmp_path)
        first = run_evd(*wish, "--json", env=env)
        assert (first.returncode, first.stderr) == (0, "")
        second = run_evd(*wish, env=env)
    made = {one["kind"]: one.get("created") for one in json.loads(first.stdout)}
    assert made == {**dict.fromkeys((one.kind for one in definitions(URL)), True), "event": None}
    assert second.stdout.count("exists already as") == len(made) - 1
    assert "EVENT" in second.stdout
    assert len(sigfox.callbacks["5aae"]) == len(made) - 1
    assert {one["headers"]["x-api-key"] for one in sigfox.callbacks["5aae"]} == {"the-key-of-evd"}
    assert "the-key-of-evd" not in first.stdout + second.stdout
