"""The broker's address: what is one, and that a mistake's sentence never repeats a password."""

from __future__ import annotations

import pytest

from evd.errors import ConfigError
from evd.push.providers.mqtt.address import BrokerAddress, broker_address


@pytest.mark.parametrize(
    ("url", "expected", "shown"),
    [
        ("mqtt://broker", BrokerAddress("broker", 1883, False, ""), "mqtt://broker:1883"),
        ("mqtts://me%40home@broker/", BrokerAddress("broker", 8883, True, "me@home"), "mqtts://broker:8883"),
        ("mqtt://[::1]:1", BrokerAddress("::1", 1, False, ""), "mqtt://[::1]:1"),
    ],
)
def test_an_address(url: str, expected: BrokerAddress, shown: str) -> None:
    assert (broker_address(url), str(broker_address(url))) == (expected, shown)


@pytest.mark.parametrize(
    "url", ["broker", "http://broker", "mqtt://", "mqtt://b:99999", "mqtt://b:0", "mqtt://b/evd", "mqtt://b?x=1"]
)
def test_no_address(url: str) -> None:
    with pytest.raises(ConfigError, match=r"write mqtt://\[USER@\]HOST"):
        broker_address(url)


def test_a_password_has_a_setting_of_its_own_and_is_not_repeated() -> None:
    with pytest.raises(ConfigError, match=r"mqtt\.password") as refused:
        broker_address("mqtt://me:hunter2@broker")
    assert "hunter2" not in str(refused.value)
