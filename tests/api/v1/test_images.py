"""A vehicle's picture over HTTP and by command, against one running daemon: who may send and see it, and what stays."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd, running_daemon
from PIL import Image

VEHICLE = "386625"
PATH = f"/vehicles/{VEHICLE}/image"
BODY_MAX = 300_000
SETTINGS = f"""
[app]
trust_user_header = true
[images]
body_max_bytes = {BODY_MAX}
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """anna owns VEHICLE and SECOND, eve sees VEHICLE, zoe owns nothing."""
    with running_daemon(tmp_path_factory.mktemp("images") / "evd", settings=SETTINGS) as one:
        for owner in (("anna", VEHICLE), ("anna", "SECOND"), ("anna", "THIRD"), ("eve", VEHICLE, "--viewer")):
            assert run_evd("owner", "add", *owner, "--dir", one.directory).returncode == 0
        yield one


def ask(daemon: RunningDaemon, method: str, path: str = PATH, user: str | None = "anna", **more: Any) -> httpx.Response:
    key = {"x-api-key": daemon.keys["app"], "userId": user} if user else {"x-api-key": daemon.keys["admin"]}
    headers = {**key, **more.pop("headers", {})}
    return httpx.request(method, f"{daemon.url}/api/v1{path}", headers=headers, **more)


def picture(size: tuple[int, int] = (600, 400), form: str = "JPEG", color: str = "red") -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "where it was taken"
    Image.new("RGB", size, color).save(file, form, exif=exif)
    return file.getvalue()


def files(daemon: RunningDaemon) -> set[str]:
    folder = Path(daemon.directory) / "images"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_an_owner_sends_a_picture_and_gets_it_and_its_thumbnail(daemon: RunningDaemon) -> None:
    assert ask(daemon, "GET").status_code == 404
    sent = ask(daemon, "PUT", content=picture(), headers={"content-type": "text/plain"})
    assert sent.status_code == 200, sent.text
    kept = sent.json()
    assert (kept["vehicle"], kept["media"], kept["width"], kept["height"]) == (VEHICLE, "image/jpeg", 600, 400)
    whole, thumbnail = ask(daemon, "GET"), ask(daemon, "GET", f"{PATH}?size=thumb")
    for answer, size in ((whole, (600, 400)), (thumbnail, (256, 171))):
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert Image.open(io.BytesIO(answer.content)).size == size and b"where it was" not in answer.content
        known = {"if-none-match": answer.headers["etag"]}
        again = ask(daemon, "GET", str(answer.url).partition("/api/v1")[2], headers=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    assert whole.headers["etag"] != thumbnail.headers["etag"] and len(whole.content) == kept["bytes"]
    assert ask(daemon, "HEAD").headers["content-length"] == str(kept["bytes"])
    assert ask(daemon, "GET", f"{PATH}?size=huge").status_code == 400


def test_nobody_else_sees_or_changes_it(daemon: RunningDaemon) -> None:
    ask(daemon, "PUT", content=picture()).raise_for_status()
    for method in ("GET", "PUT", "DELETE"):
        body = {"content": picture()} if method == "PUT" else {}
        assert ask(daemon, method, user="eve", **body).status_code == 403, "a viewer"
        assert ask(daemon, method, user="zoe", **body).status_code == 404
        without = httpx.request(method, f"{daemon.url}/api/v1{PATH}", **body)
        assert without.status_code == 401
    assert ask(daemon, "GET", user=None).status_code == 200, "an administrator's key"
    assert ask(daemon, "PUT", "/vehicles/NEVER/image", None, content=picture()).status_code == 404


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", 400, "the body is empty"),
        (b"<svg/>", 400, "send a JPEG, PNG or WebP"),
        (picture()[:500], 400, "cannot be read"),
        (picture((6000, 4001), "PNG"), 413, "6000 × 4001 pixels"),
        (b"\xff\xd8\xff" + bytes(BODY_MAX), 413, f"over {BODY_MAX} bytes"),
    ],
    ids=["nothing", "no picture", "half", "too many pixels", "too long"],
)
def test_what_is_refused_is_a_problem_and_changes_nothing(
    daemon: RunningDaemon, content: bytes, status: int, says: str
) -> None:
    ask(daemon, "PUT", content=picture()).raise_for_status()
    before = ask(daemon, "GET").content, files(daemon)
    answer = ask(daemon, "PUT", content=content)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert says in answer.json()["detail"]
    assert (ask(daemon, "GET").content, files(daemon)) == before


def test_a_long_body_is_taken_for_a_picture_only(daemon: RunningDaemon) -> None:
    file = io.BytesIO()
    Image.effect_noise((400, 400), 60).save(file, "PNG")
    assert 65_536 < len(file.getvalue()) < BODY_MAX
    assert ask(daemon, "PUT", content=file.getvalue()).status_code == 200
    assert ask(daemon, "PUT", f"/vehicles/{VEHICLE}/alerts", content=file.getvalue()).status_code == 413


def test_files_go_with_what_named_them(daemon: RunningDaemon) -> None:
    ask(daemon, "DELETE")
    assert ask(daemon, "DELETE").status_code == 404 and files(daemon) == set()
    ask(daemon, "PUT", content=picture())
    first = files(daemon)
    ask(daemon, "PUT", "/vehicles/SECOND/image", content=picture())
    assert files(daemon) == first and len(first) == 2, "equal pictures share their files"
    ask(daemon, "PUT", content=picture(color="blue"))
    assert first < files(daemon) and len(files(daemon)) == 4
    ask(daemon, "DELETE", "/vehicles/SECOND/image")
    assert not first & files(daemon) and len(files(daemon)) == 2
    ask(daemon, "PUT", "/vehicles/THIRD/image", content=picture(color="green"))
    assert run_evd("forget", "--vehicle", "third", "--yes", "--dir", daemon.directory).returncode == 1, "no such id"
    assert run_evd("forget", "--vehicle", "THIRD", "--yes", "--dir", daemon.directory).returncode == 0
    assert len(files(daemon)) == 2 and ask(daemon, "GET").status_code == 200
    for vehicle in ("FADE", VEHICLE):
        run_evd("vehicle", "set", vehicle, "--name", "x", "--dir", daemon.directory)
    assert ask(daemon, "PUT", "/vehicles/FADE/image", None, content=picture(color="green")).status_code == 200
    assert len(files(daemon)) == 4
    assert ask(daemon, "POST", "/vehicles/FADE/merge", None, json={"into": VEHICLE}).status_code == 200
    assert len(files(daemon)) == 2, "where both have one, the other's counts"
    assert ask(daemon, "GET", "/vehicles/FADE/image", None).content == ask(daemon, "GET").content


def test_a_picture_by_command(daemon: RunningDaemon, tmp_path: Path) -> None:
    def evd(*arguments: str | Path, code: int = 0) -> str:
        done = run_evd("vehicle", "image", VEHICLE, *arguments, "--dir", daemon.directory)
        assert done.returncode == code, done.stderr
        return str(done.stdout or done.stderr)

    (tmp_path / "in.png").write_bytes(picture((40, 30), "PNG"))
    assert "40 × 30 pixels" in evd("--set", tmp_path / "in.png")
    done = json.loads(evd("--save", tmp_path / "out.png", "--thumb", "--json"))
    assert done["bytes"] == (tmp_path / "out.png").stat().st_size
    assert Image.open(io.BytesIO((tmp_path / "out.png").read_bytes())).size == (40, 30)
    assert "one of --set" in evd(code=2)
    assert "send a JPEG" in evd("--set", __file__, code=1)
    assert "cannot be read" in evd("--set", tmp_path / "missing", code=2)
    assert "no picture any more" in evd("--remove", "--yes")
    assert "has no picture" in evd("--save", "-", code=1)
