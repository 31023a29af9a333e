"""Write the table of docs/access.md from evd.auth.access.ACCESS; with --check, only say whether it is current."""

from __future__ import annotations

import sys
from pathlib import Path

from evd.auth.access import ACCESS, AccessRow

PAGE = Path(__file__).with_name("access.md")
BEGIN, END = "<!-- made by `make access`: begin -->\n", "<!-- end -->\n"

WHO = {
    "everyone": "everyone",
    "user": "a user, of what is that user's own",
    "viewer": "a viewer or owner of the vehicle",
    "owner": "an owner of the vehicle",
    "admin": "an administrator",
}


def table() -> str:
    lines = ["| Method | Path | Who | Key of role | Scope |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.method} | `{row.rule}` | {_who(row)} | {_roles(row)} | {row.scope} |"
        for row in sorted(ACCESS, key=lambda row: (row.rule, row.method))
    ]
    return "\n".join([*lines, ""])


def _who(row: AccessRow) -> str:
    who = WHO.get(row.relation, "whoever has the key")
    who = f"{who}, in person" if row.person else who
    return f"{who}, no administrator" if not row.admin else who


def _roles(row: AccessRow) -> str:
    return "–" if row.relation == "everyone" else ", ".join(sorted(row.key_roles))


def main() -> int:
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    current = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if "--check" not in sys.argv:
        PAGE.write_text(current, "utf-8")
        return 0
    if text == current:
        return 0
    print("docs/access.md is stale: run `make access` and commit it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
