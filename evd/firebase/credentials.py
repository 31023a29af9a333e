"""Google's credentials for its own clients, and what their errors say, without secrets."""

from __future__ import annotations

from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.oauth2 import service_account

from evd.firebase.access import FirebaseAccess
from evd.model.plain_text import excerpt
from evd.redaction.requests import masked

SAID_MAX = 300


def google_credentials(access: FirebaseAccess, scope: str) -> Any:
    if access.credentials is None:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    load = service_account.Credentials.from_service_account_file
    return load(str(access.credentials), scopes=(scope,))  # type: ignore[no-untyped-call]


def plain(said: Any) -> str:
    return excerpt(masked(str(said)), SAID_MAX).rstrip(". ")
