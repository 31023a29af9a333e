"""Pictures of vehicles, `/api/v1`: an owner sends, sees and removes one, whole or as a thumbnail."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypedDict

import msgspec
from quart import Blueprint, Response

from evd.api.conditional import content_with, known_already
from evd.api.context import here, request_body, vehicle_named
from evd.api.described import described, read_query
from evd.api.replies import V1, v1_json
from evd.api.request_permits import hold_permit
from evd.api.v1.sharing import require_no_body
from evd.errors import BadRequest, NotFound, Unavailable
from evd.images.files import name_of
from evd.images.kinds import KINDS
from evd.log.logger import log
from evd.model.operations import LimitReached, RemoveImage, SetImage, UnknownVehicle

MEDIA = tuple(kind.media for kind in KINDS)

routes = Blueprint("images", __name__, url_prefix=V1)


class ImageQuery(msgspec.Struct):
    size: Literal["full", "thumb"] = "full"


class KeptImage(TypedDict):
    vehicle: str
    media: str
    width: int
    height: int
    bytes: int


class RemovedImage(TypedDict):
    vehicle: str
    removed: bool


@routes.get("/vehicles/<given>/image")
@described(
    query=ImageQuery,
    answer=bytes,
    media=MEDIA[0],
    other_media=MEDIA[1:],
    headers={"ETag": "Of the picture, or of its thumbnail."},
    also={304: "The client has it: If-None-Match names its ETag."},
)
async def image(given: str) -> Response:
    """The vehicle's picture, or with `size=thumb` its thumbnail; with an ETag."""
    vehicle, size = vehicle_named(given), read_query(ImageQuery).size
    await hold_permit(here().lists, "too many lists and pictures are being sent")
    for _ in range(2):  # between the row and its file it may be replaced
        row = await here().queries.image(vehicle)
        if row is None:
            raise _none(vehicle)
        name = row["file"] if size == "full" else row["thumbnail"]
        if (known := known_already(name)) is not None:
            return known
        content = await here().images.read(name)
        if content is not None:
            return content_with(name, content, row["media"])
    log.error("the file of a vehicle's picture is missing: restore it from a backup", file=name)
    raise _none(vehicle)


@routes.put("/vehicles/<given>/image")
@described(
    body=bytes,
    body_media=MEDIA,
    answer=KeptImage,
    example={"vehicle": "386625", "media": "image/jpeg", "width": 2048, "height": 1536, "bytes": 412345},
)
async def set_image(given: str) -> Response:
    """Set the vehicle's picture: the body is a JPEG, PNG or WebP file, whatever its Content-Type says.

    It is drawn again: turned upright, scaled down to `images.side_max_px`, without EXIF, comments and profiles.
    """
    vehicle, context, body = vehicle_named(given), here(), await request_body()
    if not body:
        raise BadRequest("the body is empty: send the picture's file")
    kind, picture, thumbnail = await context.images.drawn(body)
    kept = SetImage(
        vehicle,
        kind.media,
        *(name_of(picture.content), len(picture.content), picture.width, picture.height),
        *(name_of(thumbnail.content), len(thumbnail.content), context.clock()),
    )
    try:
        async with context.images.keeping((picture.content, thumbnail.content)):
            before = await context.writer.write(kept)
    except (UnknownVehicle, LimitReached) as error:
        await discard((kept.file, kept.thumbnail))
        if isinstance(error, LimitReached):
            raise BadRequest(str(error)) from None
        raise NotFound(f"{error}: `evd vehicle list` and `evd owner list` show those that are known") from None
    await discard(before)
    shown = {"vehicle": vehicle, "media": kept.media, "width": kept.width, "height": kept.height, "bytes": kept.bytes}
    return v1_json(shown)


@routes.delete("/vehicles/<given>/image")
@described(answer=RemovedImage, example={"vehicle": "386625", "removed": True})
async def remove_image(given: str) -> Response:
    """Remove the vehicle's picture; its files are overwritten."""
    await require_no_body()
    vehicle = vehicle_named(given)
    before = await here().writer.write(RemoveImage(vehicle))
    if before is False:
        raise _none(vehicle)
    await discard(before)
    return v1_json({"vehicle": vehicle, "removed": True})


async def files_of(vehicle: str) -> tuple[str, ...]:
    """The files of the vehicle's picture, if it has one."""
    row = await here().queries.image(vehicle)
    return () if row is None else (row["file"], row["thumbnail"])


async def discard(files: Collection[str]) -> None:
    """Remove files that belonged to a picture, unless they belong to another one, too."""
    try:
        await here().images.discard(files, here().queries.image_files)
    except Unavailable as error:  # the next start removes them
        log.error("files of a picture are left until the next start", reason=str(error))


def _none(vehicle: str) -> NotFound:
    return NotFound(f"vehicle {vehicle} has no picture: PUT one to /api/v1/vehicles/{vehicle}/image")
