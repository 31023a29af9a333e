"""The kinds of steps, each in a line for people."""

from __future__ import annotations

import pytest

from evd.setup.steps import Directory, File, Link, Run, Step, shown


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (Directory("settings", "/etc/evd", 0o750, "evd"), "directory /etc/evd (750, root:evd): settings"),
        (File("a unit", "/etc/x", b"secret"), "file /etc/x (644, root:root): a unit"),
        (Link("evd on the PATH", "/usr/bin/evd", "/opt/evd"), "link /usr/bin/evd → /opt/evd: evd on the PATH"),
        (Run("it starts", ("systemctl", "start")), "run systemctl start: it starts"),
        (Run("it stops", ("stop",), if_changed=True), "run stop (if something changed): it stops"),
        (Run("a certificate", ("certbot",), unless="/etc/x"), "run certbot (unless /etc/x): a certificate"),
    ],
)
def test_a_step_is_a_line_for_people_without_what_is_in_a_file(step: Step, line: str) -> None:
    assert shown(step) == line
