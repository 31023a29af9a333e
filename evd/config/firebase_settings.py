"""The settings of Firestore and Cloud Storage."""

from __future__ import annotations

import msgspec


class FirebaseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Firestore and Cloud Storage of the original's app, by the service account of `push` (docs/firebase.md)."""

    #: How often evd reads which vehicles users have in Firestore, so that they own them here; 0: never. Google bills
    #: a read for each user and time.
    sync_seconds: float = 0
    #: Whether a user may add a vehicle, too, that others own already: whoever knows its id can write it into the own
    #: document.
    sync_owned: bool = False
    #: Users that one reading takes; more are left out, and the log says so.
    users_max: int = 100_000
    #: Whether evd writes profiles that change and the last statuses into users' documents.
    mirror: bool = False
    #: Between two writes of one document: Firestore takes one a second, and bills each.
    mirror_seconds: float = 30
    #: Vehicles that wait for the mirror, 100 bytes each; beyond this it looks all of them up again.
    mirror_waiting_max: int = 10_000
    #: Requests to Firestore at once, each in a thread.
    threads_max: int = 4
    #: For one request; Firestore answers in some 100 ms.
    timeout_s: float = 30
    #: Cloud Storage's bucket with the users' images; empty: PROJECT.appspot.com.
    bucket: str = ""
