"""The credentials of the tests of FCM: one key for all of them, which takes a moment to make."""

from __future__ import annotations

import pytest
from fcm_account import Account

from evd.dev.fake_fcm.server import make_service_account


@pytest.fixture(scope="session")
def account() -> Account:
    return make_service_account("evd-demo", "http://127.0.0.1:1/token")
