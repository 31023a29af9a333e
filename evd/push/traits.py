"""What a push provider declares about itself, so that no other module asks for a provider's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from evd.config.settings import Config, PushSettings
from evd.model.target_kinds import TargetKind
from evd.push.protocols import Pusher


def usual_in_flight_max(push: PushSettings) -> int:
    """The bound in the settings."""
    return push.in_flight_max


class AdminTargets(msgspec.Struct, frozen=True):
    """Targets that an administrator registers; `/api/v1/<noun>s` and the command `evd <noun>` are made of this."""

    noun: str
    """Singular; `s` makes the plural. It is also the user id of their registrations."""
    kind: str
    """The kind of target, one of the provider's."""
    field: str
    """The target's name in requests and answers."""
    called: str
    """The target's name in sentences: an address, …"""
    about: str
    """What these targets are, for the command's help."""
    checked: Callable[[str, Config], str]
    """The target in the form that is stored. Raises BadRequest."""
    shown: Callable[[str], str]
    """The part of a target that lists may show."""
    recognizes: Callable[[str], bool]
    """Whether a text given as a phone's token is one of these targets instead."""
    require_set_up: Callable[[Config], None] = lambda config: None
    """Raises BadRequest if the provider is not set up to send to them."""
    secret_setting: tuple[str, str] | None = None
    """Section and name of the setting that holds the signing secret; `evd <noun> secret` makes one."""


class ProviderTraits(msgspec.Struct, frozen=True):
    """A provider: the kinds of target it serves, how it is opened, and the rules for its targets."""

    name: str
    """Its name in logs, in `/readyz` and in the push log."""
    kinds: tuple[TargetKind, ...]
    opened: Callable[[Config, Mapping[str, str]], Pusher | None]
    """Opens it with settings and environment, before trio runs; None if it is not set up. Raises ConfigError."""
    in_flight_max: Callable[[PushSettings], int] = usual_in_flight_max
    """The bound of pushes in flight."""
    limits_devices: bool = False
    """Whether each target is a device, to which `evd.push.device_limits` applies."""
    by_admin: AdminTargets | None = None
    """None if users register the targets, as phones, or evd does."""

    every_vehicle: bool = False
    """Whether every vehicle is registered with it by evd itself; its pusher is a `FleetPusher`."""

    @property
    def serves(self) -> frozenset[str]:
        """The names of its kinds of target."""
        return frozenset(kind.name for kind in self.kinds)
