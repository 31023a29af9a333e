"""Messages as Sigfox's REST API has them, and a fake of it with the devices of two types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fake_sigfox import LOGIN, PASSWORD, FakeSigfox, fake_sigfox

from evd.sigfox_api.backfill.mapping import Item

NOW = 1_700_000_000_000
TYPE = "5964a10570c85b51ccbaf497"
SECOND = 1_487_065_942

PLAIN = {"device": "386625", "time": SECOND, "data": "deadbeef", "seqNumber": 2}


def message(**changes: Any) -> dict[str, Any]:
    return {"device": {"id": "386625"}, "time": SECOND * 1000 + 417, "data": "deadbeef", "seqNumber": 2, **changes}


def undelivered(callback: Any, **changes: Any) -> dict[str, Any]:
    return {
        "deviceId": "386625",
        "deviceTypeId": TYPE,
        "time": SECOND * 1000,
        "data": "deadbeef",
        "status": "600",
        "message": "Connection refused",
        "callback": callback,
        "parameters": {"seqNumber": 2},
        **changes,
    }


def rendered(route: str, body: Any = None, **changes: Any) -> dict[str, Any]:
    return {"url": f"https://evd.example/{route}", "method": "POST", "body": body, **changes}


def items(number: int, vehicles: int = 1) -> list[Item]:
    return [Item("uplink", {"device": str(n % vehicles), "time": NOW // 1000 - n, "data": "00"}) for n in range(number)]


def environment(fake: FakeSigfox) -> dict[str, str]:
    return {"EVD_SIGFOX__API": fake.url, "EVD_SIGFOX__API_LOGIN": LOGIN, "EVD_SIGFOX__API_PASSWORD": PASSWORD}


@contextmanager
def fake_of_two_types() -> Iterator[FakeSigfox]:
    """Two device types: the first with two devices that spoke, and one that was silent for long."""
    with fake_sigfox() as one:
        one.device_types = [{"id": "t1"}, {"id": "t2"}]
        one.devices = {
            "t1": [{"id": "A1", "lastCom": NOW}, {"id": "A2"}, {"id": "OLD", "lastCom": 1}],
            "t2": [{"id": "B1"}],
        }
        for device in ("A1", "A2", "B1"):
            one.messages[device] = [
                message(device={"id": device}, time=NOW - 1000 * n, seqNumber=n) for n in range(150)
            ]
        yield one
