"""The phases of a connection at the edge: what it waits for, and what happens if that does not come in time.

Pure. A connection is in one phase at a time, and each phase has one deadline, set when it begins.
"""

from __future__ import annotations

from dataclasses import dataclass

from evd.errors import RequestError, Unavailable
from evd.net.server.http1 import BODY_LATE, HEAD_LATE

ANSWER_LATE = Unavailable("The request could not be answered in time; send it again later.")


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    """What a connection waits for. The phases are compared by identity, as each stands once."""

    awaits: str
    listens: bool = False
    """Whether bytes are read meanwhile."""
    reads: bool = False
    """Whether they belong to requests."""
    late: RequestError | None = None
    """The refusal that is sent if the deadline passes; None if the connection is just closed."""


HELLO = Phase("the handshake of TLS", listens=True)
RESTING = Phase("the next request, of which no byte was parsed yet", listens=True, reads=True)
IN_HEAD = Phase("the rest of a head", listens=True, reads=True, late=HEAD_LATE)
IN_BODY = Phase("the rest of a body", listens=True, reads=True, late=BODY_LATE)
TAKEN = Phase("an answer that comes while the request is still being taken", late=ANSWER_LATE)
ANSWERING = Phase("the answer to the request that was taken", late=ANSWER_LATE)
SENDING = Phase("room in the socket's buffer for the rest of a reply")
SENDING_LAST = Phase("room for the rest of the connection's last reply")
LINGERING = Phase("the client's end after the last reply; further bytes are skipped", listens=True)
GONE = Phase("nothing: it is closed or handed over")
