# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Runs a plan over a payload, fast: the same class as in `_codec_py`, which is the oracle.

A payload is copied (or its hex text read) into a buffer with room behind it, so one test of a field's last bit against
the payload's length guards every read. JSON is written into a buffer whose bound is known from the plan.

Nothing here releases the GIL: 10,000 payloads take 1.3 ms, a quarter of the interval after which CPython lets another
thread run anyway, and a third of that goes into the results, which need the GIL.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport INFINITY, isfinite
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from math import floor
from struct import pack

import orjson

from evd.payload._codec_py import hex_refused, payload_refused
from evd.payload.grammar import PAYLOAD_BYTES_MAX

cdef extern from "Python.h":
    int PyUnicode_KIND(object text)
    const void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef enum:
    WINDOW_BYTES = 80       # a payload, and room for a read of 9 bytes that begins in its last one
    KEY_BYTES = 32          # a key is copied in chunks of this fixed size, which needs no call
    NUMBER_BYTES = 32       # the longest number: 24 characters of a double, 20 of an integer
    STACK_BYTES = 1024      # JSON longer than this is written on the heap

cdef enum:
    UINT, INT, HALF, BOOL, FLOAT, CHAR

cdef dict OPS = {"uint": UINT, "int": INT, "half": HALF, "bool": BOOL, "float": FLOAT, "char": CHAR}
TYPES = frozenset(OPS)      # what runs here; a plan with any other type of evd.payload.types is for the Python twin

cdef Py_ssize_t BYTES_MAX = PAYLOAD_BYTES_MAX
assert PAYLOAD_BYTES_MAX + 16 <= WINDOW_BYTES

cdef struct Step:
    int op
    Py_ssize_t start
    Py_ssize_t end
    int bits
    bint little
    bint scaled
    bint special            # some of its integers are names, or no value
    double scale
    double offset
    double low              # of the plausible values; infinite where every value is
    double high
    uint64_t fine           # bits below it are plausible without a closer look, which spares most fields one
    const uint64_t *none    # the numbers that are no value, as their bits
    Py_ssize_t nones
    const char *key         # `{"name":` of the first field, `,"name":` of the others
    Py_ssize_t key_size

cdef uint8_t NIBBLES[256]   # the value of a hex digit; 255 for every other character


cdef void fill_nibbles() noexcept:
    cdef int i
    memset(NIBBLES, 255, 256)
    for i in range(10):
        NIBBLES[c'0' + i] = <uint8_t>i
    for i in range(6):
        NIBBLES[c'a' + i] = NIBBLES[c'A' + i] = <uint8_t>(10 + i)


fill_nibbles()


# ---- reading bits ----

cdef inline uint64_t read_bits(const uint8_t *payload, Py_ssize_t start, int bits) noexcept nogil:
    """The `bits` (1 to 64) from bit `start` as a big-endian number; reads 9 bytes at most."""
    cdef const uint8_t *p = payload + (start >> 3)
    cdef int shift = <int>(start & 7)
    cdef uint64_t window = (
        <uint64_t>p[0] << 56 | <uint64_t>p[1] << 48 | <uint64_t>p[2] << 40 | <uint64_t>p[3] << 32
        | <uint64_t>p[4] << 24 | <uint64_t>p[5] << 16 | <uint64_t>p[6] << 8 | <uint64_t>p[7]
    ) << shift
    if shift + bits > 64:
        window |= p[8] >> (8 - shift)
    return window >> (64 - bits)


cdef inline uint64_t reversed_bytes(uint64_t raw, int bits) noexcept nogil:
    cdef uint64_t turned = 0
    while bits > 0:
        turned = turned << 8 | (raw & 255)
        raw >>= 8
        bits -= 8
    return turned


cdef inline int64_t signed(uint64_t raw, int bits) noexcept nogil:
    """Two's complement over the field's own bits."""
    return <int64_t>(raw << (64 - bits)) >> (64 - bits)


cdef inline object integer(const Step *step, uint64_t raw):
    if step.op == INT:
        return signed(raw, step.bits)
    return raw


cdef inline double half(uint64_t raw) noexcept nogil:
    """IEEE 754 binary16; an infinity for NaN too, as both become null."""
    cdef uint64_t exponent = raw >> 10 & 31
    cdef uint64_t bits
    cdef double value
    if exponent == 31:
        return INFINITY
    if exponent:    # the same number with the wider fields and the bias of binary64
        bits = (exponent + 1023 - 15) << 52 | (raw & 1023) << 42
        memcpy(&value, &bits, 8)
    else:
        value = <double>(raw & 1023) / (1 << 24)
    return -value if raw >> 15 else value


cdef inline double floating(uint64_t raw, int bits) noexcept nogil:
    cdef uint32_t raw32 = <uint32_t>raw
    cdef float single
    cdef double value
    if bits == 32:
        memcpy(&single, &raw32, 4)
        return single
    memcpy(&value, &raw, 8)
    return value


cdef inline double as_double(const Step *step, uint64_t raw) noexcept nogil:
    """The value of a HALF, a FLOAT or a scaled integer; not always finite."""
    cdef double value
    if step.op == HALF:
        value = half(raw)
    elif step.op == FLOAT:
        value = floating(raw, step.bits)
    elif step.op == INT:
        value = <double>signed(raw, step.bits)
    else:
        value = <double>raw
    if step.scaled and isfinite(value):
        value = value * step.scale + step.offset
    return value


cdef object surely_plausible(object step):
    """Below which number all bits of a step are plausible values: those from 0 on rise with their bits."""
    if step.scaled or step.type not in ("uint", "int", "half") or not step.low <= 0 <= step.high:
        return 0
    if step.type == "half":
        return int.from_bytes(pack(">e", min(step.high, 65504.0)), "big")
    ends = 1 << (step.bits - 1 if step.type == "int" else step.bits)
    return min(ends, floor(min(step.high, ends)) + 1, (1 << 64) - 1)


cdef inline bint is_none(const Step *step, uint64_t raw) noexcept nogil:
    """Whether these bits say that there is no value."""
    cdef Py_ssize_t i
    for i in range(step.nones):
        if step.none[i] == raw:
            return True
    return False


include "_codec_json.pxi"


# ---- payloads ----

cdef inline Py_ssize_t load_bytes(object payload, uint8_t *window) except -1:
    """Copy a payload into the window; its length."""
    cdef Py_ssize_t size
    if not isinstance(payload, bytes) or PyBytes_GET_SIZE(payload) > BYTES_MAX:
        raise payload_refused(payload)
    size = PyBytes_GET_SIZE(payload)
    memcpy(window, PyBytes_AS_STRING(payload), size)
    memset(window + size, 0, 16)
    return size


cdef inline Py_ssize_t load_hex(object text, uint8_t *window) except -1:
    """Read hex text into the window; the number of bytes."""
    cdef const uint8_t *digits
    cdef Py_ssize_t length, i
    cdef uint8_t high, low, seen = 0
    if isinstance(text, bytes):
        digits = <const uint8_t *>PyBytes_AS_STRING(text)
        length = PyBytes_GET_SIZE(text)
    elif isinstance(text, str) and PyUnicode_KIND(text) == 1:
        digits = <const uint8_t *>PyUnicode_DATA(text)
        length = PyUnicode_GET_LENGTH(text)
    else:
        raise hex_refused(text)
    if length > 2 * BYTES_MAX or length & 1:
        raise hex_refused(text)
    length >>= 1
    for i in range(length):
        high = NIBBLES[digits[2 * i]]
        low = NIBBLES[digits[2 * i + 1]]
        seen |= high | low
        window[i] = <uint8_t>(high << 4 | low)
    if seen > 15:
        raise hex_refused(text)
    memset(window + length, 0, 16)
    return length


@cython.final
cdef class Decoder:
    """Runs one plan over any number of payloads; see `_codec_py.Decoder`, which says the same of each method."""

    cdef readonly object plan
    cdef Step *steps
    cdef Py_ssize_t count
    cdef Step **judged      # the steps of which some values are not plausible
    cdef Py_ssize_t judged_count
    cdef uint64_t *nones    # what the steps' none pointers point into
    cdef Py_ssize_t json_bytes_max
    cdef tuple names        # of the fields
    cdef dict nulls         # every field with None
    cdef tuple keys         # what the steps' key pointers point into
    cdef tuple enums        # per field: integer → (name, its JSON)

    def __cinit__(self, plan):
        self.plan = plan
        self.count = len(plan.steps)
        self.names = tuple([step.name for step in plan.steps])
        self.nulls = dict.fromkeys(self.names)
        self.keys = tuple([
            (b',"%b":' if i else b'{"%b":') % step.name.encode() + bytes(KEY_BYTES) for i, step in enumerate(plan.steps)
        ])
        self.enums = tuple([{k: (v, orjson.dumps(v)) for k, v in step.names.items()} for step in plan.steps])
        self.steps = <Step *>PyMem_Malloc(self.count * sizeof(Step))
        self.judged = <Step **>PyMem_Malloc(self.count * sizeof(Step *))
        self.nones = <uint64_t *>PyMem_Malloc(sum([len(step.none) for step in plan.steps]) * sizeof(uint64_t))
        if self.steps is NULL or self.judged is NULL or self.nones is NULL:
            raise MemoryError
        self.json_bytes_max = KEY_BYTES + 1
        cdef uint64_t *nones = self.nones
        for i in range(self.count):
            nones = self._set_step(i, plan.steps[i], nones)

    def __dealloc__(self):
        PyMem_Free(self.steps)
        PyMem_Free(self.judged)
        PyMem_Free(self.nones)

    cdef uint64_t *_set_step(self, Py_ssize_t i, object step, uint64_t *nones) except NULL:
        """`nones` is where the step's own begin; gives the place behind them."""
        cdef Step *mine = &self.steps[i]
        mine.op = OPS[step.type]
        mine.start = step.start
        mine.end = step.start + step.bits
        mine.bits = step.bits
        mine.little = step.little
        mine.scaled = step.scaled
        mine.special = bool(step.names or step.none)
        mine.scale = step.scale
        mine.offset = step.offset
        mine.low = step.low
        mine.high = step.high
        mine.fine = surely_plausible(step)
        if mine.low > -INFINITY or mine.high < INFINITY:
            self.judged[self.judged_count] = mine
            self.judged_count += 1
        mine.none = nones
        mine.nones = len(step.none)
        for raw in step.none:
            nones[0] = raw
            nones += 1
        mine.key = PyBytes_AS_STRING(self.keys[i])
        mine.key_size = PyBytes_GET_SIZE(self.keys[i]) - KEY_BYTES
        # A byte of char text takes 6 characters at most (\u001f).
        text_bytes = 2 + 6 * step.bits // 8 if mine.op == CHAR else 0
        named_bytes = max([len(dumped) for _, dumped in self.enums[i].values()], default=0)
        self.json_bytes_max += mine.key_size + max(NUMBER_BYTES, text_bytes, named_bytes)
        return nones

    cdef inline uint64_t _raw(self, const Step *step, const uint8_t *window) noexcept:
        cdef uint64_t raw = read_bits(window, step.start, step.bits)
        return reversed_bytes(raw, step.bits) if step.little else raw

    cdef object _value(self, Py_ssize_t i, const uint8_t *window):
        cdef const Step *step = &self.steps[i]
        cdef uint64_t raw
        cdef double number
        if step.op == CHAR:
            return self._text(step, window)
        raw = self._raw(step, window)
        if step.op == BOOL:
            return raw != 0
        if step.special and is_none(step, raw):
            return None
        if step.scaled or step.op == HALF or step.op == FLOAT:
            number = as_double(step, raw)
            return number if isfinite(number) else None
        value = integer(step, raw)
        if step.special:
            named = (<dict>self.enums[i]).get(value)
            return value if named is None else named[0]
        return value

    cdef str _text(self, const Step *step, const uint8_t *window):
        cdef Py_ssize_t at
        cdef bytearray text = bytearray()
        for at in range(step.start, step.end, 8):
            byte = read_bits(window, at, 8)
            if byte:
                text.append(byte)
        return text.decode("ascii", "replace")

    cdef char *_put_value(self, char *out, Py_ssize_t i, const uint8_t *window) except NULL:
        cdef const Step *step = &self.steps[i]
        cdef uint64_t raw
        cdef bytes dumped
        if step.op == CHAR:
            return put_char(out, window, step)
        raw = self._raw(step, window)
        if step.special:
            if is_none(step, raw):
                return put_null(out)
            named = (<dict>self.enums[i]).get(integer(step, raw))
            if named is not None:
                dumped = named[1]
                memcpy(out, PyBytes_AS_STRING(dumped), PyBytes_GET_SIZE(dumped))
                return out + PyBytes_GET_SIZE(dumped)
        if step.scaled or step.op == FLOAT:
            return put_double(out, as_double(step, raw))
        if step.op == UINT:
            return put_uint(out, raw)
        if step.op == INT:
            return put_int(out, signed(raw, step.bits))
        if step.op == HALF:
            return put_half(out, raw)
        return put_bool(out, raw)

    cdef bint _is_plausible(self, const uint8_t *window, Py_ssize_t size) noexcept:
        """Whether no value lies outside the plausible ones of its field."""
        cdef const Step *step
        cdef Py_ssize_t i
        cdef uint64_t raw
        cdef double number
        for i in range(self.judged_count):
            step = self.judged[i]
            if step.end > 8 * size:
                continue
            raw = self._raw(step, window)
            if raw < step.fine:
                continue
            number = as_double(step, raw)
            if not step.low <= number <= step.high and isfinite(number) and not is_none(step, raw):
                return False
        return True

    cdef dict _decode(self, const uint8_t *window, Py_ssize_t size):
        cdef dict fields = self.nulls.copy()    # of the right size already
        cdef Py_ssize_t i
        for i in range(self.count):
            if self.steps[i].end <= 8 * size:
                fields[self.names[i]] = self._value(i, window)
        return fields

    cdef char *_put_fields(self, char *out, const uint8_t *window, Py_ssize_t size) except NULL:
        cdef Py_ssize_t i
        for i in range(self.count):
            out = put_key(out, &self.steps[i])
            out = self._put_value(out, i, window) if self.steps[i].end <= 8 * size else put_null(out)
        out[0] = c'}'
        return out + 1

    cdef bytes _json(self, const uint8_t *window, Py_ssize_t size):
        cdef char stack[STACK_BYTES]
        cdef char *heap
        if self.json_bytes_max <= STACK_BYTES:
            return PyBytes_FromStringAndSize(stack, self._put_fields(stack, window, size) - stack)
        heap = <char *>PyMem_Malloc(self.json_bytes_max)
        if heap is NULL:
            raise MemoryError
        try:
            return PyBytes_FromStringAndSize(heap, self._put_fields(heap, window, size) - heap)
        finally:
            PyMem_Free(heap)

    def decode(self, payload):
        cdef uint8_t window[WINDOW_BYTES]
        return self._decode(window, load_bytes(payload, window))

    def decode_hex(self, text):
        cdef uint8_t window[WINDOW_BYTES]
        return self._decode(window, load_hex(text, window))

    def json(self, payload):
        cdef uint8_t window[WINDOW_BYTES]
        return self._json(window, load_bytes(payload, window))

    def json_hex(self, text):
        cdef uint8_t window[WINDOW_BYTES]
        return self._json(window, load_hex(text, window))

    def plausible_json(self, payload):
        cdef uint8_t window[WINDOW_BYTES]
        cdef Py_ssize_t size = load_bytes(payload, window)
        return self._json(window, size) if self._is_plausible(window, size) else None

    def decode_many(self, payloads):
        cdef uint8_t window[WINDOW_BYTES]
        return [self._decode(window, load_bytes(payload, window)) for payload in payloads]

    def json_many(self, payloads):
        cdef uint8_t window[WINDOW_BYTES]
        return [self._json(window, load_bytes(payload, window)) for payload in payloads]

    def json_hex_many(self, texts):
        cdef uint8_t window[WINDOW_BYTES]
        return [self._json(window, load_hex(text, window)) for text in texts]
