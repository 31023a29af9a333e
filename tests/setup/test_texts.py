"""The texts of a setup: systemd knows every line, and the settings in them are ones that evd knows."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from folders import ROOT
from setup_image import OWN, SHIPPED, files

from evd.config.loading import load
from evd.doctor.machine import exposure
from evd.setup import texts


def test_the_units_in_the_wheel_are_those_of_the_repository() -> None:
    assert {path.name: path.read_text("utf-8") for path in (ROOT / "systemd").iterdir()} == SHIPPED


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


def test_what_systemd_would_expand_in_a_login_is_doubled() -> None:
    assert b"EVD_SIGFOX__API_LOGIN=50%%n\n" in texts.drop_in(OWN._replace(sigfox_login="50%n", sigfox_password=b"x"))


def test_readers_become_members_of_the_group() -> None:
    lines = texts.sysusers(OWN._replace(readers=("ann", "ben"))).splitlines()
    assert lines[-2:] == [b"m ann evd", b"m ben evd"]


def test_the_hook_of_certbot_leaves_other_domains_alone(tmp_path: Path) -> None:
    """Of a lineage without evd's domain it copies nothing: it ends at once and well."""
    hook = tmp_path / "hook"
    hook.write_bytes(texts.certbot_hook(OWN))
    for domains, copies in (("www.example.org", False), ("evd.example.org.uk", False), ("a.org evd.example.org", True)):
        env = {"PATH": "/usr/bin:/bin", "RENEWED_DOMAINS": domains, "RENEWED_LINEAGE": str(tmp_path / "nowhere")}
        done = subprocess.run(["sh", hook], env=env, capture_output=True, text=True, check=False)
        assert (done.returncode != 0) == copies, done.stderr
