"""Steps done and undone below a root: twice, after a change by hand, after a failure."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from setup_image import EVD, OWN, image, needs_root, planned, tree

from evd.errors import SetupError
from evd.setup.answers import MADE
from evd.setup.apply import Site, run
from evd.setup.steps import Directory, File, Link, Run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return image(tmp_path)


@needs_root
def test_it_is_done_once_and_undone(root: Path) -> None:
    before = tree(root)
    old = root / "etc/systemd/system/evd.service"
    old.parent.mkdir(parents=True)
    old.write_text("# somebody's own\n")
    steps = planned(OWN._replace(documents={"/usr/local/share/man/man1/evd.1": ".TH EVD 1\n"}))
    site = Site(root, running=False)
    assert "done" in [site.apply(step) for step in steps]
    made = tree(root)
    assert made["usr/local/bin/evd"] == (0, EVD)
    assert "etc/systemd/system/multi-user.target.wants/evd.service" in made
    assert "etc/systemd/system/sockets.target.wants/evd.socket" in made
    key = root / "etc/evd/tls/privkey.pem"
    groups = {line.split(":")[0]: int(line.split(":")[2]) for line in (root / "etc/group").read_text().splitlines()}
    assert (stat.S_IMODE(key.stat().st_mode), key.stat().st_gid) == (0o640, groups["evd"])

    again = Site(root, running=False)
    outcomes = [again.apply(step) for step in steps if not isinstance(step, Run)]
    assert set(outcomes) == {"already"}
    assert tree(root) == made

    (root / "etc/evd/tls/fullchain.pem").write_text("renewed by hand")
    kept = Site(root, running=False).undo()
    assert any("fullchain.pem stays: somebody has changed it" in one for one in kept)
    assert old.read_text() == "# somebody's own\n"
    left = tree(root)
    users = [name for name in ("passwd", "group") if "evd:" in left[f"etc/{name}"][1]]
    assert users == []
    more = {name for name in left.keys() - before.keys() if not name.startswith("etc/.") and "shadow" not in name}
    assert more - {"etc/passwd-", "etc/group-"} == {"etc/systemd/system/evd.service", "etc/evd/tls/fullchain.pem"}


@needs_root
def test_a_renewed_certificate_replaces_the_old_one_and_undoing_still_removes_it(root: Path) -> None:
    for content in (b"old", b"new"):
        site = Site(root, running=False)
        for step in planned(OWN._replace(certificate=content)):
            site.apply(step)
    assert (root / "etc/evd/tls/fullchain.pem").read_bytes() == b"new"
    site.undo()
    assert not (root / "etc/evd").exists()


def test_a_step_that_fails_is_one_sentence_and_what_was_done_can_be_undone(root: Path) -> None:
    def fail(command: tuple[str, ...], env: Any) -> None:
        raise SetupError(f"{command[0]} failed")

    site = Site(root, running=True, machine=fail)
    with pytest.raises(SetupError, match="systemd-sysusers failed"):
        for step in planned(OWN):
            site.apply(step)
    assert (root / "etc/sysusers.d/evd.conf").exists()
    assert Site(root, running=True, machine=fail).undo() == []
    assert not (root / "etc/sysusers.d/evd.conf").exists()


# ---- one step ----


class Calls:
    """A machine that takes down what it is to run."""

    def __init__(self) -> None:
        self.made: list[tuple[str, ...]] = []

    def __call__(self, command: tuple[str, ...], env: Mapping[str, str]) -> None:
        self.made.append(command)


def test_a_command_runs_on_the_machine_or_below_a_root_or_not_at_all(root: Path) -> None:
    here, both = Run("here only", ("here",)), Run("both", ("here",), below_root=("there", "--root={root}"))
    for running, made in ((True, [("here",), ("here",)]), (False, [("there", f"--root={root}")])):
        calls = Calls()
        site = Site(root, running=running, machine=calls)
        assert [site.apply(here), site.apply(both)] == ["done" if running else "left out", "done"]
        assert calls.made == made


def test_a_command_waits_for_a_change_and_is_left_out_where_its_work_is_done(root: Path) -> None:
    calls = Calls()
    site = Site(root, running=True, machine=calls)
    restart, first = Run("again", ("restart",), if_changed=True), Run("first", ("certbot",), unless="/etc/cert")
    assert [site.apply(one) for one in (restart, first)] == ["left out", "done"]
    assert site.apply(File("made meanwhile", "/etc/cert", b"x")) == "done"
    assert [site.apply(one) for one in (restart, first)] == ["done", "left out"]
    assert calls.made == [("certbot",), ("restart",)]


def test_a_mode_that_was_changed_is_mended(root: Path) -> None:
    steps = Directory("closed", "/etc/evd", 0o750), File("secret", "/etc/evd/fcm.json", b"{}", 0o600)
    for step in steps:
        Site(root, running=False).apply(step)
        path = root / step.path[1:]
        path.chmod(0o777)
        assert Site(root, running=False).apply(step) == "done"
        assert stat.S_IMODE(path.stat().st_mode) == step.mode
        assert Site(root, running=False).apply(step) == "already"


def test_a_link_takes_nobodys_place(root: Path) -> None:
    link = Link("on the PATH", "/bin/evd", "/opt/evd")
    site = Site(root, running=False)
    assert [site.apply(link), site.apply(link)] == ["done", "already"]
    with pytest.raises(SetupError, match="is no link of evd's: move it away"):
        site.apply(Link("on the PATH", "/bin/evd", "/opt/other"))


def test_a_group_that_is_not_there_is_a_sentence(root: Path) -> None:
    with pytest.raises(SetupError, match="there is no group evd in"):
        Site(root, running=False).apply(Directory("closed", "/etc/evd", 0o750, "evd"))


# ---- undoing ----


def test_what_stood_there_before_the_first_setup_comes_back_after_the_second(root: Path) -> None:
    path = root / "etc/x"
    path.write_bytes(b"somebody's own")
    for content in (b"first", b"second"):
        assert Site(root, running=False).apply(File("ours", "/etc/x", content)) == "done"
    assert Site(root, running=False).undo() == [f"{path} is as it was before"]
    assert path.read_bytes() == b"somebody's own"


def test_the_user_stays_while_there_are_data_of_its_own(root: Path) -> None:
    calls = Calls()
    user = Run("make them", ("systemd-sysusers",), undo=("userdel", "evd"))
    Site(root, running=True, machine=calls).apply(user)
    (root / "var/lib/evd").mkdir(parents=True)
    assert "the user evd stays" in Site(root, running=True, machine=calls).undo()[0]
    assert calls.made == [("systemd-sysusers",)]

    Site(root, running=True, machine=calls).apply(user)
    (root / "var/lib/evd").rmdir()
    (root / "etc/group").write_text("root:x:0:\nevd:x:999:\n")
    assert Site(root, running=True, machine=calls).undo() == []
    assert calls.made[2:] == [("userdel", "evd"), ("groupdel", "evd")]


def test_a_command_is_undone_once_however_often_it_ran(root: Path) -> None:
    calls = Calls()
    enable = Run("with the machine", ("enable",), undo=("disable",))
    for _ in range(2):
        Site(root, running=True, machine=calls).apply(enable)
    Site(root, running=True, machine=calls).undo()
    assert calls.made == [("enable",), ("enable",), ("disable",)]


def test_a_list_of_what_was_made_that_cannot_be_read_stops_a_setup(root: Path) -> None:
    made = root / MADE[1:]
    made.parent.mkdir(parents=True)
    made.write_text("{")
    with pytest.raises(SetupError, match="cannot be read"):
        Site(root, running=False)


# ---- the machine's commands ----


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("no-such-command-of-evd",), "is not here: install it"),
        (("sh", "-c", "echo first; echo why >&2; exit 3"), "failed: why"),
        (("sh", "-c", "echo why; exit 3"), "failed: why"),
        (("sh", "-c", "exit 3"), "failed: exit 3"),
    ],
)
def test_a_command_that_fails_is_a_sentence_with_what_it_said_last(command: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(SetupError, match=sentence):
        run(command, {})


def test_a_command_gets_the_variables_of_its_step() -> None:
    run(("sh", "-c", 'test "$RENEWED_DOMAINS" = x && test -n "$PATH"'), {"RENEWED_DOMAINS": "x"})
