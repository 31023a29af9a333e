"""What is open of a vehicle is stored with the names of its measures, so that an evd with others reads it."""

from __future__ import annotations

import msgspec
import orjson
import pytest

from evd.derived.fold import Fold, Saved, read_fold, saved
from evd.derived.samples import NUMBERS, ROLLED_UP, read_sample

STATUSES = [
    read_sample(hour * 1000, hour, f"{hour}", orjson.dumps({"state": 0, "current_charge": 50 + hour, "range": 200}))
    for hour in range(3)
]
SPREAD_BYTES = 80


def stored() -> Saved:
    fold = Fold()
    for sample in STATUSES:
        fold.take(sample)
    found = saved(fold)
    assert found is not None
    return found


def of_another_evd(names: list[str]) -> Saved:
    """As an evd with these measures would have stored it."""
    one = stored()
    sample, counts = msgspec.json.decode(one.last)
    numbers = dict(zip(NUMBERS, sample[3], strict=True))
    sample[3] = [numbers.get(name, 7.0) for name in names]
    spreads = {
        name: one.spreads[SPREAD_BYTES * place : SPREAD_BYTES * (place + 1)] for place, name in enumerate(ROLLED_UP)
    }
    return Saved(
        msgspec.json.encode({"names": names}),
        msgspec.json.encode([sample, counts]),
        b"".join(spreads.get(name, bytes(SPREAD_BYTES)) for name in [*names, ROLLED_UP[-1]]),
    )


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([*NUMBERS], id="the same"),
        pytest.param([name for name in NUMBERS if name != "max_current"], id="one that is new"),
        pytest.param(["gone", *NUMBERS], id="one that is gone"),
        pytest.param([*reversed(NUMBERS)], id="another order"),
    ],
)
def test_a_fold_is_read_by_the_names_of_its_measures(names: list[str]) -> None:
    fold = read_fold("UTC", *of_another_evd(names))
    assert fold.last is not None and fold.rollup is not None
    assert fold.last == STATUSES[-1]
    assert fold.rollup.messages == 3
    assert fold.rollup.measures["current_charge"].last == 52.0
    assert fold.changed is (names != [*NUMBERS]), "what it stores next has its own names"
