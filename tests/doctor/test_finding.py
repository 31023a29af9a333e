"""What comes of all findings together."""

from __future__ import annotations

from typing import Any

import pytest

from evd.doctor.finding import Finding, exit_code


@pytest.mark.parametrize(
    ("states", "code"), [([], 0), (["ok", "skipped"], 0), (["ok", "warn"], 1), (["warn", "fail"], 2)]
)
def test_exit_codes(states: list[Any], code: int) -> None:
    assert exit_code(Finding("x", state, "") for state in states) == code
