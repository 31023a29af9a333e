"""Whom evd believes: its keys, and what makes it insecure on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import trio

from evd.doctor.finding import Diagnosis, ok
from evd.doctor.place import Surroundings, command
from evd.model.units import DAY_MS
from evd.store.engines import DEFAULT, ENGINES
from evd.store.records import KeyRow

OLD_DAYS = 730
"""Two years: by then somebody who knew the key has left."""

MANY = 50
"""Living keys: more than an operator knows by name. Keys of one vehicle do not count: a fleet has one each."""


class KeysSeen(NamedTuple):
    living: Sequence[KeyRow]
    now_ms: int
    list: str
    """The command that lists them."""


def look_at_keys(place: Surroundings) -> KeysSeen:
    """Read in pages beside a daemon that may run. Raises StoreError."""
    if not place.data_dir.database.exists():
        raise FileNotFoundError(2, "there is no database", str(place.data_dir.database))

    async def read() -> list[KeyRow]:
        rows: list[KeyRow] = []
        following: tuple[Any, ...] | None = (-1, "")
        async with ENGINES[DEFAULT].queries(place.data_dir.database) as queries:
            while following is not None:
                listed = await queries.keys((following[0], following[1]))
                rows, following = rows + listed.rows, listed.following
        return rows

    living = [row for row in trio.run(read) if row["revoked"] is None]
    return KeysSeen(living, int(place.now_s * 1000), command(place, "key list"))


def judge_keys(seen: KeysSeen) -> Diagnosis:
    if not seen.living:
        return Diagnosis(
            "fail", "there is no key: nobody can post or ask", "create one", "evd key create --role sigfox"
        )
    fleet = [row for row in seen.living if row["vehicle"] is None]
    old = [row for row in fleet if seen.now_ms - row["created"] > OLD_DAYS * DAY_MS]
    if old:
        names = ", ".join(f"{row['name'] or row['id']} ({row['role']})" for row in old[:3])
        return Diagnosis(
            "warn",
            f"{_count(old)} older than {OLD_DAYS // 365} years: {names}",
            "create new ones, hand them out, and revoke the old ones; `evd key list` shows them",
            seen.list,
        )
    wide = [row for row in fleet if "," in row["role"] and "admin" in row["role"]]
    if wide:
        return Diagnosis(
            "warn",
            f"{wide[0]['name'] or wide[0]['id']} is an administrator's key and has other roles, too",
            "give each use a key of its own, and revoke this one",
            seen.list,
        )
    if len(fleet) > MANY:
        return Diagnosis(
            "warn",
            f"{len(fleet)} keys are good for every vehicle",
            "revoke those that nobody can name, and bind gateways' keys to their vehicles",
            seen.list,
        )
    return ok(f"{_count(seen.living)} in use, none old")


def _count(keys: Sequence[KeyRow]) -> str:
    return "1 key is" if len(keys) == 1 else f"{len(keys)} keys are"


EMULATORS = ("FIREBASE_AUTH_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST", "STORAGE_EMULATOR_HOST")


def look_at_emulators(place: Surroundings) -> Mapping[str, str]:
    return {name: place.env[name] for name in EMULATORS if place.env.get(name)}


def judge_emulators(seen: Mapping[str, str]) -> Diagnosis:
    if "FIREBASE_AUTH_EMULATOR_HOST" in seen:
        return Diagnosis(
            "fail",
            "FIREBASE_AUTH_EMULATOR_HOST is set: unsigned ID tokens would be accepted",
            "remove it from the environment of evd",
            "systemctl edit evd",
        )
    if seen:
        return Diagnosis("warn", f"{next(iter(seen))} is set", "remove it from evd's environment", "systemctl edit evd")
    return ok("no emulator's variable is set")


def look_at_user_header(place: Surroundings) -> bool:
    return place.config.app.trust_user_header


def judge_user_header(seen: bool) -> Diagnosis:
    if seen:
        return Diagnosis(
            "warn",
            "app.trust_user_header is on, which is insecure: whoever has the app's key may name any user",
            "turn it off once no phone runs the original's app",
            "systemctl restart evd",
        )
    return ok("users prove who they are")
