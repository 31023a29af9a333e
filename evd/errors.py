"""Every error evd raises on purpose, as one tree.

EvdError
├── ConfigError           a setting or a command-line value is wrong (exit 2)
├── FormatError           a payload format (Sigfox grammar) is refused when it is loaded
├── CodecError            a payload is no hex text, or a value does not fit its field
├── RequestError          an HTTP request is refused; carries the status of the answer
│   ├── BadRequest        400
│   │   └── TimeAhead     201: kept in `rejected`, because its time lies ahead and its vehicle's ring is full
│   ├── Unauthorized      401
│   ├── Forbidden         403
│   ├── NotFound          404
│   ├── RequestTimeout    408
│   ├── TooLarge          413
│   ├── UnsupportedMedia  415
│   ├── TooManyRequests   429, with Retry-After
│   ├── HeadTooLarge      431
│   └── Unavailable       503, with Retry-After
├── StoreError            the database cannot be used
│   ├── StoreBusy         another writer holds it
│   ├── StoreFull         the disk is full: rolled back, goes on once there is space
│   ├── StoreBroken       an I/O or fsync error: the process must end (exit 70)
│   │   ├── StoreDamaged  what is in the file contradicts itself: no restart mends it (exit 7)
│   │   └── StoreHangs    the disk does not answer: the process must end without any finalization
│   ├── StoreAway         the file cannot be opened or written for now: rights, or a disk that is not mounted
│   └── StoreRefused      not evd's file, too new, or an unsafe SQLite library: no restart mends it (exit 7)
├── BackupError           a backup cannot be made, or a file is no whole backup
├── AlreadyRunning        another evd holds the lock of this data directory
├── CannotListen          an address is in use, or does not exist yet (exit 1: systemd tries again)
├── ControlError          the running daemon refused a command
│   └── NoDaemon          none runs, or it does not answer
├── HttpError             a request of evd's got no answer (an answer of any status is no HttpError)
│   ├── HttpTimeout       no answer within the deadline
│   └── HttpBroken        unreachable, disconnected, or the answer is not HTTP or too large
├── SigfoxError           Sigfox's REST API sent an answer that evd cannot use
├── SetupError            a step of a setup failed; what was done before it can be undone
├── AlarmError            an alarm could not be delivered to the operator
└── PushError             a push was not accepted; each leaf says what to do next
    ├── DropRegistration  the token is dead: remove the registration
    │   └── ForeignSender it belongs to another project: also raise an alarm, because a project is configured wrong
    ├── GiveUp            this message will never be accepted
    └── RetryAfter        try again, not sooner than `delay_s`
        ├── Pause         the sender itself is refused (credentials, quota): stop for `delay_s`
        │   └── QuotaExceeded
        └── Unreachable   the provider is down or does not answer

`str(error)` is for people: one sentence that says what is wrong, where, and what to do.
"""

from __future__ import annotations


class EvdError(Exception):
    """Root of the tree."""


class ConfigError(EvdError):
    """A setting or a command-line value is wrong."""


class FormatError(EvdError):
    """A payload format is refused; `field` is its name, `position` the offset (characters, from 0) in the text.

    `position` is None where no place of the text is wrong.
    """

    def __init__(self, message: str, *, field: str = "", position: int | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.position = position


class CodecError(EvdError):
    """A payload is no hex text, or a value does not fit its field."""


class RequestError(EvdError):
    """An HTTP request is refused. `error` is the short text that the original's clients know, `detail` the sentence."""

    status = 400
    error = "Bad request"

    def __init__(self, detail: str, *, error: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if error is not None:
            self.error = error


class BadRequest(RequestError):
    pass


class TimeAhead(BadRequest):
    """A status is kept in `rejected`: it must not evict a timely one, and its time may be right and the clock wrong."""

    error = "Time ahead"


class Unauthorized(RequestError):
    status = 401
    error = "Unauthorized"


class Forbidden(RequestError):
    status = 403
    error = "Forbidden"


class NotFound(RequestError):
    status = 404
    error = "Not found"


class RequestTimeout(RequestError):
    status = 408
    error = "Request timeout"


class TooLarge(RequestError):
    status = 413
    error = "Content too large"


class UnsupportedMedia(RequestError):
    status = 415
    error = "Unsupported media type"


class TooManyRequests(RequestError):
    """The address has to wait for `retry_after_s`."""

    status = 429
    error = "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class HeadTooLarge(RequestError):
    status = 431
    error = "Request header fields too large"


class Unavailable(RequestError):
    """evd cannot take the request now; `retry_after_s` goes into Retry-After."""

    status = 503
    error = "Service unavailable"

    def __init__(self, detail: str, *, retry_after_s: int = 60) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class StoreError(EvdError):
    """The database cannot be used."""


class StoreBusy(StoreError):
    pass


class StoreFull(StoreError):
    pass


class StoreBroken(StoreError):
    pass


class StoreDamaged(StoreBroken):
    """The file is damaged: whoever restarts evd meets the same damage."""


class StoreHangs(StoreBroken):
    """A thread waits for the disk inside SQLite and holds its mutex: any other call into SQLite would wait, too."""


class StoreAway(StoreError):
    """The file cannot be opened or written for now; a later start may find it."""


class StoreRefused(StoreError):
    """This evd can never use this file."""


class BackupError(EvdError):
    """A backup cannot be made here, or a file is no backup that is whole."""


class AlreadyRunning(EvdError):
    """Another evd holds the lock of this directory; `briefly` if that is a command, which ends soon."""

    def __init__(self, message: str, *, briefly: bool = False) -> None:
        super().__init__(message)
        self.briefly = briefly


class CannotListen(EvdError):
    """evd cannot listen at an address for now."""


class ControlError(EvdError):
    """The running daemon refused a command."""


class NoDaemon(ControlError):
    """No daemon runs, or it does not answer."""


class HttpError(EvdError):
    """A request that evd sent got no answer."""


class HttpTimeout(HttpError):
    pass


class HttpBroken(HttpError):
    pass


class SigfoxError(EvdError):
    """Sigfox's REST API sent an answer that evd cannot use."""


class FirebaseError(EvdError):
    """Firestore or Cloud Storage did not do what evd asked."""


class FirebaseAway(FirebaseError):
    """It does not answer, or has no room: it may later."""


class FirebaseConflict(FirebaseError):
    """A document has changed since it was read."""


class FirebaseRefused(FirebaseError):
    """It refuses the request, now and later."""


class FirebaseInvalid(FirebaseRefused):
    """Firestore has no such value, or no such id: this document can never be written."""


class SetupError(EvdError):
    """A step of a setup failed; what was done before it can be undone."""


class AlarmError(EvdError):
    """An alarm could not be delivered to the operator; the text holds no path of an address and no password."""


class PushError(EvdError):
    """A push was not accepted."""


class DropRegistration(PushError):
    pass


class ForeignSender(DropRegistration):
    """The token belongs to another sender: the app or evd was set up with the wrong Firebase project."""


class GiveUp(PushError):
    pass


class RetryAfter(PushError):
    def __init__(self, message: str, delay_s: float) -> None:
        super().__init__(message)
        self.delay_s = delay_s


class Pause(RetryAfter):
    """No push at all before `delay_s`: the sender itself is refused, and the operator has to act."""


class QuotaExceeded(Pause):
    """The Firebase project exceeds its quota: pause, then send half as fast."""


class Unreachable(RetryAfter):
    """The provider is down, or does not answer. This says nothing about the push or its registration."""


def error_kinds(error: BaseException) -> list[str]:
    """The types in an exception or in nested groups: all that is logged of a connection's error, for its secrets."""
    if isinstance(error, BaseExceptionGroup):
        return [kind for inner in error.exceptions for kind in error_kinds(inner)]
    return [type(error).__name__]
