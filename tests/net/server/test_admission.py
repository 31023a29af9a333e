"""Who gives way where there are too many connections, or too many of their bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.net.addresses import Proxies
from evd.net.server.admission import Admission, AdmissionLimits, Permit

A, B = "192.0.2.1", "192.0.2.2"


@dataclass
class Holder:
    """A connection that notes what it was asked."""

    permit: Permit
    idle: bool = True
    asked: list[str] = field(default_factory=list)

    def give_way(self) -> None:
        self.asked.append("give way")

    def let_go(self) -> None:
        self.asked.append("let go")


def bounds(
    permits: int = 8, per_address: int = 100, strangers_bytes: int = 100, known_bytes: int = 1000
) -> AdmissionLimits:
    return AdmissionLimits(permits, per_address, strangers_bytes, known_bytes)


def enter(admission: Admission, address: str = A, *, key: bool = False, idle: bool = True) -> Holder:
    permit = admission.enter(address)
    assert permit is not None
    permit.holder = holder = Holder(permit, idle)
    if key:
        admission.prove(permit)
    return holder


def gone(holders: list[Holder]) -> list[int]:
    """Which of them were asked to give way."""
    return [number for number, holder in enumerate(holders) if holder.asked]


def test_where_strangers_have_their_share_the_oldest_of_them_that_rests_gives_way() -> None:
    admission = Admission(bounds(permits=8))
    strangers = [enter(admission, f"192.0.2.{number}") for number in range(6)]
    strangers[0].idle = False
    enter(admission, B)
    enter(admission, B)
    assert gone(strangers) == [1, 2]
    assert (admission.open, admission.strangers, admission.gave_way, admission.turned_away) == (6, 6, 2, 0)


def test_who_had_an_answer_goes_before_who_had_none_yet() -> None:
    admission = Admission(bounds(permits=8))
    strangers = [enter(admission) for _ in range(6)]
    for one in (4, 3):
        admission.answered(strangers[one].permit)
    for _ in range(3):
        enter(admission)
    assert gone(strangers) == [0, 3, 4]


def test_where_all_are_busy_the_first_of_them_gives_way() -> None:
    admission = Admission(bounds(permits=8))
    strangers = [enter(admission, idle=False) for _ in range(6)]
    enter(admission)
    assert gone(strangers) == [0]


def test_a_connection_with_a_key_keeps_its_place_whatever_strangers_do() -> None:
    admission = Admission(bounds(permits=16))
    known = [enter(admission, key=True) for _ in range(15)]
    for _ in range(100):
        enter(admission, B)
    assert gone(known) == []
    assert (admission.open, admission.strangers) == (16, 1)


def test_a_place_is_kept_for_newcomers_where_all_others_have_shown_a_key() -> None:
    admission = Admission(bounds(permits=16))
    known = [enter(admission, key=True) for _ in range(16)]
    assert [holder.permit.stranger for holder in known] == [False] * 15 + [True]
    newcomer = enter(admission, key=True)
    assert gone(known) == [15]
    assert newcomer.permit.stranger


def test_where_nobody_may_give_way_who_comes_is_turned_away() -> None:
    admission = Admission(bounds(permits=2))
    known = [enter(admission, key=True) for _ in range(2)]
    assert admission.enter(A) is None
    assert (gone(known), admission.turned_away, admission.open) == ([], 1, 2)


def test_of_one_address_a_bound_of_strangers_the_oldest_of_its_own_gives_way() -> None:
    admission = Admission(bounds(permits=100, per_address=2))
    other = enter(admission, B)
    strangers = [enter(admission, A) for _ in range(4)]
    assert (gone(strangers), gone([other])) == ([0, 1], [])


@pytest.mark.parametrize(
    ("addresses", "left"),
    [(("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), 1), (("2001:db8:1:2::1", "2001:db8:1:3::1"), 2)],
)
def test_of_ipv6_a_64_is_one_address(addresses: tuple[str, str], left: int) -> None:
    admission = Admission(bounds(permits=100, per_address=1))
    for address in addresses:
        enter(admission, address)
    assert admission.open == left


def test_an_address_that_has_shown_a_key_is_not_bounded() -> None:
    admission = Admission(bounds(permits=100, per_address=2))
    first = enter(admission, A, key=True)
    strangers = [enter(admission, A) for _ in range(10)]
    admission.leave(first.permit)
    strangers.append(enter(admission, A))
    assert gone(strangers) == []


def test_the_second_server_has_few_strangers_the_oldest_that_rests_gives_way() -> None:
    admission = Admission(bounds(permits=24))
    here = enter(admission)
    strangers = [enter(admission) for _ in range(5)]
    strangers[0].idle = False
    for one in strangers:
        admission.hand_over(one.permit)
    assert (gone(strangers), gone([here])) == ([1, 2], [])
    admission.prove(strangers[0].permit)
    newcomer = enter(admission)
    admission.hand_over(newcomer.permit)
    assert gone(strangers) == [1, 2]


def test_a_trusted_proxy_is_not_bounded() -> None:
    admission = Admission(bounds(permits=100, per_address=2), Proxies(["192.0.2.0/30"]))
    strangers = [enter(admission, A) for _ in range(10)]
    assert gone(strangers) == []
    assert gone([enter(admission, "192.0.2.9") for _ in range(3)]) == [0]


def test_too_many_bytes_of_strangers_are_let_go_of_by_the_oldest_holder() -> None:
    admission = Admission(bounds(strangers_bytes=100))
    one, two, three = (enter(admission) for _ in range(3))
    admission.hold(one.permit, 40)
    admission.hold(two.permit, 40)
    admission.hold(one.permit, 50)
    admission.hold(three.permit, 30)
    assert (one.asked, two.asked, three.asked) == (["let go"], [], [])
    admission.hold(two.permit, 0)
    admission.hold(three.permit, 100)
    assert (two.asked, three.asked, admission.let_go) == ([], [], 1)


def test_bytes_of_connections_with_a_key_are_counted_apart() -> None:
    admission = Admission(bounds(strangers_bytes=100, known_bytes=1000))
    known, stranger = enter(admission), enter(admission)
    admission.hold(known.permit, 90)
    admission.prove(known.permit)
    admission.hold(stranger.permit, 90)
    admission.hold(known.permit, 1000)
    assert (known.asked, stranger.asked) == ([], [])
    admission.hold(known.permit, 1001)
    assert known.asked == ["let go"]


def test_who_holds_too_much_alone_lets_go_himself() -> None:
    admission = Admission(bounds(strangers_bytes=100))
    one = enter(admission)
    admission.hold(one.permit, 101)
    assert (one.asked, one.permit.held) == (["let go"], 0)


def test_who_has_left_holds_nothing_and_may_say_so_twice() -> None:
    admission = Admission(bounds())
    one = enter(admission)
    admission.hold(one.permit, 90)
    admission.leave(one.permit)
    admission.leave(one.permit)
    admission.hold(one.permit, 90)
    admission.answered(one.permit)
    admission.prove(one.permit)
    enter(admission)
    assert (admission.open, admission.strangers, one.asked) == (1, 1, [])


def test_the_address_that_crowded_most_is_reported() -> None:
    admission = Admission(bounds(permits=100, per_address=1))
    for address in (A, A, B, B, B):
        enter(admission, address)
    assert admission.crowded_by == B


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["enter", "prove", "answered", "hand_over", "hold", "leave"]),
            st.integers(0, 9),
            st.integers(0, 60),
        )
    )
)
def test_whatever_happens_the_books_are_right(steps: list[tuple[str, int, int]]) -> None:
    admission = Admission(bounds(permits=8, per_address=3, strangers_bytes=100, known_bytes=150))
    holders: list[Holder] = []
    for step, which, count in steps:
        if step == "enter":
            permit = admission.enter(f"192.0.2.{which % 3}")
            if permit is not None:
                permit.holder = Holder(permit, idle=count % 2 == 0)
                holders.append(permit.holder)
        elif holders:
            permit = holders[which % len(holders)].permit
            getattr(admission, step)(permit, *([count] if step == "hold" else []))
        taken = [holder.permit for holder in holders if holder.permit.taken]
        strangers = [permit for permit in taken if permit.stranger]
        assert (admission.open, admission.strangers) == (len(taken), len(strangers))
        assert len(taken) <= 8
        assert len(strangers) <= 6
        assert sum(permit.held for permit in strangers) <= 100
        assert sum(permit.held for permit in taken) <= 250
