"""The settings' text without its secrets."""

from __future__ import annotations

import pytest

from evd.backup.settings_text import without_secrets


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[log]\n", "[log]\n"),
        ('[push]\nttl_s = 5\nwebhook_secret = "x"\n', "[push]\nttl_s = 5\n"),
        ('push.webhook_secret = "x"\n', "[push]\n\n"),
        ('push = {webhook_secret = "x", ttl_s = 5}\n', "[push]\nttl_s = 5\n\n"),
        ('[push]\nwebhook_secret = """x\ny"""\nttl_s = 5\n', "[push]\nttl_s = 5\n\n"),
        ("[push\n", ""),
    ],
)
def test_a_secret_is_left_out_however_it_is_written(text: str, left: str) -> None:
    assert without_secrets(text)[0] == left
    assert without_secrets(text, keep=True) == (text, [])
