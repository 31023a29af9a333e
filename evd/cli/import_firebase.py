"""`evd import firebase`: move in from the Firestore of the original's app."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from evd.cli.common import directory_option, json_option, path_part, settings, with_writer
from evd.cli.import_sending import end, note, say_skipped, verdicts
from evd.cli.interruption import Interruption
from evd.cli.printing import say, show
from evd.config.data_dir import find
from evd.config.settings import Config
from evd.errors import ControlError, FirebaseInvalid
from evd.firebase.access import FirebaseAccess, firebase_access
from evd.firebase.documents import PAGE_MAX, USERS, ListedVehicle, read_user
from evd.firebase.emulators import refuse_emulators, require_both_or_none
from evd.net.client import control_socket
from evd.transfer.summary import ImportSummary

if TYPE_CHECKING:
    from evd.firebase.pictures import Pictures

ORDER = ("owners", "profiles")
"""A vehicle without a ring is known by its owner."""

IMAGES = "images"
NO_VEHICLES = "user without vehicles"


class Listed(NamedTuple):
    """A vehicle of a user's document, on its way to evd."""

    uid: str
    vehicle: ListedVehicle

    @property
    def place(self) -> str:
        return f"{USERS}/{self.uid}: vehicles.{self.vehicle.key}"

    def item(self, name: str) -> dict[str, Any]:
        """What `/api/v1/import/{name}` takes of it."""
        if name == "owners":
            return {"uid": self.uid, "vehicle": self.vehicle.vehicle}
        said = {member: value for member, value in self.vehicle.profile.items() if value is not None}
        return {"vehicle": self.vehicle.vehicle, "profile": said}


@click.command()
@click.option("--no-images", is_flag=True, help="Without the vehicles' pictures, which are in Cloud Storage.")
@click.option("--dry-run", is_flag=True, help="Read and check, write nothing.")
@click.option("--dev", is_flag=True, help="For development: read from emulators, where the environment names them.")
@directory_option
@json_option
@click.pass_context
def firebase(
    ctx: click.Context, no_images: bool, dry_run: bool, dev: bool, directory: str | None, as_json: bool
) -> None:
    """Import users' vehicles from Firestore: who owns them, their names, licence plates, voltages and pictures.

    It reads as the service account of push.credentials, pictures from Cloud Storage. What evd knows of a vehicle
    already stays. It may be repeated: nothing gets in twice. The exit code is 6 if something was skipped.
    """
    place = find(directory, os.environ)
    place.require()
    config = settings(place)
    refuse_emulators(os.environ, "evd import firebase --dev", dev=dev)
    if not no_images:
        require_both_or_none(os.environ)
    run = _FirestoreImport(config, firebase_access(config, os.environ), write=not dry_run, images=not no_images)
    with run.interruption.watched():
        with_writer(place, config, run)
    stopped = run.interruption.noted
    found = {**run.summary.document(), "users": run.users, "dry_run": dry_run, "complete": not stopped}
    end(ctx, found, _print if not as_json else show, stopped=stopped)


class _FirestoreImport:
    """Reads the users page by page and sends each page's vehicles to the daemon at a control socket."""

    def __init__(self, config: Config, access: FirebaseAccess, *, write: bool, images: bool) -> None:
        self.summary = ImportSummary()
        self.interruption = Interruption()
        self.users = 0
        self._users_max = config.firebase.users_max
        self._access = access
        self._write = write
        self._images = images
        self._image_bytes_max = config.images.body_max_bytes

    def __call__(self, socket: Path) -> None:
        """Raises DaemonNotRunning before anything is read, FirebaseError."""
        control_socket.page(socket, "/owners?limit=1")
        self.summary, self.users = ImportSummary(), 0
        from evd.firebase.firestore import Firestore  # with gRPC: most of a second
        from evd.firebase.pictures import Pictures

        with ExitStack() as stack:
            bar = stack.enter_context(_progress())
            firestore = Firestore(self._access)
            stack.callback(firestore.close)
            pictures = Pictures(self._access) if self._images else None
            task = bar.add_task("users", total=firestore.count())
            for users, page in self._pages(firestore):
                for name in ORDER:
                    self._send(socket, name, page)
                if pictures is not None:
                    for one in page:
                        self._send_image(socket, one, pictures)
                bar.advance(task, users)

    def _pages(self, firestore: Any) -> Iterator[tuple[int, list[Listed]]]:
        """Pages of users: how many, and their vehicles."""
        after = ""
        while not self.interruption.noted:
            documents = firestore.page(after, PAGE_MAX)
            listed: list[Listed] = []
            for document in documents:
                read = read_user(document)
                listed += [Listed(document.uid, vehicle) for vehicle in read.vehicles.values()]
                for one in read.unread:
                    self.summary.skip(*one)
                if not read.vehicles and not read.unread:
                    self.summary.skip(NO_VEHICLES, f"{USERS}/{document.uid}", "there is nothing to import")
            self.users += len(documents)
            yield len(documents), listed
            if len(documents) < PAGE_MAX:
                return
            if self.users >= self._users_max:
                said = f"firebase.users_max is {self._users_max}: raise it to import the others"
                self.summary.skip("more users than are read", f"{USERS}/{documents[-1].uid} is the last one", said)
                return
            after = documents[-1].uid

    def _send(self, socket: Path, name: str, page: Sequence[Listed]) -> None:
        things = [(one, item) for one in page if (item := one.item(name)).get("profile") != {}]
        for first in range(0, len(things), PAGE_MAX):
            batch = things[first : first + PAGE_MAX]
            for _ in batch:
                self.summary.read(name)
            for (one, _), verdict in zip(
                batch, verdicts(socket, name, [item for _, item in batch], write=self._write), strict=True
            ):
                note(self.summary, name, one.place, verdict)

    def _send_image(self, socket: Path, one: Listed, pictures: Pictures) -> None:
        """The picture of a vehicle that has none. Raises FirebaseError if Cloud Storage cannot be read at all."""
        name = one.vehicle.image
        if name is None or self.interruption.noted:
            return
        self.summary.read(IMAGES)
        path = f"/vehicles/{path_part(one.vehicle.vehicle)}/image"
        try:
            if _has_image(socket, path):
                self.summary.take(IMAGES, "known")
                return
            content = pictures.read(one.uid, name, self._image_bytes_max)
            if self._write:
                control_socket.send_file(socket, path, content)
            self.summary.take(IMAGES, "new" if self._write else "readable")
        except FirebaseInvalid as error:
            self.summary.skip("picture is not in Cloud Storage", one.place, str(error))
        except control_socket.DaemonNotRunning:
            raise
        except ControlError as error:
            self.summary.skip("picture refused", one.place, str(error))


def _has_image(socket: Path, path: str) -> bool:
    try:
        control_socket.fetch_file(socket, f"{path}?size=thumb")
    except control_socket.DaemonNotRunning:
        raise
    except ControlError:
        return False
    return True


def _progress() -> Progress:
    """On stderr, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


def _print(found: dict[str, Any]) -> None:
    say("{} users read", found["users"])
    for name in (*ORDER, IMAGES):
        counts = found["tables"].get(name)
        if counts is None:
            continue
        if found["dry_run"]:
            say("{}: {} read, {} can be imported", name, counts["read"], counts.get("readable", 0))
        else:
            say("{}: {} read, {} new, {} known", name, counts["read"], counts["new"], counts["known"])
    say_skipped(found)
