"""Webhooks, `/api/v1/webhooks`: addresses that hear of a vehicle. They are an administrator's alone."""

from __future__ import annotations

from typing import Any

import msgspec
from quart import Blueprint, Response, request

from evd.api.context import here, require_admin
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.errors import BadRequest, NotFound
from evd.model.operations import LimitReached, Register, Unregister
from evd.model.status import vehicle_id
from evd.push.providers.webhook.address import checked_address, shown_address
from evd.store.records import RegistrationRow

UID = "webhook"
"""The user that webhooks belong to: his preferences say which events they are told."""

PER_VEHICLE_MAX = 10_000
"""As for `app.registrations_per_vehicle`."""

webhooks = Blueprint("webhooks", __name__, url_prefix=f"{V1}/webhooks")


class Webhook(msgspec.Struct, forbid_unknown_fields=True):
    vehicle: str
    url: str


@webhooks.before_request
async def only_admins() -> None:
    require_admin()


@webhooks.post("")
async def add_webhook() -> Response:
    """Said again, it changes nothing."""
    wish, context = await read_form(Webhook), here()
    if not context.config.push.webhook_secret:
        raise BadRequest(
            "webhooks are signed: set push.webhook_secret to what `evd webhook secret` prints, and start evd anew"
        )
    vehicle, url = vehicle_id(wish.vehicle), checked_address(wish.url)
    try:
        await context.writer.write(Register(vehicle, wish.vehicle, url, UID, context.clock(), "webhook"))
    except LimitReached as error:
        raise BadRequest(str(error)) from None
    return v1_json({"vehicle": vehicle, "url": shown_address(url)}, 201)


@webhooks.get("")
async def list_webhooks() -> Response:
    """Of one `vehicle` where the query says so, in the order they were added; times are epoch ms.

    `url` is without its query. `pushed` is when the receiver took a push last; `attempts` failed since, `said` is why.
    """
    given = request.args.get("vehicle")
    vehicle = None if given is None else vehicle_id(given)
    after, limit = await asked_page((0,))
    found = await here().queries.registrations(vehicle=vehicle, webhooks=True, after=after, limit=limit)
    return page(found, list(map(_shown, found.rows)))


@webhooks.delete("")
async def remove_webhook() -> Response:
    """By its whole address, or by what the list shows of it where that means one webhook only."""
    wish = await read_form(Webhook)
    vehicle = vehicle_id(wish.vehicle)
    found = await here().queries.registrations(vehicle=vehicle, webhooks=True, limit=PER_VEHICLE_MAX)
    known = [row["token"] for row in found.rows]
    meant = [url for url in known if url == wish.url] or [url for url in known if shown_address(url) == wish.url]
    if len(meant) > 1:
        raise BadRequest(f"vehicle {vehicle} has {len(meant)} webhooks at this address: write it with its ?query")
    if not meant or not await here().writer.write(Unregister(vehicle, meant[0])):
        raise NotFound(f"vehicle {vehicle} has no webhook at this address: `evd webhook list` shows those it has")
    return v1_json({"vehicle": vehicle, "url": shown_address(meant[0]), "removed": True})


def _shown(row: RegistrationRow) -> dict[str, Any]:
    return {
        "vehicle": row["vehicle"],
        "url": shown_address(row["token"]),
        "created": row["created"],
        "pushed": row["given_at"],
        "attempts": row["attempts"],
        "said": row["outcome"],
    }
