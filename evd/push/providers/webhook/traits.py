"""Webhooks as a provider: programs at addresses that an administrator registers."""

from __future__ import annotations

from collections.abc import Mapping

from evd.config.settings import Config, PushSettings
from evd.errors import BadRequest
from evd.model.target_kinds import TargetKind
from evd.net.client.signature import Signer
from evd.push.protocols import Pusher
from evd.push.providers.webhook.address import checked_address, is_address, shown_address
from evd.push.traits import AdminTargets, ProviderTraits

NAME = "webhook"
SETTING = "push.webhook_secret"


def opened(config: Config, env: Mapping[str, str]) -> Pusher | None:
    """The pusher, opened. Raises ConfigError for an invalid secret."""
    push = config.push
    if not push.webhook_secret:
        return None
    from evd.push.providers.webhook.sender import WebhookPusher

    return WebhookPusher(
        Signer(push.webhook_secret, setting=SETTING),
        requests_max=push.webhook_threads_max,
        timeout_s=push.webhook_timeout_s,
    )


def in_flight_max(push: PushSettings) -> int:
    """Two pushes for each request: one in progress and one next. Others stay in the backlog, where newer ones replace
    them."""
    return min(push.in_flight_max, 2 * push.webhook_threads_max)


def require_secret(config: Config) -> None:
    """Raises BadRequest if pushes could not be signed."""
    if not config.push.webhook_secret:
        raise BadRequest(f"webhooks are signed: set {SETTING} to what `evd webhook secret` prints, and start evd anew")


TRAITS = ProviderTraits(
    name=NAME,
    kinds=(TargetKind(NAME, personal=False, goes_stale=False, makes_room=False),),
    opened=opened,
    in_flight_max=in_flight_max,
    by_admin=AdminTargets(
        noun="webhook",
        kind=NAME,
        field="url",
        called="address",
        about="addresses that receive each new status and event of a vehicle, as signed POSTs",
        checked=lambda text, config: checked_address(text, private=config.push.webhook_private),
        shown=shown_address,
        recognizes=is_address,
        require_set_up=require_secret,
        secret_setting=("push", "webhook_secret"),
    ),
)
