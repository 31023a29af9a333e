"""What a push provider declares of itself: what the rest of evd asks, so that nothing asks for a provider's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from evd.config.settings import Config, PushSettings
from evd.model.target_kinds import TargetKind
from evd.push.protocols import Pusher


def usual_in_flight_max(push: PushSettings) -> int:
    """The bound of the settings."""
    return push.in_flight_max


class AdminTargets(msgspec.Struct, frozen=True):
    """Targets that an administrator registers: `/api/v1/<noun>s` and the command `evd <noun>` are made from this."""

    noun: str
    """Singular; `s` makes the plural. It is also the user id of their registrations."""
    kind: str
    """The provider's kind of target that they are."""
    field: str
    """What a request and an answer call the target."""
    called: str
    """What a person calls it: an address, …"""
    about: str
    """For the command's help: what these targets are."""
    checked: Callable[[str], str]
    """The target as it is kept. Raises BadRequest."""
    shown: Callable[[str], str]
    """What lists may show of a target."""
    recognizes: Callable[[str], bool]
    """Whether a text that was given as a phone's token is rather one of these."""
    require_set_up: Callable[[Config], None] = lambda config: None
    """Raises BadRequest where the provider cannot send to them as evd is set up."""
    secret_setting: tuple[str, str] | None = None
    """Section and name of the setting whose secret signs the pushes: `evd <noun> secret` makes one."""


class ProviderTraits(msgspec.Struct, frozen=True):
    """A provider: what it serves, how it is opened, and what holds for its targets."""

    name: str
    """Stands in logs, in `/readyz` and in the log of pushes."""
    kinds: tuple[TargetKind, ...]
    opened: Callable[[Config, Mapping[str, str]], Pusher | None]
    """With the settings and the environment, before trio runs; None where it is not set up. Raises ConfigError."""
    in_flight_max: Callable[[PushSettings], int] = usual_in_flight_max
    """Pushes at once."""
    limits_devices: bool = False
    """Each target is a device, to which `evd.push.device_limits` applies."""
    by_admin: AdminTargets | None = None
    """None: users register their targets, as phones."""

    @property
    def serves(self) -> frozenset[str]:
        """The names of its kinds of target."""
        return frozenset(kind.name for kind in self.kinds)
