"""evd's views: `schema/views.sql` with a column for each measure; created again if a database has other ones."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

from evd.derived.samples import ROLLED_UP
from evd.model.measures import MEASURES, Measure

_view = re.compile(r"^CREATE VIEW (\w+).*?;$", re.MULTILINE | re.DOTALL)
_measures = re.compile(r"@(\w+) ([\w.]+)@")


def views_sql() -> str:
    """All views as SQL. `@VIEW FIELDS@` stands for VIEW's columns of MEASURES, read from the JSON FIELDS."""
    text = resources.files("evd.store.sqlite").joinpath("schema", "views.sql").read_text("utf-8")
    return _measures.sub(lambda place: _columns(place[1], place[2]), text)


def drop_views_sql() -> str:
    return "\n".join(f"DROP VIEW IF EXISTS {view[1]};" for view in _view.finditer(views_sql()))


def views_are_current(connection: Any) -> bool:
    """Whether the database has exactly these views."""
    there = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'view'")}
    return there >= {view[0].removesuffix(";") for view in _view.finditer(views_sql())}


def _columns(view: str, fields: str) -> str:
    if view == "rollup":
        return ",\n       ".join(_spread(name, fields) for name in ROLLED_UP)
    if view == "rollups":
        return ",\n       ".join(_merged_spread(name, fields) for name in ROLLED_UP)
    columns = [_column(name, measure, fields) for name, measure in MEASURES.items() if view in measure.views]
    return ",\n       ".join(columns)


def _column(name: str, measure: Measure, fields: str) -> str:
    value = f"{fields} ->> '{name}'"
    if not measure.words:
        return f"{value} AS {name}"
    words = " ".join(f"WHEN {number} THEN '{word}'" for number, word in enumerate(measure.words))
    return f"CASE {value} {words} ELSE {value} END AS {name}"


def _spread(name: str, data: str) -> str:
    """The least, mean and greatest value of a measure in a roll-up's JSON (evd.derived.rollups.written)."""
    at = f"'$.of.{name}[{{}}]'"
    varied = f"json_type({data}, {at.format(2)}) IN ('integer', 'real')"
    one, greatest = (f"{data} ->> {at.format(place)}" for place in (1, 2))
    mean = f"round(({data} ->> {at.format(5)}) / 1e6 / ({data} ->> {at.format(0)}), 3)"
    return (
        f"{one} AS {name}_min, CASE WHEN {varied} THEN {mean} ELSE {one} END AS {name}_mean,"
        f" CASE WHEN {varied} THEN {greatest} ELSE {one} END AS {name}_max"
    )


def _merged_spread(name: str, data: str) -> str:
    """The same of several roll-ups together."""
    count, one, most, total = (f"{data} ->> '$.of.{name}[{place}]'" for place in (0, 1, 2, 5))
    varied = f"json_type({data}, '$.of.{name}[2]') IN ('integer', 'real')"
    totals = f"sum(CASE WHEN {varied} THEN {total} ELSE ({count}) * round(({one}) * 1e6) END)"
    return (
        f"min({one}) AS {name}_min, round({totals} / 1e6 / sum({count}), 3) AS {name}_mean,"
        f" max(CASE WHEN {varied} THEN {most} ELSE {one} END) AS {name}_max"
    )
