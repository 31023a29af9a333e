"""evd tariff: prices by place and time, of which the first that applies counts; each scope has one price."""

from __future__ import annotations

from typing import Any

import pytest
from command_line import Evd


def prices(evd: Evd, vehicle: str) -> list[tuple[Any, ...]]:
    kept = evd("tariff", "list", vehicle, "--json").json or {}
    found = [(one["per_kwh"], one.get("begin"), one.get("place")) for one in kept.get("prices", ())]
    return [*found, (kept["per_kwh"], None, None)] if kept.get("per_kwh") is not None else found


def test_a_new_price_comes_before_those_that_were_set_earlier_and_in_the_place_of_its_like(evd: Evd) -> None:
    evd("vehicle", "set", "7A1")
    for options in (
        ("--price", "0.30"),
        ("--price", "0.20", "--between", "22:00-06:00"),
        ("--price", "0.10", "--place", "48.1,17.1"),
        ("--price", "0.25", "--between", "22:00 - 06:00"),
        ("--price", "0.35"),
    ):
        assert evd("tariff", "set", "7A1", *options).code == 0
    assert prices(evd, "7A1") == [(0.25, "22:00", None), (0.1, None, "48.1,17.1"), (0.35, None, None)]


def test_a_price_is_removed_by_its_number_in_the_list_and_the_usual_one_is_the_last(evd: Evd) -> None:
    evd("vehicle", "set", "7A2")
    for options in (
        ("--price", "0.3"),
        ("--price", "0.2", "--between", "22:00-06:00"),
        ("--price", "0.1", "--place", "1,2"),
    ):
        evd("tariff", "set", "7A2", *options)
    for number in ("4", "0"):
        assert evd("tariff", "remove", "7A2", "--number", number, "--yes").code == 2
    evd("tariff", "remove", "7A2", "--number", "2", "--yes")
    assert prices(evd, "7A2") == [(0.1, None, "1,2"), (0.3, None, None)]
    evd("tariff", "remove", "7A2", "--number", "2", "--yes")
    assert prices(evd, "7A2") == [(0.1, None, "1,2")]
    assert (
        "there is no price 2: `evd tariff list` shows" in evd("tariff", "remove", "7A2", "--number", "2", "--yes").err
    )
    assert evd("tariff", "remove", "7A2", "--yes").out == "7A2 has no tariff\n"
    assert prices(evd, "7A2") == []
    assert evd("tariff", "remove", "7A2", "--number", "1", "--yes").code == 2


def test_the_currency_stays_until_another_one_is_named(evd: Evd) -> None:
    evd("vehicle", "set", "7A3")
    assert evd("tariff", "set", "7A3", "--price", "0.3", "--json").json["currency"] == "EUR"
    assert evd("tariff", "set", "7A3", "--price", "7", "--currency", "CZK", "--json").json["currency"] == "CZK"
    assert evd("tariff", "set", "7A3", "--price", "8", "--json").json["currency"] == "CZK"


def test_people_see_a_row_a_price_in_the_order_in_which_they_are_tried(evd: Evd) -> None:
    evd("vehicle", "set", "7A4")
    assert evd("tariff", "list", "7A4").out == "There are no prices: `evd tariff set VEHICLE --price P` sets one.\n"
    evd("tariff", "set", "7A4", "--price", "0.3")
    shown = evd(
        "tariff", "set", "7A4", "--price", "0.2", "--between", "22:00-06:00", "--place", "1,2", "--radius", "50"
    )
    assert [line.split() for line in shown.out.splitlines()[1:]] == [
        ["1", "0.2", "EUR", "22:00", "-", "06:00", "50", "m", "of", "1,2"],
        ["2", "0.3", "EUR", "always", "anywhere"],
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--radius", "50"), "--radius is around a place"),
        (("--between", "22:00"), "--between is '22:00': write it as 22:00-06:00"),
    ],
)
def test_half_a_scope_is_refused_and_changes_nothing(options: tuple[str, ...], says: str, evd: Evd) -> None:
    evd("vehicle", "set", "7A5")
    done = evd("tariff", "set", "7A5", "--price", "0.2", *options)
    assert (done.code, says in done.err) == (2, True), done
    assert prices(evd, "7A5") == []
