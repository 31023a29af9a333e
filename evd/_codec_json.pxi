# The leaves that write JSON text, included by `_codec.pyx`: each puts one value at `out` and returns the place behind.
#
# Room is the caller's care: NUMBER_BYTES for a number, six characters a byte of text, KEY_BYTES more than a key has.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free
from libc.math cimport fabs, isfinite
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, strlen

import orjson

cdef extern from "Python.h":
    char *PyOS_double_to_string(double value, char code, int precision, int flags, int *kind) except NULL
    const int Py_DTSF_ADD_DOT_0

cdef extern from *:
    int trailing_zeros "__builtin_ctz"(unsigned int value) noexcept nogil

cdef char PAIRS[200]        # "00", "01", … "99"
cdef char NUMBERS[40000]    # "0   ", "1   ", … "9999"
cdef const char *LOWER_HEX = b"0123456789abcdef"


cdef int fill_digits() except -1:
    cdef int i
    cdef bytes digits
    for i in range(100):
        PAIRS[2 * i] = <char>(c'0' + i // 10)
        PAIRS[2 * i + 1] = <char>(c'0' + i % 10)
    for i in range(10000):
        digits = b"%-4d" % i
        memcpy(NUMBERS + 4 * i, PyBytes_AS_STRING(digits), 4)
    return 0


fill_digits()


cdef inline char *put_key(char *out, const Step *step) noexcept nogil:
    memcpy(out, step.key, KEY_BYTES)
    if step.key_size > KEY_BYTES:
        memcpy(out + KEY_BYTES, step.key + KEY_BYTES, step.key_size - KEY_BYTES)
    return out + step.key_size


cdef inline char *put_null(char *out) noexcept nogil:
    memcpy(out, b"null", 4)
    return out + 4


cdef inline char *put_bool(char *out, uint64_t raw) noexcept nogil:
    if raw:
        memcpy(out, b"true", 4)
        return out + 4
    memcpy(out, b"false", 5)
    return out + 5


cdef char *put_uint(char *out, uint64_t value) noexcept nogil:
    """Decimal digits; most values are below 10,000 and take no branch that depends on them."""
    cdef uint64_t rest
    if value < 10000:
        memcpy(out, NUMBERS + 4 * value, 4)
        return out + 1 + (value > 9) + (value > 99) + (value > 999)
    out = put_uint(out, value // 10000)
    rest = value % 10000
    memcpy(out, PAIRS + 2 * (rest // 100), 2)
    memcpy(out + 2, PAIRS + 2 * (rest % 100), 2)
    return out + 4


cdef inline char *put_int(char *out, int64_t value) noexcept nogil:
    if value >= 0:
        return put_uint(out, <uint64_t>value)
    out[0] = c'-'
    return put_uint(out + 1, 0 - <uint64_t>value)


cdef char *put_double(char *out, double value) except NULL:
    """The shortest text that reads back as `value`, as orjson writes it."""
    cdef char *text
    cdef Py_ssize_t size
    cdef bytes dumped
    if not isfinite(value):
        return put_null(out)
    if value == 0 or 1e-4 <= fabs(value) < 1e16:
        text = PyOS_double_to_string(value, c'r', 0, Py_DTSF_ADD_DOT_0, NULL)
        size = strlen(text)
        memcpy(out, text, size)
        PyMem_Free(text)
        return out + size
    dumped = orjson.dumps(value)    # with an exponent; releases of orjson write these differently
    size = PyBytes_GET_SIZE(dumped)
    memcpy(out, PyBytes_AS_STRING(dumped), size)
    return out + size


cdef inline char *put_half(char *out, uint64_t raw) except NULL:
    """A half is k / 2**s. Up to s = 16 its exact decimal has 15 digits at most, so it is also the shortest one."""
    cdef int exponent = <int>(raw >> 10 & 31)
    cdef int s = 25 - exponent
    cdef uint32_t k = <uint32_t>(raw & 1023) | 1024
    if exponent == 31 or s > 16:
        return put_double(out, half(raw))
    if raw >> 15:
        out[0] = c'-'
        out += 1
    if s <= 0:
        out = put_uint(out, <uint64_t>k << -s)
        memcpy(out, b".0", 2)
        return out + 2
    out = put_uint(out, k >> s)
    out[0] = c'.'
    return put_fraction(out + 1, k << (16 - s) & 0xFFFF)


cdef inline char *put_fraction(char *out, uint32_t of_65536) noexcept nogil:
    """The decimals of `of_65536` / 65536: as many as it has bits down to the last that is set, or one 0."""
    cdef uint64_t scaled = <uint64_t>of_65536 * 100000000
    cdef int decimals = 16 - trailing_zeros(of_65536 | 1 << 15)
    put_8_digits(out, <uint32_t>(scaled >> 16))
    if decimals > 8:
        put_8_digits(out + 8, <uint32_t>((scaled & 0xFFFF) * 100000000 >> 16))
    return out + decimals


cdef inline void put_8_digits(char *out, uint32_t value) noexcept nogil:
    memcpy(out, PAIRS + 2 * (value // 1000000), 2)
    memcpy(out + 2, PAIRS + 2 * (value // 10000 % 100), 2)
    memcpy(out + 4, PAIRS + 2 * (value // 100 % 100), 2)
    memcpy(out + 6, PAIRS + 2 * (value % 100), 2)


cdef inline char *put_char(char *out, const uint8_t *payload, const Step *step) noexcept nogil:
    """A JSON string: ASCII escaped as JSON asks, U+FFFD for any other byte, no NULs."""
    cdef Py_ssize_t at
    cdef uint8_t byte
    out[0] = c'"'
    out += 1
    for at in range(step.start, step.end, 8):
        byte = <uint8_t>read_bits(payload, at, 8)
        if byte == 0:
            continue
        if byte >= 0x80:
            memcpy(out, b"\xef\xbf\xbd", 3)
            out += 3
        elif byte == c'"' or byte == c'\\':
            out[0] = c'\\'
            out[1] = <char>byte
            out += 2
        elif byte >= 0x20:
            out[0] = <char>byte
            out += 1
        elif 8 <= byte <= 13 and byte != 11:
            out[0] = c'\\'
            out[1] = b"btn_fr"[byte - 8]
            out += 2
        else:
            memcpy(out, b"\\u00", 4)
            out[4] = LOWER_HEX[byte >> 4]
            out[5] = LOWER_HEX[byte & 15]
            out += 6
    out[0] = c'"'
    return out + 1
