"""Push providers, one folder each. Begin with `PROVIDERS`; a new provider is a folder with its traits and a row."""

from __future__ import annotations

from collections.abc import Mapping

from evd.config.settings import Config
from evd.model.target_kinds import TargetKind
from evd.push.protocols import Pusher
from evd.push.providers.fcm import traits as fcm
from evd.push.providers.mqtt import traits as mqtt
from evd.push.providers.webhook import traits as webhook
from evd.push.traits import AdminTargets, ProviderTraits

PROVIDERS: list[ProviderTraits] = [fcm.TRAITS, mqtt.TRAITS, webhook.TRAITS]


def target_kinds() -> list[TargetKind]:
    """The kinds of target of all providers."""
    return [kind for traits in PROVIDERS for kind in traits.kinds]


def admin_targets() -> list[AdminTargets]:
    """The targets that an administrator registers."""
    return [traits.by_admin for traits in PROVIDERS if traits.by_admin is not None]


def user_kinds() -> frozenset[str]:
    """The kinds of target that users register: their phones."""
    by_users = [traits for traits in PROVIDERS if traits.by_admin is None and not traits.every_vehicle]
    return frozenset(kind for traits in by_users for kind in traits.serves)


def opened(config: Config, env: Mapping[str, str]) -> list[tuple[ProviderTraits, Pusher]]:
    """The providers that are set up, opened; if there is none, no pushes are sent. Raises ConfigError."""
    found = [(traits, traits.opened(config, env)) for traits in PROVIDERS]
    return [(traits, pusher) for traits, pusher in found if pusher is not None]
