"""A setup: the plan of each sort of certificate; done twice and undone below a root; the units themselves."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from daemon_process import run_evd
from folders import ROOT

from evd.cli import cli
from evd.cli.manual import documents
from evd.cli.setup import UNITS
from evd.config.data_dir import DataDirectory, umask_of
from evd.config.loading import load
from evd.doctor.machine import exposure
from evd.errors import ConfigError, SetupError
from evd.setup.answers import Answers
from evd.setup.apply import Site
from evd.setup.plan import plan
from evd.setup.steps import File, Run, Step, shown

SHIPPED = {name: (ROOT / "evd" / "setup" / "units" / name).read_text("utf-8") for name in UNITS}
EVD = str(Path(sys.executable).parent / "evd")
OWN = Answers("evd.example.org", "own", EVD, certificate=b"chain", key=b"key")
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("systemd-sysusers") is None, reason="root and systemd-sysusers are needed"
)


def planned(answers: Answers) -> list[Step]:
    return plan(answers, SHIPPED)


def files(answers: Answers) -> dict[str, File]:
    return {step.path: step for step in planned(answers) if isinstance(step, File)}


def test_the_units_in_the_wheel_are_those_of_the_repository() -> None:
    assert {path.name: path.read_text("utf-8") for path in (ROOT / "systemd").iterdir()} == SHIPPED


UNIT_FILES = {f"/etc/systemd/system/{name}" for name in UNITS} | {
    "/etc/systemd/system/evd.service.d/10-setup.conf", "/etc/sysusers.d/evd.conf"
}  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "more", "listen", "settings"),
    [
        (OWN._replace(certificates="caddy"), {"/etc/evd/Caddyfile"}, "127.0.0.1:8080", "TRUSTED_PROXIES=127.0.0.1"),
        (OWN, {"/etc/evd/tls/fullchain.pem", "/etc/evd/tls/privkey.pem"}, "443", "TLS_KEY=/etc/evd/tls/privkey.pem"),
        (OWN._replace(certificates="certbot"), {"/etc/letsencrypt/renewal-hooks/deploy/evd"}, "443", "TLS_CERT="),
        (
            OWN._replace(certificates="caddy", fcm=b"{}", sigfox_login="me", sigfox_password=b"secret"),
            {"/etc/evd/Caddyfile", "/etc/evd/fcm.json", "/etc/evd/sigfox-password"},
            "127.0.0.1:8080",
            "LoadCredential=sigfox.api_password:/etc/evd/sigfox-password",
        ),
    ],
)
def test_a_plan(answers: Answers, more: set[str], listen: str, settings: str) -> None:
    found = files(answers)
    assert found.keys() == UNIT_FILES | more
    assert f"\nListenStream={listen}\n".encode() in found["/etc/systemd/system/evd.socket"].content
    assert f"ExecStart={EVD} serve\n".encode() in found["/etc/systemd/system/evd.service"].content
    drop_in = found["/etc/systemd/system/evd.service.d/10-setup.conf"].content.decode()
    assert settings in drop_in
    assert "secret" not in drop_in
    secrets = {path: found[path].mode & 0o007 for path in more if path.endswith((".json", "password", ".pem"))}
    assert set(secrets.values()) <= {0}, "what is secret is closed to others"
    assert all(shown(step) for step in planned(answers))


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (OWN._replace(program="/home/me/venv/bin/evd"), "is in a home directory"),
        (OWN._replace(domain="evd example"), "is no domain name"),
        (OWN._replace(key=None), "needs --tls-cert and --tls-key"),
        (OWN._replace(sigfox_login="me"), "belong together"),
    ],
)
def test_answers_that_cannot_work_are_refused(answers: Answers, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        planned(answers)


def test_the_settings_of_a_setup_are_settings(tmp_path: Path) -> None:
    """The variables of each drop-in are ones that evd knows, and its credential is the setting."""
    (tmp_path / "sigfox.api_password").write_text("s3cret\n")
    for certificates in ("caddy", "own"):
        answers = OWN._replace(certificates=certificates, sigfox_login="me", sigfox_password=b"s3cret")
        drop_in = files(answers)["/etc/systemd/system/evd.service.d/10-setup.conf"].content.decode()
        env = dict(pair.split("=", 1) for pair in re.findall(r"EVD_\w+=\S+", drop_in))
        config = load(None, {**env, "CREDENTIALS_DIRECTORY": str(tmp_path)})
        assert (config.sigfox.api_login, config.sigfox.api_password) == ("me", "s3cret")
        assert bool(config.server.tls_cert) == (certificates == "own")
        assert config.server.trusted_proxies == (["127.0.0.1"] if certificates == "caddy" else [])


# ---- below a root ----


def tree(root: Path) -> dict[str, tuple[int, str]]:
    """Each file and link: mode, and what is in it or where it leads."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(root))] = 0, str(path.readlink())
        elif path.is_file():
            found[str(path.relative_to(root))] = stat.S_IMODE(path.stat().st_mode), path.read_text("latin-1")
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, line in (("passwd", "root:x:0:0::/root:/bin/sh"), ("group", "root:x:0:")):
        (tmp_path / "image" / "etc").mkdir(parents=True, exist_ok=True)
        (tmp_path / "image" / "etc" / name).write_text(f"{line}\n")
    return tmp_path / "image"


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


# ---- the command ----


def test_print_writes_the_files_for_who_manages_them_by_another_tool(tmp_path: Path) -> None:
    done = run_evd("setup", "evd.example.org", "--certificates", "caddy", "--print", tmp_path / "files", "--json")
    assert done.returncode == 0, done.stderr
    written = {path.removeprefix("/") for path in json.loads(done.stdout)["files"]}
    assert written == tree(tmp_path / "files").keys()
    assert "etc/systemd/system/evd.socket" in written
    assert "usr/local/share/bash-completion/completions/evd" in written


@needs_root
def test_the_command_prepares_an_image_and_undoes_it(root: Path) -> None:
    done = run_evd("setup", "evd.example.org", "--certificates", "caddy", "--root", root, "--yes")
    assert done.returncode == 0, done.stderr
    assert "file /etc/systemd/system/evd.socket (644, root:root)" in done.stdout
    undone = run_evd("setup", "--undo", "--root", root, "--yes")
    assert undone.returncode == 0, undone.stderr
    assert not (root / "etc/systemd/system/evd.service").exists()
    nothing = run_evd("setup", "--undo", "--root", root, "--yes")
    assert (nothing.returncode, nothing.stderr.count("\n")) == (1, 1)


def test_without_answers_and_without_a_terminal_it_says_what_is_missing() -> None:
    for arguments, sentence in ((["setup"], "name the domain"), (["setup", "x.example.org"], "--certificates")):
        done = run_evd(*arguments)
        assert done.returncode == 2
        assert sentence in done.stderr


# ---- the units, the manual ----


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_knows_every_line_of_the_units_and_finds_them_hardened(tmp_path: Path) -> None:
    units = []
    for path, step in files(OWN).items():
        if path.endswith((".service", ".socket")):
            units.append(tmp_path / Path(path).name)
            units[-1].write_bytes(step.content)
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units)], capture_output=True, text=True, check=False
    )
    own = [line for line in said.stderr.splitlines() if "evd" in line]
    assert own == []
    levels = {unit.name: exposure(unit) for unit in units if unit.suffix == ".service"}
    assert levels and all(level is not None and level <= 1.3 for level in levels.values()), levels


def test_the_group_may_read_only_where_the_directory_is_open_to_it(tmp_path: Path) -> None:
    for mode, umask in ((0o750, 0o027), (0o700, 0o077), (0o711, 0o077)):
        tmp_path.chmod(mode)
        assert umask_of(DataDirectory(tmp_path)) == umask
    assert umask_of(DataDirectory(tmp_path / "nowhere")) == 0o077


def test_every_command_has_a_man_page() -> None:
    pages = documents(cli)  # type: ignore[arg-type]
    names = cli.list_commands(click.Context(cli))  # type: ignore[attr-defined]
    assert {f"/usr/local/share/man/man1/evd-{name}.1" for name in names} <= pages.keys()
    assert "evd key create" in pages["/usr/local/share/man/man1/evd-key.1"]
    assert "_EVD_COMPLETE" in pages["/usr/local/share/bash-completion/completions/evd"]
    if shutil.which("groff"):
        for path, text in pages.items():
            if path.endswith(".1"):
                said = subprocess.run(
                    ["groff", "-man", "-Tutf8", "-ww", "-z"], input=text, capture_output=True, text=True, check=False
                )
                assert (said.returncode, said.stderr) == (0, ""), path
