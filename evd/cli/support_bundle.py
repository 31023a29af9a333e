"""`evd support-bundle`: one file for who is asked for help, without secrets."""

from __future__ import annotations

import io
import os
import tarfile
import time
from pathlib import Path

import click

from evd.cli.common import directory_option, json_option
from evd.cli.printing import say, show
from evd.config.data_dir import find
from evd.errors import ConfigError


@click.command("support-bundle")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@directory_option
@json_option
def support_bundle(file: Path, directory: str | None, as_json: bool) -> None:
    """Gather into FILE (tar.gz) what helps to find a fault, without secrets.

    Versions, settings with their origins, findings of `evd doctor`, counts, metrics, the end of the log, the schema,
    sizes; no row of the database. The log names vehicles: look through FILE before you send it.
    """
    from evd.cli.bundle_members import members
    from evd.doctor.place import look_around

    now_s = time.time()
    place = look_around(find(directory, os.environ), os.environ, now_s=now_s)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise ConfigError(f"{file} exists: name another file") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be written ({error.strerror}): name another place") from None
    sizes = {}
    try:
        with os.fdopen(descriptor, "wb") as out, tarfile.open(fileobj=out, mode="w:gz") as tar:
            for name, content in members(place):
                entry = tarfile.TarInfo(f"evd-support/{name}")
                entry.size, entry.mode, entry.mtime = len(content), 0o600, int(now_s)
                tar.addfile(entry, io.BytesIO(content))
                sizes[name] = len(content)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    if as_json:
        show({"file": str(file.absolute()), "bytes": file.stat().st_size, "files": sizes})
        return
    for name, size in sizes.items():
        say("{:14} {} bytes", name, size)
    say("{} has no secrets that evd knows of; look through it before you send it: the log names vehicles.", file)
