"""Cloud Storage by Google's own client: the pictures of the app's users, `user_files/{uid}/media/{file}`. It blocks.

With STORAGE_EMULATOR_HOST the client goes to an emulator (`evd.firebase.emulators`).
"""

from __future__ import annotations

import google.auth.exceptions
import requests
from google.api_core import exceptions
from google.cloud.storage import Client

from evd.errors import FirebaseAway, FirebaseInvalid, FirebaseRefused
from evd.firebase.access import FirebaseAccess
from evd.firebase.credentials import google_credentials, plain

SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"


class Pictures:
    """The bucket of one project. Raises FirebaseAway if it does not answer, FirebaseRefused if it never will."""

    def __init__(self, access: FirebaseAccess) -> None:
        client = Client(project=access.project, credentials=google_credentials(access, SCOPE))
        self._bucket = client.bucket(access.bucket)
        self._timeout_s = access.timeout_s

    def read(self, uid: str, name: str, size_max: int) -> bytes:
        """A picture of the user. Raises FirebaseInvalid if there is none, or none of this size (bytes)."""
        try:
            blob = self._bucket.get_blob(f"user_files/{uid}/media/{name}", timeout=self._timeout_s, retry=None)
            if blob is None:
                raise FirebaseInvalid(f"Cloud Storage has no file user_files/{uid}/media/{name}")
            if blob.size > size_max:
                raise FirebaseInvalid(f"it has {blob.size} bytes: images.body_max_bytes allows {size_max}")
            content: bytes = blob.download_as_bytes(timeout=self._timeout_s, retry=None)
            return content
        except exceptions.ClientError as error:
            raise FirebaseRefused(f"Cloud Storage: {type(error).__name__}: {plain(error.message)}") from None
        except (exceptions.GoogleAPIError, google.auth.exceptions.TransportError, requests.RequestException) as error:
            raise FirebaseAway(f"Cloud Storage: {type(error).__name__}: {plain(error)}") from None
        except google.auth.exceptions.GoogleAuthError as error:
            raise FirebaseRefused(f"Cloud Storage: no access token: {plain(error)}: check push.credentials") from None
