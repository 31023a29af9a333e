"""What a person is asked, and where things go on a machine. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Certificates = Literal["caddy", "certbot", "own"]

ETC = "/etc/evd"
STATE = "/var/lib/evd"
UNITS = "/etc/systemd/system"
TLS = f"{ETC}/tls"
MADE = f"{ETC}/setup.json"
"""What a setup made, for the next one and for its undoing."""


class Answers(NamedTuple):
    """`program` is the `evd` that the units start; contents of files come as bytes, None where there are none."""

    domain: str
    certificates: Certificates
    program: str
    user: str = ""
    """The first user, an administrator; "": none is added."""
    email: str = ""
    """For certbot's account; "": it has none."""
    certificate: bytes | None = None
    key: bytes | None = None
    fcm: bytes | None = None
    sigfox_login: str = ""
    sigfox_password: bytes | None = None
    readers: tuple[str, ...] = ()
    """Users of the machine who may read the database with sqlite3."""
    documents: Mapping[str, str] = {}
    """Completion and man pages: path → text."""

    @property
    def listen(self) -> str:
        """What systemd listens at for evd."""
        return "127.0.0.1:8080" if self.certificates == "caddy" else "443"
