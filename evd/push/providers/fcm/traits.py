"""Firebase Cloud Messaging as a provider: users' phones, by registration token or installation id."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evd.config.settings import Config
from evd.model.target_kinds import TargetKind
from evd.push.protocols import Pusher
from evd.push.traits import ProviderTraits


def service_account_file(config: Config, env: Mapping[str, str]) -> Path | None:
    """The file that the settings name or systemd passes; None if FCM is not set up."""
    if config.push.credentials:
        return Path(config.push.credentials)
    folder = env.get("CREDENTIALS_DIRECTORY")
    passed = Path(folder) / "fcm.json" if folder else None
    return passed if passed and passed.exists() else None


def opened(config: Config, env: Mapping[str, str]) -> Pusher | None:
    """Raises ConfigError if the file is no usable service account."""
    credentials = service_account_file(config, env)
    if credentials is None:
        return None
    from evd.push.providers.fcm.sender import FcmPusher  # with firebase-admin: most of a second

    push = config.push
    return FcmPusher.from_file(
        credentials, push.endpoint, connections_max=push.connections_max, timeout_s=push.timeout_s
    )


TRAITS = ProviderTraits(
    name="fcm",
    kinds=(
        TargetKind("token", personal=True, goes_stale=True, makes_room=True),
        TargetKind("fid", personal=True, goes_stale=True, makes_room=True),
    ),
    opened=opened,
    limits_devices=True,
)
