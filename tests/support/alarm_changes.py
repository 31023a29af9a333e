"""An alarm that was raised and cleared, and how the operator's mail and webhook are set."""

from __future__ import annotations

import base64

from evd.alarms.state import AlarmChange

NOW = 1_700_000_000_000
RAISED = AlarmChange("disk_low", "raised", "critical", NOW - 5000, NOW - 5000, "the disk – has 3 MiB left")
CLEARED = RAISED._replace(state="cleared", at=NOW, text="over after 5 s: the disk – has 3 MiB left")
SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes or more").decode()
MAIL = {"email_to": ["me@example.org", "you@example.org"], "email_from": "evd@example.org", "timeout_s": 5}
