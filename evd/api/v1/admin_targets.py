"""Targets that an administrator registers, `/api/v1/<noun>s`: the same routes for each such push provider."""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec
from quart import Blueprint, Response, request
from werkzeug.routing import BaseConverter

from evd.api.context import here, vehicle_named
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.errors import BadRequest, NotFound
from evd.model.operations import LimitReached, Register, Unregister
from evd.push import providers
from evd.push.traits import AdminTargets
from evd.store.records import LISTED_MAX, RegistrationRow

PER_VEHICLE_MAX = 10_000
"""As for `app.registrations_per_vehicle`."""


routes = Blueprint("targets", __name__, url_prefix=V1)


@routes.record_once
def _set_up(setup: Any) -> None:
    setup.app.url_map.converters["target"] = NounConverter


class TargetRequest(msgspec.Struct):
    """`target` is called as the provider calls it (`AdminTargets.field`)."""

    vehicle: str
    target: str


class TargetRoutes:
    """What the routes do with one provider's targets."""

    def __init__(self, targets: AdminTargets) -> None:
        self._targets = targets
        form = msgspec.defstruct(
            "TargetRequest",
            [("target", str, msgspec.field(name=targets.field))],
            bases=(TargetRequest,),
            forbid_unknown_fields=True,
        )
        self._form = cast("type[TargetRequest]", form)

    async def add(self) -> Response:
        """Add a target; a repetition changes nothing."""
        targets, wish, context = self._targets, await read_form(self._form), here()
        targets.require_set_up(context.config)
        vehicle, target = vehicle_named(wish.vehicle), targets.checked(wish.target, context.config)
        register = Register(vehicle, wish.vehicle, target, targets.noun, context.clock(), targets.kind)
        try:
            await context.writer.write(register)
        except LimitReached as error:
            raise BadRequest(str(error)) from None
        return v1_json({"vehicle": vehicle, targets.field: targets.shown(target)}, 201)

    async def list(self) -> Response:
        """All targets, or those of one `vehicle`, in the order in which they were added; times are epoch ms.

        A target is shown as its provider allows. `pushed` is when it last took a push; `attempts` have failed since,
        `said` is the reason.
        """
        given = request.args.get("vehicle")
        vehicle = None if given is None else vehicle_named(given)
        after, limit = await asked_page((0,))
        found = await here().queries.registrations(
            vehicle=vehicle, kinds=[self._targets.kind], after=after, limit=limit
        )
        return page(found, list(map(self._shown, found.rows)))

    async def remove(self) -> Response:
        """Remove a target, given whole, or as the list shows it if that is unambiguous."""
        targets, wish = self._targets, await read_form(self._form)
        noun, vehicle = targets.noun, vehicle_named(wish.vehicle)
        found = await here().queries.registrations(vehicle=vehicle, kinds=[targets.kind], limit=PER_VEHICLE_MAX)
        known = [row["token"] for row in found.rows]
        meant = [one for one in known if one == wish.target] or [
            one for one in known if targets.shown(one) == wish.target
        ]
        if len(meant) > 1:
            raise BadRequest(f"vehicle {vehicle} has {len(meant)} {noun}s at this {targets.called}: give it whole")
        if not meant or not await here().writer.write(Unregister(vehicle, meant[0])):
            raise NotFound(
                f"vehicle {vehicle} has no {noun} at this {targets.called}: `evd {noun} list` shows those it has"
            )
        return v1_json({"vehicle": vehicle, targets.field: targets.shown(meant[0]), "removed": True})

    def _shown(self, row: RegistrationRow) -> dict[str, Any]:
        return {
            "vehicle": row["vehicle"],
            self._targets.field: self._targets.shown(row["token"]),
            "created": row["created"],
            "pushed": row["given_at"],
            "attempts": row["attempts"],
            "said": row["outcome"],
        }


_SERVED = {f"{targets.noun}s": TargetRoutes(targets) for targets in providers.admin_targets()}
"""By what stands in the path."""


class NounConverter(BaseConverter):
    """A path's `<target:noun>`: the targets of one provider."""

    choices = tuple(_SERVED)
    regex = "|".join(map(re.escape, choices)) or "(?!)"


class TargetsQuery(msgspec.Struct):
    vehicle: str | None = None
    """Only the targets of this vehicle."""


@routes.post("/<target:noun>")
@described(
    body=dict[str, str],
    body_example={"vehicle": "386625", "url": "https://example.org/hook"},
    answer=dict[str, Any],
    status=201,
    example={"vehicle": "386625", "url": "https://example.org/…"},
)
async def add_target(noun: str) -> Response:
    """Add a target of pushes; a repetition changes nothing."""
    return await _SERVED[noun].add()


@routes.get("/<target:noun>")
@described(
    answer=list[dict[str, Any]],
    query=TargetsQuery,
    listed=LISTED_MAX,
    example=[
        {
            "vehicle": "386625",
            "url": "https://example.org/…",
            "created": 1764277200000,
            "pushed": None,
            "attempts": 0,
            "said": "",
        }
    ],
)
async def list_targets(noun: str) -> Response:
    """All targets, in the order in which they were added; each is shown as its provider allows."""
    return await _SERVED[noun].list()


@routes.delete("/<target:noun>")
@described(
    body=dict[str, str],
    body_example={"vehicle": "386625", "url": "https://example.org/hook"},
    answer=dict[str, Any],
    example={"vehicle": "386625", "url": "https://example.org/…", "removed": True},
)
async def remove_target(noun: str) -> Response:
    """Remove a target, given whole, or as the list shows it if that is unambiguous."""
    return await _SERVED[noun].remove()
