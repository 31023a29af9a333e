# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Parse the ordinary callback in one pass over its bytes; return None for every other body, without a reason.

An ordinary body is a flat JSON object in ASCII without escapes. It has one vehicle as hex text, one time, one payload
as hex text, at most one sequence number, and Sigfox's own variables with plain values, none of which may be a secret.
`evd.sigfox.message`, `evd.sigfox.decode_policy` and `evd.ingest.parser` define what such a body means. This module
computes the same, faster, and leaves every other body and every error to them.

A bytes object ends with a NUL that does not belong to its text. No function here steps over a byte before it has seen
that the byte is not NUL, so none can leave the body.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset, strncmp

from hashlib import blake2b

from evd.model.connectivity import SIGFOX
from evd.model.operations import Arrive
from evd.model.status import AHEAD, AHEAD_MS, DATA, MILLISECONDS_FROM, SEQ_MAX, TIME_MAX_MS
from evd.sigfox.decode_policy import decode_payload
from evd.sigfox.kinds.advanced import RADIO
from evd.sigfox.message import (
    NO_FIELDS,
    PAYLOAD_MAX_BYTES,
    PAYLOAD_NAMES,
    SEQ_ALIASES,
    SEQ_NAMES,
    TIME_NAMES,
    VEHICLE_NAMES,
)

cdef enum:
    VEHICLE_DIGITS = 8      # a Sigfox device's id has 32 bits
    PAYLOAD_BYTES = 12
    WHOLE_DIGITS = 15       # of the latest time that evd takes, in ms; far below 2^63
    NUMBER_CHARACTERS = 32  # of a skipped number: without an exponent it cannot be infinite
    WORD_CHARACTERS = 14    # of a skipped text: nearly every key and token of evd.redaction.shapes is longer
    HEX_CHARACTERS = 40     # of a skipped text in hex digits: deviceTypeId has 24, a UUID 36
    SLOTS = 128             # of the name table: a power of two, and never full
    KIND_BYTES = 16
    HEAD_BYTES = KIND_BYTES + VEHICLE_DIGITS + 20 + 20 + PAYLOAD_BYTES + 4  # two 64-bit numbers, four separators

cdef int SIGFOX_CHANNEL = SIGFOX
cdef int64_t AHEAD_BY = AHEAD_MS
cdef uint64_t TIME_LAST = TIME_MAX_MS
cdef uint64_t MS_FROM = MILLISECONDS_FROM
cdef uint64_t SEQ_LAST = SEQ_MAX
cdef bytes KIND = DATA.encode() + b"\0"

assert PAYLOAD_MAX_BYTES == PAYLOAD_BYTES
assert len(str(TIME_MAX_MS)) == WHOLE_DIGITS
assert len(KIND) <= KIND_BYTES
# Arrive is built by position: keyword arguments take four times as long.
assert Arrive.__struct_fields__ == (
    "vehicle", "status_id", "time", "seq", "connectivity", "payload", "fields", "received", "flags",
    "spelling", "timely", "document",
)

# What was read of a body so far.
cdef struct Found:
    uint64_t seen               # bits of the names that occurred
    const char *spelling
    Py_ssize_t spelling_size
    uint32_t vehicle
    uint64_t time               # as sent, in s or ms
    uint64_t seq
    uint8_t payload[PAYLOAD_BYTES]
    Py_ssize_t payload_size

# A Reader gets a pointer to a value's first byte and returns one to the byte after it, or NULL if it is not ordinary.
ctypedef const char *(*Reader)(const char *at, Found *found) noexcept nogil

# A name that an ordinary body may contain. Synonyms share a bit, so only one of them may occur.
cdef struct Name:
    const char *text
    Py_ssize_t size             # 0: the slot is free
    uint64_t bit
    Reader read

cdef uint8_t NIBBLES[256]       # the value of a hex digit; 255 for every other character
cdef uint8_t PLAIN[256]         # whether a character stands for itself in a JSON text: no quote, no escape, ASCII
cdef uint8_t WORD[256]          # whether it may stand in a skipped text: letters, digits and - . _ +
cdef Name NAMES[SLOTS]
cdef uint64_t VEHICLE = 1, TIME = 2, PAYLOAD = 4, SEQ = 8
cdef const char *UPPER_HEX = b"0123456789ABCDEF"


include "_fast_path_json.pxi"


# ---- values ----

cdef const char *read_vehicle(const char *at, Found *found) noexcept nogil:
    cdef uint8_t nibble
    if at[0] != c'"':
        return NULL
    found.spelling = at = at + 1
    found.vehicle = 0
    while True:
        nibble = NIBBLES[<uint8_t>at[0]]
        if nibble > 15:
            break
        found.vehicle = found.vehicle << 4 | nibble     # too many digits are counted below
        at += 1
    found.spelling_size = at - found.spelling
    if at[0] != c'"' or not 1 <= found.spelling_size <= VEHICLE_DIGITS:
        return NULL
    return at + 1


cdef const char *read_payload(const char *at, Found *found) noexcept nogil:
    cdef uint8_t high, low
    if at[0] != c'"':
        return NULL
    at += 1
    found.payload_size = 0
    while found.payload_size < PAYLOAD_BYTES and NIBBLES[<uint8_t>at[0]] <= 15:
        high = NIBBLES[<uint8_t>at[0]]
        low = NIBBLES[<uint8_t>at[1]]
        if low > 15:
            return NULL
        found.payload[found.payload_size] = <uint8_t>(high << 4 | low)
        found.payload_size += 1
        at += 2
    return at + 1 if at[0] == c'"' else NULL


cdef const char *read_time(const char *at, Found *found) noexcept nogil:
    return whole(at, &found.time)


cdef const char *read_seq(const char *at, Found *found) noexcept nogil:
    return whole(at, &found.seq)


cdef inline bint begins_like_a_token(const char *word) noexcept nogil:
    """Whether it begins like a short token: `ey`, `ew` (JSON in base64), `evd_`, `ya29.`, `whsec_`; no hex id does."""
    if word[0] == c'e':
        return word[1] == c'y' or word[1] == c'v' or word[1] == c'w'
    return (word[0] == c'y' and word[1] == c'a') or (word[0] == c'w' and word[1] == c'h')


cdef inline bint is_hex(const char *word, const char *end) noexcept nogil:
    while word != end and (NIBBLES[<uint8_t>word[0]] <= 15 or word[0] == c'-'):
        word += 1
    return word == end


cdef inline bint is_harmless(const char *word, const char *end) noexcept nogil:
    """Whether `evd.redaction.requests` would find no secret in this text of WORD characters."""
    if end - word > WORD_CHARACTERS:
        return end - word <= HEX_CHARACTERS and is_hex(word, end)
    return not begins_like_a_token(word)


cdef const char *read_over(const char *at, Found *found) noexcept nogil:
    """Skip a variable of Sigfox's that no status keeps: any JSON value but a list or an object.

    A text must be a short word, such as a base station's id: a text that needs `evd.redaction` is not ordinary.
    """
    cdef const char *word
    if at[0] == c'"':
        word = at = at + 1
        while WORD[<uint8_t>at[0]]:
            at += 1
        return at + 1 if at[0] == c'"' and is_harmless(word, at) else NULL
    # strncmp stops at the NUL after the body.
    if strncmp(at, b"null", 4) == 0 or strncmp(at, b"true", 4) == 0:
        return at + 4
    if strncmp(at, b"false", 5) == 0:
        return at + 5
    return behind_number(at)


# ---- names ----

cdef inline unsigned int slot_of(const char *name, Py_ssize_t size) noexcept nogil:
    """The slot where the search for a name begins; `size` is at least 1."""
    return (<uint8_t>name[0] + 5 * <uint8_t>name[size - 1] + 19 * <unsigned int>size) & (SLOTS - 1)


cdef inline const Name *name_of(const char *text, Py_ssize_t size) noexcept nogil:
    cdef unsigned int slot = slot_of(text, size)
    while NAMES[slot].size:
        if NAMES[slot].size == size and memcmp(NAMES[slot].text, text, size) == 0:
            return &NAMES[slot]
        slot = (slot + 1) & (SLOTS - 1)
    return NULL


cdef list KEPT = []             # owns the bytes that the names' text pointers point to


cdef const char *read_nothing(const char *at, Found *found) noexcept nogil:
    """Skip a variable that has no value; with a value it would be kept, so the body is not ordinary."""
    if strncmp(at, b"null", 4) == 0:
        return at + 4
    if strncmp(at, b'"null"', 6) == 0:
        return at + 6
    return at + 2 if strncmp(at, b'""', 2) == 0 else NULL


cdef int add_names(names, uint64_t bit, Reader read) except -1:
    cdef unsigned int slot
    cdef bytes text
    for name in names:
        text = name.encode()
        slot = slot_of(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
        while NAMES[slot].size:
            slot = (slot + 1) & (SLOTS - 1)
        NAMES[slot] = Name(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), bit, read)
        KEPT.append(text)
    return 0


#: Excluded: "encoded" changes how values are read, and "key" holds a secret.
_READ = frozenset({*VEHICLE_NAMES, *TIME_NAMES, *PAYLOAD_NAMES, *SEQ_NAMES, *SEQ_ALIASES, "encoded", "key"})


cdef int fill_tables() except -1:
    cdef int i
    cdef uint64_t bit = SEQ
    memset(NIBBLES, 255, sizeof(NIBBLES))
    for i in range(10):
        NIBBLES[c'0' + i] = <uint8_t>i
    for i in range(6):
        NIBBLES[c'a' + i] = NIBBLES[c'A' + i] = <uint8_t>(10 + i)
    for i in range(256):
        PLAIN[i] = 0x20 <= i < 0x80 and i != c'"' and i != c'\\'
        WORD[i] = i < 0x80 and (chr(i).isalnum() or i in b"-._+")
    add_names(VEHICLE_NAMES, VEHICLE, read_vehicle)
    add_names(TIME_NAMES, TIME, read_time)
    add_names(PAYLOAD_NAMES, PAYLOAD, read_payload)
    add_names((*SEQ_NAMES, *SEQ_ALIASES), SEQ, read_seq)
    for name in sorted(NO_FIELDS - _READ):
        bit <<= 1
        assert bit, "a name has one of 64 bits"
        add_names([name], bit, read_nothing if name in RADIO else read_over)
    assert 2 * len(KEPT) <= SLOTS
    return 0


fill_tables()


# ---- the body ----

cdef inline const char *read_member(const char *at, Found *found) noexcept nogil:
    """Read a name, a colon and a value, with blanks around them; the result points to the comma or brace behind."""
    cdef const char *text
    cdef const Name *name
    at = behind_blanks(at)
    if at[0] != c'"':
        return NULL
    text = at + 1
    at = behind_plain(text)
    if at[0] != c'"' or at == text:
        return NULL
    name = name_of(text, at - text)
    if name is NULL or found.seen & name.bit:
        return NULL
    found.seen |= name.bit
    at = behind_blanks(at + 1)
    if at[0] != c':':
        return NULL
    at = name.read(behind_blanks(at + 1), found)
    if at is NULL:
        return NULL
    return behind_blanks(at)


cdef bint read_body(const char *at, Py_ssize_t size, Found *found) noexcept nogil:
    """Whether the body is an ordinary callback; if so, `found` is filled in."""
    cdef const char *end = at + size
    cdef uint64_t needed = VEHICLE | TIME | PAYLOAD
    found.seen = 0
    at = behind_blanks(at)
    if at[0] != c'{':
        return False
    while True:
        at = read_member(at + 1, found)
        if at is NULL:
            return False
        if at[0] != c',':
            break
    return at[0] == c'}' and behind_blanks(at + 1) == end and found.seen & needed == needed


# ---- the status ----

cdef inline uint64_t time_of(uint64_t given, bint sigfox) noexcept nogil:
    """Epoch ms of a time in s or ms; 0 if it is out of range."""
    cdef uint64_t time = given if given > MS_FROM else given * 1000
    if time > TIME_LAST:
        return 0
    return time - time % 1000 if sigfox else time


cdef inline char *put_vehicle(char *out, uint32_t vehicle) noexcept nogil:
    """Write upper-case hex without leading zeros, at least one digit."""
    cdef int shift = 28
    while shift and not vehicle >> shift:
        shift -= 4
    while shift >= 0:
        out[0] = UPPER_HEX[vehicle >> shift & 15]
        out += 1
        shift -= 4
    return out


cdef inline char *put_whole(char *out, uint64_t value) noexcept nogil:
    cdef char digits[20]
    cdef int first = 20
    while True:
        first -= 1
        digits[first] = <char>(c'0' + value % 10)
        value //= 10
        if not value:
            break
    memcpy(out, digits + first, 20 - first)
    return out + 20 - first


cdef object status_id(const Found *found, const char *vehicle, Py_ssize_t vehicle_size, uint64_t time):
    """The status's id, equal to `evd.model.status.identity`."""
    cdef char head[HEAD_BYTES]
    cdef char *out = head
    memcpy(out, PyBytes_AS_STRING(KIND), PyBytes_GET_SIZE(KIND))
    out += PyBytes_GET_SIZE(KIND)
    memcpy(out, vehicle, vehicle_size)
    out += vehicle_size
    out[0] = 0
    out = put_whole(out + 1, time)
    out[0] = 0
    out += 1
    if found.seen & SEQ:
        out = put_whole(out, found.seq)
    out[0] = 0
    out += 1
    memcpy(out, found.payload, found.payload_size)
    out += found.payload_size
    return blake2b(PyBytes_FromStringAndSize(head, out - head), digest_size=8).hexdigest()


@cython.final
cdef class FastPath:
    """See `evd.ingest.fast_path.NoFastPath`, which specifies the methods."""

    cdef object default         # the default format
    cdef object json            # its decoder: payload → the fields' JSON; None: some value is not plausible
    cdef object assigned

    def __init__(self, default, assigned):
        self.default = default
        self.json = default.decoder.plausible_json
        self.assigned = assigned

    def read(self, bytes body not None, int connectivity, now):
        cdef Found found
        cdef char vehicle[VEHICLE_DIGITS]
        cdef Py_ssize_t vehicle_size
        cdef uint64_t time
        cdef bint timely
        if not read_body(PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body), &found):
            return None
        time = time_of(found.time, connectivity == SIGFOX_CHANNEL)
        if not time or (found.seen & SEQ and found.seq > SEQ_LAST):
            return None
        vehicle_size = put_vehicle(vehicle, found.vehicle) - vehicle
        name = spelling = PyUnicode_DecodeASCII(found.spelling, found.spelling_size, NULL)
        if vehicle_size != found.spelling_size or memcmp(vehicle, found.spelling, vehicle_size):
            name = PyUnicode_DecodeASCII(vehicle, vehicle_size, NULL)
        if name in self.assigned:
            return None
        payload = PyBytes_FromStringAndSize(<char *>found.payload, found.payload_size)
        timely = <int64_t>time <= <int64_t>now + AHEAD_BY
        flags = "" if timely else AHEAD
        fields = self.json(payload)
        if fields is None:
            decoded = decode_payload(payload, self.default)
            fields = decoded.fields
            flags = f"{flags} {decoded.flags}" if flags else decoded.flags
        return Arrive(
            name,
            status_id(&found, vehicle, vehicle_size, time),
            time,
            found.seq if found.seen & SEQ else None,
            connectivity,
            payload,
            fields,
            now,
            flags,
            spelling,
            timely,
            body,
        )
