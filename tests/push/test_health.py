"""What a provider's refusal means to the operator."""

from __future__ import annotations

import pytest

from evd.errors import Pause, PushError, QuotaExceeded, Unreachable
from evd.model.daemon_state import PauseReason
from evd.push.health import pause_reason


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (None, PauseReason.NONE),
        (Pause("401", 60), PauseReason.CREDENTIALS),
        (QuotaExceeded("429", 60), PauseReason.QUOTA),
        (Unreachable("refused", 1), PauseReason.OTHER),
    ],
)
def test_why_pushes_pause_is_read_from_the_error(trouble: PushError | None, reason: PauseReason) -> None:
    assert pause_reason(trouble) is reason
