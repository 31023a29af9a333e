"""What is open of a vehicle is stored with the names of its measures, so that an evd with others reads it."""

from __future__ import annotations

import msgspec
import orjson
import pytest

from evd.derived.fold import Fold, SavedFold, Since
from evd.derived.quiet import Figures
from evd.derived.samples import NUMBERS, read_sample

STATUSES = [
    read_sample(hour * 1000, hour, f"{hour}", orjson.dumps({"state": 0, "current_charge": 50 + hour, "range": 200}))
    for hour in range(3)
]


def stored() -> bytes:
    fold = Fold()
    for sample in STATUSES:
        fold.take(sample)
    saved = SavedFold.of(fold)
    assert saved is not None
    return msgspec.json.encode(saved)


def of_another_evd(text: bytes, names: list[str]) -> SavedFold:
    """As an evd with these measures would have stored it."""
    document = orjson.loads(text)
    numbers = dict(zip(document["names"], document["last"][3], strict=True))
    document["last"][3] = [numbers.get(name, 7.0) for name in names]
    document["names"] = names
    return msgspec.convert(document, SavedFold)


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
    spreads = bytes(80 * (len(names) + 1))
    saved = of_another_evd(stored(), names)
    last = saved.last._replace(time=9_000, status_id="9")
    fold = saved.fold("UTC", Since(last, Figures(1, 0, 0, spreads)))
    assert fold.last is not None and fold.part is not None
    assert fold.last.numbers == STATUSES[-1].numbers
    assert (fold.last.time, fold.part.messages) == (9_000, 4)
    assert fold.part.measures["current_charge"].last == 52.0
