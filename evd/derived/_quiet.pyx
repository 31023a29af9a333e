# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Roll up statuses that come in order and show nothing but numbers: see `evd.derived._quiet_py`, its readable twin.

It reads the fields of a status in one pass over their JSON. At the first byte that is not ordinary it takes nothing,
and the status goes the readable way.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.math cimport floor, rint
from libc.stdint cimport int64_t
from libc.string cimport memcmp, memcpy, memset

from evd.derived._quiet_py import Figures, rolled_up
from evd.derived.activities import UNSEEN_CHARGE
from evd.derived.samples import (
    CHARGE,
    CHARGING,
    DRIVING,
    FULL_RANGE_FROM,
    LARGEST,
    NUMBERS,
    RANGE,
    STATE,
    StatusSample,
)

cdef enum:
    MEASURES_MAX = 31           # a bit each, and one for the full range
    NAME_BYTES = 32
    DIGITS = 15                 # so many are a double without rounding
    FRACTION = 15

cdef struct Spread:
    int64_t count, total
    double least, greatest, first, last
    int64_t first_time, first_seq, last_time, last_seq

cdef struct Name:
    char text[NAME_BYTES]
    Py_ssize_t size

cdef struct Values:
    int64_t there               # bit i: measure i has a value
    double of[MEASURES_MAX]
    const char *location
    Py_ssize_t location_size

cdef Name NAMES[MEASURES_MAX]
cdef int COUNT = len(NUMBERS)
cdef int AT_STATE = STATE, AT_CHARGE = CHARGE, AT_RANGE = RANGE
cdef double IS_CHARGING = CHARGING, IS_DRIVING = DRIVING, JUMP = UNSEEN_CHARGE
cdef double MOST = LARGEST, FULL_FROM = FULL_RANGE_FROM
cdef double TENTHS[FRACTION + 1]
cdef int64_t ONE = 1

assert COUNT < MEASURES_MAX
assert max(map(len, NUMBERS)) < NAME_BYTES
for _index, _name in enumerate(NUMBERS):
    NAMES[_index].size = len(_name)
    memcpy(NAMES[_index].text, PyBytes_AS_STRING(_name.encode()), len(_name))
for _index in range(FRACTION + 1):
    TENTHS[_index] = 10.0 ** _index


cdef inline int number_of(const char *name, Py_ssize_t size) noexcept nogil:
    """The index of a measure; -1: it is none."""
    cdef int index
    for index in range(COUNT):
        if NAMES[index].size == size and memcmp(NAMES[index].text, name, size) == 0:
            return index
    return -1


cdef inline const char *behind_text(const char *at) noexcept nogil:
    """From behind a text's first quote to its last one; NULL if it has an escape."""
    while at[0] != c'"':
        if at[0] == c'\\' or at[0] == 0:
            return NULL
        at += 1
    return at


cdef const char *read_number(const char *at, double *value) noexcept nogil:
    """A JSON number of few digits and no exponent, exactly; NULL for any other one."""
    cdef bint negative = at[0] == c'-'
    cdef int64_t digits = 0
    cdef int count = 0, fraction = 0
    at += negative
    while c'0' <= at[0] <= c'9':
        digits = 10 * digits + (at[0] - c'0')
        count += 1
        at += 1
        if count > DIGITS:
            return NULL
    if not count:
        return NULL
    if at[0] == c'.':
        at += 1
        while c'0' <= at[0] <= c'9':
            digits = 10 * digits + (at[0] - c'0')
            count += 1
            fraction += 1
            at += 1
            if count > DIGITS:
                return NULL
    if at[0] != c',' and at[0] != c'}':
        return NULL
    value[0] = digits / TENTHS[fraction]      # both are exact, so it is the nearest double
    if negative:
        value[0] = -value[0]
    return at


cdef bint read_fields(const char *at, Values *values) noexcept nogil:
    """Whether it is an ordinary object; `values` is filled."""
    cdef const char *name
    cdef const char *end
    cdef Py_ssize_t size
    cdef double value = 0.0
    cdef int index
    values.there = 0
    values.location = NULL
    values.location_size = 0
    if at[0] != c'{':
        return False
    at += 1
    if at[0] == c'}':
        return at[1] == 0
    while True:
        if at[0] != c'"':
            return False
        name = at + 1
        end = behind_text(name)
        if end == NULL or end[1] != c':':
            return False
        size = end - name
        at = end + 2
        if at[0] == c'"':
            name = name if size == 8 and memcmp(name, b"location", 8) == 0 else NULL
            end = behind_text(at + 1)
            if end == NULL:
                return False
            if name != NULL:
                values.location, values.location_size = at + 1, end - at - 1
            at = end + 1
        elif at[0] == c't' and at[1] == c'r' and at[2] == c'u' and at[3] == c'e':
            at += 4
        elif at[0] == c'f' and at[1] == c'a' and at[2] == c'l' and at[3] == c's' and at[4] == c'e':
            at += 5
        elif at[0] == c'n' and at[1] == c'u' and at[2] == c'l' and at[3] == c'l':
            at += 4
        else:
            at = read_number(at, &value)
            if at == NULL:
                return False
            index = number_of(name, size)
            if index >= 0 and -MOST <= value <= MOST:
                values.of[index] = value
                values.there |= ONE << index
        if at[0] == c'}':
            return at[1] == 0
        if at[0] != c',':
            return False
        at += 1


cdef class QuietStatuses:
    """See `evd.derived._quiet_py.QuietStatuses`."""

    cdef Spread spreads[MEASURES_MAX]
    cdef Values last
    cdef int64_t until, time, seq
    cdef object status_id, location
    cdef readonly int64_t messages, charged, used

    def __init__(self, last, int64_t until):
        cdef int index
        self.until = until
        self.time, self.seq, self.status_id = last.time, last.seq, last.status_id
        self.location = None if last.location is None else last.location.encode()
        memset(&self.last, 0, sizeof(Values))
        for index in range(COUNT):
            if last.numbers[index] is not None:
                self.last.of[index] = last.numbers[index]
                self.last.there |= ONE << index
        memset(self.spreads, 0, sizeof(self.spreads))
        self.messages = self.charged = self.used = 0

    def take(self, int64_t time, int64_t seq, status_id, bytes fields not None):
        cdef Values values
        cdef int64_t change
        cdef int index
        if time >= self.until or time < self.time or (time == self.time and seq <= self.seq):
            return False
        if not read_fields(PyBytes_AS_STRING(fields), &values):
            return False
        if values.there >> AT_STATE & 1 and (values.of[AT_STATE] == IS_CHARGING or values.of[AT_STATE] == IS_DRIVING):
            return False
        if values.location_size:
            if self.location is None or PyBytes_GET_SIZE(self.location) != values.location_size:
                return False
            if memcmp(PyBytes_AS_STRING(self.location), values.location, values.location_size):
                return False
        if values.there & self.last.there & ONE << AT_CHARGE:
            if values.of[AT_CHARGE] - self.last.of[AT_CHARGE] >= JUMP:
                return False
            change = <int64_t>rint(values.of[AT_CHARGE] * 1000) - <int64_t>rint(self.last.of[AT_CHARGE] * 1000)
            if change > 0:
                self.charged += change
            else:
                self.used -= change
        for index in range(COUNT):
            if values.there >> index & 1:
                self._spread(index, values.of[index], time, seq)
        if values.there >> AT_CHARGE & 1 and values.there >> AT_RANGE & 1:
            if FULL_FROM <= values.of[AT_CHARGE] <= 100 and values.of[AT_RANGE] > 0:
                self._spread(COUNT, values.of[AT_RANGE] * 100.0 / values.of[AT_CHARGE], time, seq)
        if not values.location_size:
            self.location = None
        values.location = NULL
        self.last = values
        self.time, self.seq, self.status_id = time, seq, status_id
        self.messages += 1
        return True

    cdef inline void _spread(self, int index, double value, int64_t time, int64_t seq) noexcept:
        cdef Spread *spread = &self.spreads[index]
        if not spread.count:
            spread.least = spread.greatest = spread.first = value
            spread.first_time, spread.first_seq = time, seq
        elif value < spread.least:
            spread.least = value
        elif value > spread.greatest:
            spread.greatest = value
        spread.count += 1
        spread.total += <int64_t>floor(value * 1e6 + 0.5)
        spread.last = value
        spread.last_time, spread.last_seq = time, seq

    def packed(self):
        return PyBytes_FromStringAndSize(<char *>self.spreads, (COUNT + 1) * sizeof(Spread))

    def sample(self):
        cdef int index
        numbers = tuple([self.last.of[index] if self.last.there >> index & 1 else None for index in range(COUNT)])
        location = None if self.location is None else self.location.decode()
        return StatusSample(self.time, self.seq, self.status_id, numbers, location)

    def rollup(self, int64_t start, int64_t day):
        return rolled_up(Figures(self.messages, self.charged, self.used, self.packed()), start, day)
