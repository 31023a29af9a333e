"""Pictures of the app's users in Cloud Storage, as a server of ours has them: bounded, and each failure of its kind."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

from evd.errors import FirebaseAway, FirebaseInvalid, FirebaseRefused
from evd.firebase.access import FirebaseAccess
from evd.firebase.pictures import Pictures

ACCESS = FirebaseAccess("demo-evd", None, "bucket", 5)
CONTENT = b"\x89PNG picture"


class Storage(ThreadingHTTPServer):
    """Answers as Google's JSON API: what a file is, and its content; `status` is that of any answer."""

    status = 200
    name = "user_files/anna/media/zoe.png"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Storage

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        status = self.server.status
        if status == 200 and self.server.name not in unquote(path):
            status = 404
        body = CONTENT if "alt=media" in query else json.dumps({"name": "x", "size": str(len(CONTENT))}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with Storage() as one:
        thread = threading.Thread(target=one.serve_forever)
        thread.start()
        yield one
        one.shutdown()
        thread.join()


@pytest.fixture
def pictures(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Pictures:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{storage.server_port}")
    monkeypatch.setattr(storage, "status", 200)
    return Pictures(ACCESS)


def test_a_picture_is_read_if_it_is_no_longer_than_it_may_be(pictures: Pictures) -> None:
    assert pictures.read("anna", "zoe.png", len(CONTENT)) == CONTENT
    with pytest.raises(FirebaseInvalid, match=f"it has {len(CONTENT)} bytes: images.body_max_bytes allows 3"):
        pictures.read("anna", "zoe.png", 3)


def test_a_picture_that_is_not_there_is_named(pictures: Pictures) -> None:
    with pytest.raises(FirebaseInvalid, match=r"has no file user_files/ben/media/gone\.jpg"):
        pictures.read("ben", "gone.jpg", 1000)


@pytest.mark.parametrize(
    ("status", "error"), [(401, FirebaseRefused), (403, FirebaseRefused), (500, FirebaseAway), (503, FirebaseAway)]
)
def test_what_will_never_answer_is_told_from_what_may_later(
    pictures: Pictures, storage: Storage, status: int, error: type[Exception]
) -> None:
    storage.status = status
    with pytest.raises(error, match="Cloud Storage: "):
        pictures.read("anna", "zoe.png", 1000)


def test_a_service_that_is_not_there_may_be_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    with pytest.raises(FirebaseAway):
        Pictures(ACCESS).read("anna", "zoe.png", 1000)
