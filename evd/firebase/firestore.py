"""Firestore by Google's own client: it blocks, so the daemon calls it in threads. Each call is one attempt, in time.

The client speaks gRPC, and so does every emulator; FIRESTORE_EMULATOR_HOST leads it to one (`evd.firebase.emulators`).
It is imported only where it is used: 20 MiB and most of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import google.auth.exceptions
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.field_path import FieldPath

from evd.errors import FirebaseAway, FirebaseConflict, FirebaseInvalid, FirebaseRefused
from evd.firebase.access import FirebaseAccess
from evd.firebase.credentials import google_credentials, plain
from evd.firebase.documents import STATUSES, USERS, VEHICLES, UserDocument, UserWrites, document_id

SCOPE = "https://www.googleapis.com/auth/datastore"

_REFUSED = (
    exceptions.Forbidden,
    exceptions.Unauthorized,
    exceptions.BadRequest,
    exceptions.NotFound,
    exceptions.MethodNotImplemented,
)
_CHANGED = (exceptions.FailedPrecondition, exceptions.NotFound, exceptions.Aborted)
"""What a write is answered whose document is another one than it was."""


class Firestore:
    """The users' documents of one project. Every method blocks for `timeout_s` at most.

    Raises FirebaseAway if Firestore does not answer or has no room, FirebaseRefused if it never will.
    """

    def __init__(self, access: FirebaseAccess) -> None:
        self._client = firestore.Client(project=access.project, credentials=google_credentials(access, SCOPE))
        self._users = self._client.collection(USERS)
        self._options: dict[str, Any] = {"retry": None, "timeout": access.timeout_s}

    def page(self, after: str, limit: int) -> list[UserDocument]:
        """The next users by their ids; fewer than `limit` are the last ones."""
        query = self._users.select([VEHICLES]).order_by("__name__").limit(limit)
        if after:
            query = query.start_after({"__name__": self._users.document(after)})
        with _said():
            found = [_document(one) for one in query.stream(**self._options)]
        if found and after and found[0].uid <= after:
            raise FirebaseRefused("Firestore does not give users by pages: is it an emulator with many?")
        return found

    def count(self) -> int:
        """How many users there are; billed as a read for each thousand."""
        with _said():
            return int(self._users.count().get(**self._options)[0][0].value)  # type: ignore[no-untyped-call]

    def read(self, uids: Iterable[str]) -> dict[str, UserDocument]:
        """Those of these users that have a document."""
        references = [self._users.document(uid) for uid in uids if document_id(uid) == uid]
        if not references:
            return {}
        with _said():
            found = self._client.get_all(references, field_paths=[VEHICLES], **self._options)
            return {one.id: _document(one) for one in found if one.exists}

    def write(self, writes: UserWrites) -> None:
        """Write all or nothing. Raises FirebaseConflict if the user's document has changed since it was read, and
        FirebaseInvalid for what Firestore can never keep."""
        user = self._users.document(writes.user.uid)
        batch = self._client.batch()
        changed = {
            FieldPath(VEHICLES, key, member).to_api_repr(): value
            for key, members in writes.profiles.items()
            for member, value in members.items()
        }
        with _said(changes=True):
            if changed:
                unchanged = self._client.write_option(last_update_time=writes.user.version)
                batch.update(user, changed, option=unchanged)
            for vehicle, status in writes.statuses.items():
                batch.set(user.collection(STATUSES).document(document_id(vehicle)), dict(status))
            for vehicle in writes.gone:
                batch.delete(user.collection(STATUSES).document(document_id(vehicle)))
            batch.commit(**self._options)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]


def _document(found: Any) -> UserDocument:
    return UserDocument(found.id, (found.to_dict() or {}).get(VEHICLES), found.update_time)


@contextmanager
def _said(*, changes: bool = False) -> Iterator[None]:
    """Google's errors as evd's."""
    try:
        yield
    except exceptions.GoogleAPICallError as error:
        said = f"Firestore: {type(error).__name__}: {plain(error.message)}"
        if changes and isinstance(error, _CHANGED):
            raise FirebaseConflict(said) from None
        if changes and isinstance(error, exceptions.InvalidArgument):
            raise FirebaseInvalid(said) from None
        raise (FirebaseRefused if isinstance(error, _REFUSED) else FirebaseAway)(said) from None
    except exceptions.GoogleAPIError as error:
        raise FirebaseAway(f"Firestore: {type(error).__name__}: {plain(error)}") from None
    except google.auth.exceptions.TransportError as error:
        raise FirebaseAway(f"Firestore: no access token: {plain(error)}") from None
    except google.auth.exceptions.GoogleAuthError as error:
        raise FirebaseRefused(f"Firestore: no access token: {plain(error)}: check push.credentials") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise FirebaseInvalid(f"Firestore has no such value: {plain(error)}") from None
