"""Write docs/settings.md and evd/evd.toml.example from evd/config/settings.py; --check: are they current?"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from evd.config.described import SECTIONS, SETTINGS, SettingRow
from evd.config.live import LIVE
from evd.config.names import RENAMED, VARIABLES, variable_of
from evd.config.toml_lines import as_toml

PAGE = Path(__file__).with_name("settings.md")
EXAMPLE = Path(__file__).parents[1] / "evd" / "evd.toml.example"

ABOUT = {
    "server": "Addresses, TLS, and the bounds of connections.",
    "ingest": "Callbacks and what vehicles post.",
    "sigfox": "What Sigfox Cloud sends and takes.",
    "retention": "How much is kept.",
    "app": "The app's requests, and the bounds of users.",
    "auth": "Local users (`evd user`), their sessions and access tokens.",
    "push": "Pushes to phones and to webhooks.",
    "mqtt": "Statuses and events of all vehicles to an MQTT broker; Home Assistant discovers them.",
    "firebase": "Firestore of the original's app.",
    "alerts": "Alarms for the operator; they stand in the log, /readyz and /metrics, and may be sent.",
    "events": "Events of vehicles, for their users.",
    "log": "evd's log.",
}

PRECEDENCE = """\
Precedence: built-in, `DIR/evd.toml`, `EVD_SECTION__KEY` in the environment, flags. `evd config show --origin` says what
holds and why, `evd config get KEY` explains one setting, `evd config check` finds every mistake, `evd config migrate`
rewrites old names. In the environment a list is comma-separated, and a table is written in TOML.
What is live changes by `evd reload`; all else needs a restart.
""".splitlines()

UNITS = ("s", "ms", "days", "bytes", "MiB", "%")
"""Those that the comment does not say anyhow."""

FORMATS = """
# A payload format of your own: Sigfox's grammar, and what it cannot say about a field (docs/formats.md).
# [formats.trailer]
# grammar = "load::uint:8 temp::int:12:big-endian:7 door:3:bool:0"
# [formats.trailer.fields.temp]
# scale = 0.1
# unit = "°C"
"""


def example() -> str:
    lines = [
        "# evd's settings; each line shows what holds without it. EVD_SECTION__KEY in the environment and flags come",
        "# before it. An unknown key is an error: `evd config check` finds it. Made by `make settings`.",
    ]
    for section in SECTIONS:
        lines += ["", f"[{section}]", *_comment(ABOUT.get(section, ""))]
        for row in _rows(section):
            lines += [
                "",
                *_comment(_words(row)),
                f"# {row.path.partition('.')[2]} = {row.example or as_toml(row.default)}",
            ]
    return "\n".join(lines) + "\n" + FORMATS


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 118, initial_indent="## ", subsequent_indent="## ") if text else []


def _rows(section: str) -> Iterator[SettingRow]:
    return (row for row in SETTINGS.values() if row.path.startswith(f"{section}."))


def _words(row: SettingRow) -> str:
    unit = f" [{row.unit}]" if row.unit in UNITS else ""
    choices = f" One of {', '.join(row.choices)}." if row.choices else ""
    secret = f" Secret: better {variable_of(row.path)} in the environment." if row.secret else ""
    return f"{row.meaning}{choices}{secret}{unit}"


def page() -> str:
    lines = [
        "# Settings",
        "",
        "<!-- made by `make settings` from evd/config/settings.py: do not edit -->",
        "",
        *PRECEDENCE,
    ]
    for section in SECTIONS:
        lines += [
            "",
            f"## [{section}]",
            ABOUT.get(section, ""),
            "",
            "| Setting | Default | Unit | Range | Live | Meaning |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_line(row) for row in _rows(section)]
    lines += ["", "## Variables that are no settings", "| Variable | Meaning |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in VARIABLES.items()]
    lines += ["", "Any other variable that begins with `EVD_` is an error.", "", "## Old names"]
    lines += ["| Before | Today |", "|---|---|", *(f"| `{old}` | `{new}` |" for old, new in RENAMED.items()), ""]
    return "\n".join(lines)


def _line(row: SettingRow) -> str:
    key = row.path.partition(".")[2]
    bounds = f"{row.range[0]:,} – {row.range[1]:,}" if row.range else " · ".join(map(as_toml, row.choices))
    shown = as_toml(row.default)
    example = f" For example `{row.example}`." if row.example not in ("", shown) else ""
    live = "yes" if row.path in LIVE or f"{row.path.partition('.')[0]}.*" in LIVE else ""
    meaning = f"{row.meaning}{example}{' Secret.' if row.secret else ''}".replace("|", "\\|")
    return f"| `{key}` | `{shown}` | {row.unit} | {bounds} | {live} | {meaning} |"


def main() -> int:
    stale = [path for path, text in ((PAGE, page()), (EXAMPLE, example())) if not _is(path, text)]
    for path in stale if "--check" in sys.argv else ():
        print(f"{path.name} is stale: run `make settings` and commit it", file=sys.stderr)
    return 1 if stale and "--check" in sys.argv else 0


def _is(path: Path, text: str) -> bool:
    """Whether the file has this text; without --check it is given it."""
    if path.exists() and path.read_text("utf-8") == text:
        return True
    if "--check" not in sys.argv:
        path.write_text(text, "utf-8")
    return False


if __name__ == "__main__":
    sys.exit(main())
