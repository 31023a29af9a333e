"""`evd vehicle image`: a vehicle's picture, to and from a file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evd.cli.common import agreed, ask, directory_option, json_option, path_part, reached, yes_option
from evd.cli.printing import say, show
from evd.errors import ConfigError
from evd.net.client import control_socket

_STDOUT = Path("-")


@click.command("image")
@click.argument("given", metavar="ID")
@click.option("--set", "source", type=click.Path(path_type=Path), help="Take this JPEG, PNG or WebP file.")
@click.option("--save", "target", type=click.Path(path_type=Path), help="Write the picture to this file; -: to stdout.")
@click.option("--thumb", is_flag=True, help="With --save: the thumbnail.")
@click.option("--remove", is_flag=True, help="Remove the picture.")
@yes_option
@directory_option
@json_option
def image(
    given: str,
    source: Path | None,
    target: Path | None,
    thumb: bool,
    remove: bool,
    yes: bool,
    directory: str | None,
    as_json: bool,
) -> None:
    """The picture of vehicle ID: set it from a file, save it to one, or remove it.

    It is turned upright, scaled down to a screen's size, and loses its EXIF data (place, time, camera).
    """
    if [source is not None, target is not None, remove].count(True) != 1:
        raise ConfigError("say what to do with the picture: one of --set FILE, --save FILE and --remove")
    path = f"/vehicles/{path_part(given)}/image"
    if source is not None:
        content = _read(source)
        done = reached(directory, lambda socket: control_socket.send_file(socket, path, content))
    elif target is not None:
        asked = f"{path}?size={'thumb' if thumb else 'full'}"
        content = reached(directory, lambda socket: control_socket.fetch_file(socket, asked))
        _write(target, content)
        done = {"file": str(target), "bytes": len(content)}
    elif agreed(f"Remove the picture of vehicle {given}?", yes=yes, as_json=as_json):
        done = ask(directory, "DELETE", path)
    else:
        return
    if target == _STDOUT:
        return
    if as_json:
        show(done)
    elif source is not None:
        say("{} has a picture of {} × {} pixels", done["vehicle"], done["width"], done["height"])
    elif target is not None:
        say("{} has {} bytes", done["file"], done["bytes"])
    else:
        say("{} has no picture any more", done["vehicle"])


def _read(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise ConfigError(f"{source} cannot be read ({error.strerror}): name a file") from None


def _write(target: Path, content: bytes) -> None:
    if target == _STDOUT:
        out = sys.stdout.buffer
        if out.isatty():
            raise ConfigError("a terminal shows no picture: name a file, or send it on with | or >")
        out.write(content)
        return
    try:
        target.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written ({error.strerror}): name another file") from None
