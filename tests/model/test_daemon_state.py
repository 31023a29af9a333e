"""The daemon's state: what follows from the counts of its parts."""

from __future__ import annotations

from evd.model.daemon_state import DaemonState, NotReady, ProviderState, PushOutcome, PushState


def test_pushes_are_those_of_all_providers() -> None:
    push = PushState(
        providers={
            "fcm": ProviderState(in_flight=4, outcomes={PushOutcome.SENT: 5, PushOutcome.QUOTA: 1}),
            "webhook": ProviderState(in_flight=2, outcomes={PushOutcome.SENT: 3, PushOutcome.DROPPED: 1}),
        }
    )
    assert push.in_flight == 6
    assert push.outcomes == {PushOutcome.SENT: 8, PushOutcome.QUOTA: 1, PushOutcome.DROPPED: 1}
    assert (PushState().in_flight, PushState().outcomes) == (0, {})


def test_a_daemon_is_ready_while_nothing_is_said_against_it() -> None:
    assert DaemonState(version="1", codec="c").ready
    assert not any(DaemonState(version="1", codec="c", not_ready=reason).ready for reason in NotReady)
