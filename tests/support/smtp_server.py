"""A small mail server for tests: real sockets, STARTTLS and AUTH PLAIN, and it refuses what a test asks it to."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

LINE_MAX = 4096


@dataclass
class MailServer:
    """`mails` are the messages taken, `logins` the users and passwords; `refuse` maps a command to its answer."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    refuse: dict[str, str] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    """Of each mail: whether it came over TLS."""

    def converse(self, connection: Any, opened: ExitStack) -> None:
        """Until the client goes; `opened` closes what is opened here."""
        say, encrypted = _say, False
        reader = opened.enter_context(connection.makefile("rb"))
        say(connection, "220 mail.test")
        while line := reader.readline(LINE_MAX):
            command, _, rest = line.decode().strip().partition(" ")
            command = command.upper()
            if command in self.refuse:
                say(connection, self.refuse[command])
            elif command == "EHLO":
                offers = [] if encrypted or self.tls is None else ["STARTTLS"]
                offers += ["AUTH PLAIN"] if encrypted else []
                for offer in ["mail.test", *offers]:
                    say(connection, f"250-{offer}")
                say(connection, "250 8BITMIME")
            elif command == "STARTTLS" and self.tls is not None:
                say(connection, "220 go ahead")
                connection = opened.enter_context(self.tls.wrap_socket(connection, server_side=True))
                reader, encrypted = opened.enter_context(connection.makefile("rb")), True
            elif command == "AUTH":
                _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                self.logins.append((user, password))
                say(connection, "235 welcome")
            elif command == "DATA":
                say(connection, "354 go ahead")
                lines = []
                while (line := reader.readline(LINE_MAX)) != b".\r\n":
                    lines.append(line)
                self.mails.append(b"".join(lines))
                self.secure.append(encrypted)
                say(connection, "250 taken")
            elif command == "QUIT":
                say(connection, "221 bye")
                return
            else:
                if command == "RCPT":
                    self.recipients.append(rest)
                say(connection, "250 fine")


def _say(connection: Any, line: str) -> None:
    connection.sendall(f"{line}\r\n".encode())


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, **refuse: str) -> Iterator[MailServer]:
    """On a free port of 127.0.0.1."""
    told = MailServer(tls=tls, refuse=refuse)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), ExitStack() as opened:  # it may go early, or not trust the certificate
                told.converse(self.request, opened)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
