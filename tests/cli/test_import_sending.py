"""What the imports share: what evd was too busy for is sent again, and each verdict is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from evd.cli import import_sending
from evd.cli.exits import PARTLY
from evd.cli.import_sending import AGAIN, BUSY_FOR_S, end, note, say_skipped, verdicts
from evd.cli.interruption import EXIT_INTERRUPTED
from evd.errors import ControlError
from evd.transfer.summary import ImportSummary, Place


class Busy:
    """A daemon that takes so many things of each request, and the clock that goes on while a command sleeps."""

    def __init__(self, takes: int) -> None:
        self.asked: list[list[Any]] = []
        self.now = 0.0
        self._takes = takes

    def call(self, socket: Path, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert (method, path, body["write"]) == ("POST", "/import/owners", True)
        self.asked.append(body["items"])
        return {
            "verdicts": [f"took {one}" if place < self._takes else AGAIN for place, one in enumerate(body["items"])]
        }

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def busy(monkeypatch: pytest.MonkeyPatch, takes: int) -> Busy:
    daemon = Busy(takes)
    monkeypatch.setattr(import_sending, "control_socket", daemon)
    monkeypatch.setattr(import_sending, "time", daemon)
    return daemon


def test_only_what_evd_was_too_busy_for_is_sent_again_and_each_verdict_is_at_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    daemon = busy(monkeypatch, takes=2)
    found = verdicts(Path("x"), "owners", ["a", "b", "c", "d", "e"], write=True)
    assert found == ["took a", "took b", "took c", "took d", "took e"]
    assert daemon.asked == [["a", "b", "c", "d", "e"], ["c", "d", "e"], ["e"]]
    assert verdicts(Path("x"), "owners", [], write=True) == []


def test_an_evd_that_stays_too_busy_ends_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = busy(monkeypatch, takes=0)
    with pytest.raises(ControlError, match="repeat it later, nothing gets in twice"):
        verdicts(Path("x"), "owners", ["a"], write=True)
    assert BUSY_FOR_S < daemon.now < BUSY_FOR_S + 1


def test_a_verdict_is_counted_and_a_refusal_is_a_skipped_thing_with_its_place() -> None:
    summary = ImportSummary()
    for _ in range(3):
        summary.read("owners")
    note(summary, "owners", Place("x.json", 1), "new")
    note(summary, "owners", Place("x.json", 2), "known")
    note(summary, "owners", Place("x.json", 3), {"error": "Bad request", "detail": "no uid"})
    found = summary.document()
    assert found["tables"] == {"owners": {"read": 3, "new": 1, "known": 1, "too_old": 0}}
    (skipped,) = found["skipped"]
    assert (skipped["reason"], skipped["count"]) == ("Bad request", 1)
    assert skipped["example"] == {"file": "x.json", "line": 3, "detail": "no uid"}


@pytest.mark.parametrize(
    ("skipped", "stopped", "code"),
    [([], False, 0), ([{}], False, PARTLY.code), ([], True, EXIT_INTERRUPTED), ([{}], True, EXIT_INTERRUPTED)],
)
def test_the_exit_code_says_whether_all_is_moved(
    skipped: list[Any], stopped: bool, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[Any] = []
    with pytest.raises(click.exceptions.Exit) as ended:
        end(click.Context(click.Command("import")), {"skipped": skipped}, shown.append, stopped=stopped)
    assert (ended.value.exit_code, shown) == (code, [{"skipped": skipped}])
    assert ("run the same command again" in capsys.readouterr().err) == stopped


def test_each_reason_is_a_sentence_with_the_place_of_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    summary = ImportSummary()
    summary.skip("too long", Place("x.json", 7), "it has 9 bytes")
    summary.skip("no picture", "vehicles/1", "it is a text")
    say_skipped(summary.document())
    assert capsys.readouterr().err.splitlines() == [
        "evd: 1 skipped: no picture; the first in vehicles/1: it is a text",
        "evd: 1 skipped: too long; the first in x.json, line 7: it has 9 bytes",
    ]
