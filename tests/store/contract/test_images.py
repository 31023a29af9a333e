"""Pictures of vehicles: a row each, and which files belong to none."""

from __future__ import annotations

from typing import Any

import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival

from evd.model.operations import (
    AddOwner,
    DeleteVehicle,
    LimitReached,
    MergeVehicle,
    RemoveImage,
    SetImage,
    SetVehicle,
    UnknownVehicle,
)
from evd.store.vehicle_records import ImageRow


def image(vehicle: str, file: str = "f1", thumbnail: str = "t1", **others: Any) -> SetImage:
    given = {"media": "image/png", "bytes": 900, "width": 40, "height": 30, "thumbnail_bytes": 9, "changed": NOW}
    return SetImage(vehicle=vehicle, file=file, thumbnail=thumbnail, **{**given, **others})


def row_of(database: AnyDatabase, vehicle: str) -> ImageRow | None:
    return database.ask(lambda queries: queries.image(vehicle))


def used(database: AnyDatabase, *names: str) -> set[str]:
    return database.ask(lambda queries: queries.image_files(names))


def test_a_picture_is_set_replaced_and_removed(database: AnyDatabase) -> None:
    database.write(SetVehicle("A", NOW))
    assert row_of(database, "A") is None
    assert database.write(image("A"), image("A", "f2", "t2", width=50)) == [(), ("f1", "t1")]
    row = row_of(database, "A")
    assert row is not None and row.keys() == ImageRow.__annotations__.keys()
    assert (row["file"], row["thumbnail"], row["width"], row["media"]) == ("f2", "t2", 50, "image/png")
    assert used(database, "f1", "t1", "f2", "t2", "f3") == {"f2", "t2"}
    assert database.write(RemoveImage("A"), RemoveImage("A")) == [("f2", "t2"), False]
    assert row_of(database, "A") is None and used(database, "f2", "t2") == set()


def test_only_a_known_vehicle_has_a_picture(database: AnyDatabase) -> None:
    database.write(AddOwner("anna", "OWNED", NOW))
    found = database.write(image("OWNED"), image("NEVER"))
    assert found[0] == () and isinstance(found[1], UnknownVehicle)


def test_equal_pictures_of_two_vehicles_share_their_files(database: AnyDatabase) -> None:
    database.write(arrival("A"), arrival("B"), image("A"), image("B"), RemoveImage("A"))
    assert used(database, "f1", "t1") == {"f1", "t1"}


def test_pictures_are_bounded(database: AnyDatabase) -> None:
    database.limit(images=1)
    database.write(arrival("A"), arrival("B"), image("A"))
    again, other = database.write(image("A", "f2"), image("B"))
    assert again == ("f1", "t1") and isinstance(other, LimitReached)


@pytest.mark.parametrize("has_own", [True, False])
def test_a_picture_goes_with_its_vehicle_and_moves_with_a_merge(database: AnyDatabase, has_own: bool) -> None:
    database.write(arrival("A"), arrival("B"), image("A"), *([image("B", "f2", "t2")] if has_own else []))
    database.write(MergeVehicle("A", "B", NOW))
    row = row_of(database, "B")
    assert row_of(database, "A") is None and row is not None
    assert row["file"] == ("f2" if has_own else "f1"), "its own counts"
    database.write(DeleteVehicle("B"))
    assert row_of(database, "B") is None and used(database, "f1", "f2", "t1", "t2") == set()
