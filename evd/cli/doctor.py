"""`evd doctor`: what is wrong with this evd and its machine, and what to do about it."""

from __future__ import annotations

import os
import time
from collections import Counter

import click
import msgspec

from evd.cli.common import directory_option, json_option
from evd.cli.printing import say, show
from evd.config.data_dir import find


@click.command()
@click.option("--url", default="", metavar="URL", help="Look at the certificate there: what Sigfox and phones see.")
@click.option("--all", "everything", is_flag=True, help="Also what was skipped, with the reason.")
@directory_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, url: str, everything: bool, directory: str | None, as_json: bool) -> None:
    """Examine evd and its machine, beside the running service or without one; nothing is changed.

    Exit code 0: all is well, 1: there are warnings, 2: something does not work.

    \b
    Example:
      evd doctor --url https://evd.example.org
    """
    from evd.doctor.checks import findings
    from evd.doctor.finding import exit_code
    from evd.doctor.place import look_around

    place = look_around(find(directory, os.environ), os.environ, now_s=time.time(), url=url)
    found = []
    for finding in findings(place):
        found.append(finding)
        if as_json or (finding.state == "skipped" and not everything):
            continue
        say("{:8} {:12} {}", finding.state.upper() if finding.remedy else finding.state, finding.check, finding.what)
        if finding.remedy:
            say("{:21} → {}{}", "", finding.remedy, f": {finding.command}" if finding.command else "")
    if as_json:
        show({"directory": str(place.data_dir.directory), "findings": msgspec.to_builtins(found)})
    else:
        counted = Counter(finding.state for finding in found)
        say("\n{} ok, {} warn, {} fail, {} skipped.", *(counted[state] for state in ("ok", "warn", "fail", "skipped")))
    ctx.exit(exit_code(found))
