"""The live stream's hub: who is sent what, who is let go, and where a follower goes on."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any, cast

import pytest
from builders import NOW, arrival
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest, Unavailable
from evd.model.commits import CommitSummary
from evd.model.operations import EndSessions, RemoveOwner, RemoveUser, RevokeKey, RevokeToken, SetPassword
from evd.streaming.hub import StreamCursor, StreamedStatus, StreamHub, StreamLimits, StreamPosition, Subscriber

BOUNDS = StreamLimits(streams=3, streams_per_subscriber=2, queue=4, queue_bytes=100_000)
ADMIN, OWNER = Subscriber("admin's"), Subscriber("app's", "martin")


def documents(told: list[StreamedStatus]) -> list[Any]:
    return [json.loads(news.shown(news.vehicle, is_coarse=False)) for news in told]


def test_nobody_following_costs_no_look_at_what_was_committed() -> None:
    StreamHub(BOUNDS).committed(cast(Any, None))


def test_a_follower_is_sent_what_became_the_newest_of_their_vehicles() -> None:
    live, rung = StreamHub(BOUNDS), list[int]()
    a, b = arrival("A", time=NOW), arrival("B", time=NOW + 1)
    with live.follow(OWNER, ["A"], lambda: rung.append(1)) as one, live.follow(ADMIN, None, lambda: None) as fleet:
        live.committed(CommitSummary([a, b], keys=[RevokeKey("other", NOW)]))
        live.committed(CommitSummary([b, a]))
        assert [shown["vehicleId"] for shown in documents(one.take())] == ["A", "A"]
        assert [shown["vehicleId"] for shown in documents(fleet.take())] == ["A", "B", "B", "A"]
        assert one.take() == []
        assert len(rung) == 2


def test_a_document_is_made_once_for_each_spelling_exact_and_coarse() -> None:
    news = StreamedStatus("386625", arrival(fields=b'{"location":"48.15213,17.10733"}'), 1)
    asked = [(spelling, is_coarse) for spelling in ("386625", "00386625", "386625") for is_coarse in (False, True)]
    shown = [news.shown(spelling, is_coarse=is_coarse) for spelling, is_coarse in asked]
    assert [json.loads(text)["vehicleId"] for text in shown] == [spelling for spelling, _ in asked]
    assert {json.loads(text)["location"] for text in shown[::2]} == {"48.15213,17.10733"}
    assert {json.loads(text)["location"] for text in shown[1::2]} == {"48.15,17.11"}
    assert shown[4] is shown[0] and shown[5] is shown[1]


@pytest.mark.parametrize("size, told", [(10, 5), (60_000, 2)])
def test_who_falls_behind_is_let_go_and_sent_nothing_with_a_gap_before_it(size: int, told: int) -> None:
    live = StreamHub(BOUNDS)
    status = arrival(document=b"x" * size)
    with live.follow(OWNER, ["386625"], lambda: None) as follower:
        live.committed(CommitSummary([status] * told))
        assert follower.ended
        live.committed(CommitSummary([status]))
        assert follower.take() == []


def test_a_status_larger_than_the_queue_is_sent_where_nothing_else_waits() -> None:
    live = StreamHub(BOUNDS)
    with live.follow(OWNER, ["386625"], lambda: None) as follower:
        live.committed(CommitSummary([arrival(document=b"x" * 200_000)]))
        assert len(follower.take()) == 1


@pytest.mark.parametrize(
    "summary, ended",
    [
        (CommitSummary(owners_removed=[RemoveOwner("martin", "A")]), {"owner"}),
        (CommitSummary(owners_removed=[RemoveOwner("martin", "B")]), set()),
        (CommitSummary(owners_removed=[RemoveOwner("eve", "A")]), set()),
        (CommitSummary(keys=[RevokeKey("app's", NOW)]), {"owner"}),
        (CommitSummary(keys=[RevokeKey("admin's", NOW)]), {"admin"}),
        (CommitSummary(identities=[(EndSessions("anna", "s1"), ("s1",))]), {"session"}),
        (CommitSummary(identities=[(EndSessions("anna", "s2"), ("s2",))]), set()),
        (CommitSummary(identities=[(SetPassword("anna", "hash", NOW), ("s1", "s2"))]), {"session"}),
        (CommitSummary(identities=[(RevokeToken("t1"), True)]), {"token"}),
        (CommitSummary(identities=[(RemoveUser("anna"), True)]), {"session", "token"}),
        (CommitSummary(identities=[(RemoveUser("martin"), True)]), set()),
        (CommitSummary(owners_removed=[RemoveOwner("anna", "A")]), {"token"}),
    ],
)
def test_who_loses_the_right_is_let_go(summary: CommitSummary, ended: set[str]) -> None:
    """Anna has a session as an administrator, and an access token; a Firebase user has no account here."""
    live = StreamHub(BOUNDS._replace(streams=4))
    subscribers = {
        "owner": OWNER,
        "admin": ADMIN,
        "session": Subscriber("", "anna", "s1", admin=True),
        "token": Subscriber("", "anna", "t1"),
    }
    with ExitStack() as open_:
        followers = {
            name: open_.enter_context(live.follow(one, ["A"], lambda: None)) for name, one in subscribers.items()
        }
        live.committed(summary)
        assert {name for name, one in followers.items() if one.ended} == ended


def test_places_are_bounded_in_all_and_for_each_and_are_given_back() -> None:
    live = StreamHub(BOUNDS)
    with ExitStack() as open_:
        for _ in range(2):
            open_.enter_context(live.follow(OWNER, ["A"], lambda: None))
        with pytest.raises(Unavailable, match="streams_per_user"):
            live.require_place(OWNER)
        open_.enter_context(live.follow(ADMIN, None, lambda: None))
        with pytest.raises(Unavailable, match="streams_max"), live.follow(Subscriber(), None, lambda: None):
            pass
        assert live.streams == 3
    assert live.streams == 0
    live.require_place(OWNER)
    live.close()
    with pytest.raises(Unavailable, match="stopping"):
        live.require_place(OWNER)


# ---- where a follower is ----

ranks = st.builds(StreamPosition, st.integers(1, 3), st.integers(-1, 1), st.sampled_from("abcd"))
told = st.lists(st.tuples(st.sampled_from(["A", "B"]), ranks), max_size=30)


@given(told, st.data())
def test_an_event_id_goes_on_where_it_was_given(everything: list[tuple[str, StreamPosition]], data: Any) -> None:
    """Whoever breaks off anywhere and goes on is told what one is told who never broke off, but for ties."""
    cut = data.draw(st.integers(0, len(everything)))
    whole, before = StreamCursor(["A", "B"]), StreamCursor(["A", "B"])
    first = [(vehicle, rank) for vehicle, rank in everything[:cut] if before.advance(vehicle, rank)]
    after = StreamCursor.parsed(["A", "B"], before.event_id)
    assert after.ranks == before.ranks
    rest = [(vehicle, rank) for vehicle, rank in everything[cut:] if after.advance(vehicle, rank)]
    all_ = [(vehicle, rank) for vehicle, rank in everything if whole.advance(vehicle, rank)]
    assert set(all_) == set(first + rest)
    for vehicle in "AB":
        places = [rank[:2] for who, rank in first + rest if who == vehicle]
        assert places == sorted(places)


@pytest.mark.parametrize(
    "text", ["x", "1", "1.2", "1.2.", "a.b.c", "1.2.a_1.2.b", "1.2.a_", "1.2.-", "1" * 30 + ".1.a", "1.2." + "a" * 70]
)
def test_an_id_of_no_stream_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="Last-Event-ID"):
        StreamCursor.parsed(["A"], text)
