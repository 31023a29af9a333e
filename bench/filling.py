"""A file with full rings, written through evd's own store in large groups: no HTTP, no decoding, one sync a group.

Ten million rows take minutes all the same, so a progress bar is shown on a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from loads import RING
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from servers import init

from evd.config.data_dir import DataDirectory
from evd.config.loading import load
from evd.daemon import wiring as assembly
from evd.model.operations import Arrive
from evd.store.engines import DEFAULT, ENGINES

GROUP_ROWS = 20_000  # large, so that a page of a ring is written once for many of its rows
FIRST_TIME_MS = 1_500_000_000_000  # before every load's
FIELDS = (
    b'{"state":0,"current_charge":76,"target_charge":20,"current":608,"elapsed_time":3929,"remain_time":2504,'
    b'"range":638,"elec_consumption":15.40625,"indoor_temperature":36.25}'
)
PAYLOAD = bytes.fromhex("130a4c0f594e427e4bb45088")


def arrival(vehicle: int, number: int) -> Arrive:
    """The `number`th status of a vehicle, as the daemon would have made it of a callback of loads.py."""
    name = f"{0x100000 + vehicle:X}"
    time = FIRST_TIME_MS + number * 600_000
    seq = number % 4096
    return Arrive(
        status_id=f"{vehicle:08x}{number:08x}",
        vehicle=name,
        spelling=name,
        time=time,
        seq=seq,
        timely=True,
        connectivity=1,
        payload=PAYLOAD,
        fields=FIELDS,
        document=f'{{"device":"{name}","time":{time // 1000},"data":"{PAYLOAD.hex()}","seqNumber":{seq}}}'.encode(),
        flags="",
        received=time,
    )


def make_full(directory: Path, *, vehicles: int, ring: int = RING) -> dict[str, str]:
    """`evd init`, then each vehicle's ring full; the keys.

    The vehicles speak in turn, as they do in life, so the file is as full of gaps as one that grew.
    """
    keys = init(directory)
    config = load(None, {"EVD_RETENTION__STATUSES_PER_VEHICLE": str(ring)})
    store = assembly.open_store(ENGINES[DEFAULT], DataDirectory(directory), config, lambda doing: None)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(f"{vehicles:,} vehicles × {ring:,} statuses", total=vehicles * ring)
            for group in groups(vehicles, ring):
                store.write(group)
                while store.maintain():
                    pass
                bar.advance(task, len(group))
        store.maintain(idle=True)
    finally:
        store.close()
    return keys


def groups(vehicles: int, ring: int) -> Iterator[list[Arrive]]:
    group: list[Arrive] = []
    for number in range(ring):
        for vehicle in range(vehicles):
            group.append(arrival(vehicle, number))
            if len(group) == GROUP_ROWS:
                yield group
                group = []
    if group:
        yield group
