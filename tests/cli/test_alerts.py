"""`evd alerts test`: what reached the operator, way by way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alarm_receiver import receiver
from daemon_process import init, run_evd


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("alerts") / "evd"
    init(directory)
    return directory


def test_each_way_gets_a_test_and_one_that_fails_is_named(place: Path) -> None:
    with receiver(200) as fine, receiver(500) as broken:
        ntfy = f"{fine.url.replace('http', 'ntfy')}/topic"
        (place / "evd.toml").write_text(f'[alerts]\nwebhook = "{broken.url}/x"\nnotify = "{ntfy}"\n')
        done = run_evd("alerts", "test", "--json", "--dir", place)
        ((_, _, body),) = fine.wait_for(1)
    assert json.loads(body)["message"] == "This is a test: no alarm stands because of it."
    first, second = json.loads(done.stdout)
    assert first == {"way": "ntfy", "sent": True, "reason": ""}
    assert (second["way"], second["sent"]) == ("webhook", False) and "answered 500" in second["reason"]
    assert done.returncode == 5 and "1 of 2 ways took no test message" in done.stderr


def test_where_no_way_is_set_up_it_says_which_settings_make_one(place: Path) -> None:
    (place / "evd.toml").write_text("")
    done = run_evd("alerts", "test", "--dir", place)
    assert done.returncode == 2 and "set alerts.notify, or another one under [alerts]" in done.stderr
