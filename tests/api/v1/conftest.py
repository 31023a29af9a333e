"""Local users of the shared daemon: anna owns VEHICLE, root administrates, zoe owns FOREIGN."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from daemon_process import RunningDaemon
from signed_in import FOREIGN, VEHICLE, Admin


@pytest.fixture(scope="session")
def local_users(daemon: RunningDaemon) -> Admin:
    """They are there; who added them."""
    admin = Admin(daemon)
    admin.add("anna")
    admin.add("root", admin=True)
    admin.add("zoe")
    admin.own("anna", VEHICLE)
    admin.own("zoe", FOREIGN)
    return admin


@pytest.fixture
def browser(local_users: Admin, daemon: RunningDaemon) -> Iterator[httpx.Client]:
    """A client that keeps cookies, as a browser does."""
    with httpx.Client(base_url=f"{daemon.url}/api/v1") as one:
        yield one
