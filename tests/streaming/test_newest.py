"""The newest status of each vehicle: the last of several, in their order, written once for all readers."""

from __future__ import annotations

from builders import arrival

from evd.streaming import newest
from evd.streaming.hub import StreamedStatus
from evd.streaming.newest import NewestStatuses


def status(vehicle: str, seq: int) -> StreamedStatus:
    return StreamedStatus(vehicle, arrival(vehicle, time=1000 + seq, seq=seq), 1)


def test_of_several_statuses_of_a_vehicle_the_last_one_is_read() -> None:
    board = NewestStatuses[StreamedStatus]()
    for vehicle, seq in (("A", 1), ("B", 2), ("A", 3)):
        board.put(status(vehicle, seq))
    assert [(one.vehicle, one.rank.seq) for one in board.since(0)] == [("B", 2), ("A", 3)]
    assert [one.vehicle for one in board.since(2)] == ["A"] and board.since(board.changes) == []
    board.clear()
    assert board.since(0) == [] and board.changes == 3, "a reader's count stays right"


def test_readers_that_have_read_as_far_share_what_is_written() -> None:
    board, written = NewestStatuses[StreamedStatus](), []

    def write(news: object) -> bytes:
        written.append(list(news))  # type: ignore[call-overload]
        return b"%d" % len(written)

    board.put(status("A", 1))
    assert [board.written(0, write) for _ in range(3)] == [b"1"] * 3
    board.put(status("A", 2))
    assert board.written(1, write) == b"2" and board.written(0, write) == b"3" and len(written) == 3


def test_it_holds_no_more_vehicles_than_it_may(monkeypatch: object) -> None:
    newest.VEHICLES_MAX, before = 2, newest.VEHICLES_MAX  # type: ignore[misc]
    try:
        board = NewestStatuses[StreamedStatus]()
        for number, vehicle in enumerate(("A", "B", "C", "A")):
            board.put(status(vehicle, number))
        assert [one.vehicle for one in board.since(0)] == ["C", "A"]
    finally:
        newest.VEHICLES_MAX = before  # type: ignore[misc]
