"""`evd tariff`: what a kWh costs, by place and by time of day, for the cost of charge sessions."""

from __future__ import annotations

from typing import Any

import click

from evd.cli.common import agreed, ask, directory_option, json_option, path_part, yes_option
from evd.cli.printing import say, show, table
from evd.errors import ConfigError

CURRENCY = "EUR"
"""Of a tariff that names none."""

COLUMNS = {"number": "NUMBER", "per_kwh": "PER kWh", "currency": "", "between": "BETWEEN", "place": "WITHIN"}


@click.group()
def tariff() -> None:
    """Tariffs: what a kWh costs, by place and by time of day, for the cost of charge sessions."""


@tariff.command("set")
@click.argument("given", metavar="VEHICLE")
@click.option("--price", type=float, required=True, help="Of a kWh.")
@click.option("--currency", help=f"Three letters; default: the tariff's, or {CURRENCY}.")
@click.option("--between", metavar="FROM-UNTIL", help="As 22:00-06:00, in the vehicle's zone; without it: always.")
@click.option("--place", metavar="LAT,LNG", help="Degrees; without it: anywhere.")
@click.option("--radius", type=float, metavar="METRES", help="Around the place; default: 200.")
@directory_option
@json_option
def set_(
    given: str,
    price: float,
    currency: str | None,
    between: str | None,
    place: str | None,
    radius: float | None,
    directory: str | None,
    as_json: bool,
) -> None:
    """Set the price of a kWh for VEHICLE.

    With --between or --place it is a price for these only, and comes before those that were set earlier: of the prices
    that apply the first one counts. It replaces one for the same time and place.
    """
    path = _path(given)
    kept = ask(directory, "GET", path) or {"currency": CURRENCY}
    when = _when(between)
    if radius is not None and place is None:
        raise ConfigError("--radius is around a place: name it with --place LAT,LNG")
    if not when and place is None:
        kept["per_kwh"] = price
    else:
        where = {} if place is None else {"place": place} | ({} if radius is None else {"radius_m": radius})
        others = [one for one in kept.get("prices", ()) if _scope(one) != _scope({**when, **where})]
        kept["prices"] = [{"per_kwh": price, **when, **where}, *others]
    if currency is not None:
        kept["currency"] = currency
    _print(ask(directory, "PUT", path, kept), as_json)


@tariff.command("list")
@click.argument("given", metavar="VEHICLE")
@directory_option
@json_option
def list_(given: str, directory: str | None, as_json: bool) -> None:
    """The prices for VEHICLE, in the order in which they are tried."""
    _print(ask(directory, "GET", _path(given)), as_json)


@tariff.command()
@click.argument("given", metavar="VEHICLE")
@click.option("--number", type=click.IntRange(1), help="Only the price with this number in the list.")
@yes_option
@directory_option
@json_option
def remove(given: str, number: int | None, yes: bool, directory: str | None, as_json: bool) -> None:
    """Remove the tariff of VEHICLE, or one of its prices; sessions that it priced have no cost then."""
    what = "the tariff" if number is None else f"price {number}"
    if not agreed(f"Remove {what} of vehicle {given}?", yes=yes, as_json=as_json):
        return
    path = _path(given)
    if number is None:
        done = ask(directory, "DELETE", path)
        if as_json:
            show(done)
        else:
            say("{} has no tariff", done["vehicle"])
        return
    kept = ask(directory, "GET", path)
    prices = list(kept.get("prices", ())) if kept else []
    if number <= len(prices):
        del prices[number - 1]
        kept["prices"] = prices
    elif kept and kept.get("per_kwh") is not None and number == len(prices) + 1:
        kept["per_kwh"] = None
    else:
        raise ConfigError(f"there is no price {number}: `evd tariff list` shows the numbers")
    _print(ask(directory, "PUT", path, kept), as_json)


def _path(given: str) -> str:
    return f"/vehicles/{path_part(given)}/tariff"


def _when(between: str | None) -> dict[str, str]:
    if between is None:
        return {}
    begin, hyphen, end = between.partition("-")
    if not hyphen:
        raise ConfigError(f"--between is {between!r}: write it as 22:00-06:00")
    return {"begin": begin.strip(), "end": end.strip()}


def _scope(price: dict[str, Any]) -> tuple[Any, ...]:
    """For which time and place a price is."""
    return tuple(price.get(name) for name in ("begin", "end", "place"))


def _print(kept: dict[str, Any] | None, as_json: bool) -> None:
    if as_json:
        show(kept)
        return
    prices = [] if kept is None else [*kept.get("prices", ())]
    if kept is not None and kept.get("per_kwh") is not None:
        prices.append({"per_kwh": kept["per_kwh"]})
    rows = [
        {
            "number": number,
            "per_kwh": one["per_kwh"],
            "currency": kept["currency"] if kept else "",
            "between": f"{one['begin']} - {one['end']}" if "begin" in one else "always",
            "place": f"{one.get('radius_m', 200):g} m of {one['place']}" if "place" in one else "anywhere",
        }
        for number, one in enumerate(prices, 1)
    ]
    table(rows, COLUMNS, empty="There are no prices: `evd tariff set VEHICLE --price P` sets one.")
