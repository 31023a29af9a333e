"""The queue of the writer: bounds of rows and bytes, groups in their order, and what is put back."""

from __future__ import annotations

import pytest

from evd.errors import Unavailable
from evd.model.operations import ForgetRejected, Operation, Several
from evd.store.receipt import Receipt
from evd.store.write_queue import WriteQueue

ONE_BYTES = 256


def receipt(number: int = 0, rows: int = 1) -> Receipt:
    one = ForgetRejected(number)
    operation: Operation = one if rows == 1 else Several((one,) * rows)
    return Receipt(operation, operation.size_bytes, 0.0)


def queue(rows_max: int = 10, bytes_max: int = 1 << 20, group_rows_max: int = 4) -> WriteQueue:
    return WriteQueue(rows_max=rows_max, bytes_max=bytes_max, group_rows_max=group_rows_max)


@pytest.mark.parametrize(
    ("bounds", "waiting", "more", "fits"),
    [
        ({"rows_max": 3}, 2, 1, True),
        ({"rows_max": 3}, 2, 2, False),
        ({"rows_max": 3}, 0, 9, True),
        ({"bytes_max": 3 * ONE_BYTES}, 2, 1, True),
        ({"bytes_max": 3 * ONE_BYTES}, 2, 2, False),
        ({"bytes_max": ONE_BYTES}, 0, 9, True),
    ],
)
def test_what_is_beyond_a_bound_is_refused_unless_nothing_waits(
    bounds: dict[str, int], waiting: int, more: int, fits: bool
) -> None:
    full = queue(**bounds)
    for number in range(waiting):
        full.add(receipt(number))
    if fits:
        full.add(receipt(rows=more))
    else:
        with pytest.raises(Unavailable, match="send it again later"):
            full.add(receipt(rows=more))
    assert len(full.waiting) == waiting + fits


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        ([1, 1, 1, 1, 1], [4, 1]),
        ([3, 1, 1], [2, 1]),
        ([3, 2, 2], [1, 2]),
        ([9, 1], [1, 1]),
        ([1, 9, 1], [1, 1, 1]),
    ],
)
def test_a_group_has_so_many_rows_at_most_or_one_operation_with_more(rows: list[int], groups: list[int]) -> None:
    some = queue(rows_max=100)
    receipts = [receipt(number, count) for number, count in enumerate(rows)]
    for one in receipts:
        some.add(one)
    taken = [some.next_group() for _ in groups]
    assert [len(group) for group in taken] == groups
    assert [one for group in taken for one in group] == receipts
    assert some.next_group() == []


def test_what_is_put_back_comes_first_and_counts_again() -> None:
    some = queue(rows_max=3, group_rows_max=2)
    receipts = [receipt(number) for number in range(3)]
    for one in receipts:
        some.add(one)
    some.put_back(some.next_group())
    with pytest.raises(Unavailable):
        some.add(receipt(9))
    assert [*some.next_group(), *some.next_group()] == receipts
    some.add(receipt(rows=3))
    with pytest.raises(Unavailable):
        some.add(receipt(9))
    some.clear()
    some.add(receipt(9))
