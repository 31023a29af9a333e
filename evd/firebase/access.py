"""Which Firebase project evd uses, and by whose right: the service account of the pushes, which is of that project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from evd.config.settings import Config
from evd.errors import ConfigError
from evd.firebase.emulators import FIRESTORE
from evd.push.providers.fcm.traits import service_account_file


class FirebaseAccess(NamedTuple):
    project: str
    credentials: Path | None
    """The service account's file; None: an emulator asks for none."""
    bucket: str
    """Cloud Storage's, with the users' files."""
    timeout_s: float


def firebase_access(config: Config, env: Mapping[str, str]) -> FirebaseAccess:
    """Raises ConfigError where there is no service account, or one that cannot be used."""
    credentials, project = service_account_file(config, env), config.app.firebase_project
    if credentials is not None:
        from evd.push.providers.fcm.credentials import load_service_account  # with firebase-admin: most of a second

        project = project or load_service_account(credentials).project_id
    elif not env.get(FIRESTORE):
        raise ConfigError(
            "Firestore needs a service account: set push.credentials to its JSON file, as the Firebase console makes "
            "it (Project settings, Service accounts, Generate new private key)"
        )
    if not project:
        raise ConfigError("app.firebase_project is empty: name the Firebase project whose Firestore evd shall use")
    if env.get(FIRESTORE):
        credentials = None  # an emulator is given no token
    settings = config.firebase
    return FirebaseAccess(project, credentials, settings.bucket or f"{project}.appspot.com", settings.timeout_s)
