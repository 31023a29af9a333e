# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The part of a vehicle that goes on: see `evd.derived._open_part_py`, its readable twin.

It reads the fields of a status in one pass over their JSON. At the first byte that is not ordinary it takes nothing,
and the status goes the readable way.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.ref cimport PyObject
from libc.math cimport fabs, floor, rint
from libc.stdint cimport int64_t
from libc.string cimport memcmp, memcpy, memset, strlen

from evd.derived._open_part_py import Counts, SavedPart, fields_of
from evd.derived.activities import UNSEEN_CHARGE
from evd.derived.rollups import COUNTS, read_rollup
from evd.derived.samples import (
    CHARGE,
    CHARGING,
    DRIVING,
    FULL_RANGE,
    FULL_RANGE_FROM,
    LARGEST,
    NUMBERS,
    RANGE,
    ROLLED_UP,
    STATE,
    StatusSample,
)

cdef extern from "Python.h":
    char* PyOS_double_to_string(double value, char format, int precision, int flags, int* kind) except NULL
    double PyOS_string_to_double(const char* text, char** end, PyObject* overflow) except? -1.0
    const char* PyUnicode_AsUTF8(object text) except NULL

cdef enum:
    MEASURES_MAX = 31           # a bit each, and one for the full range
    COUNTS_MAX = 5
    WRITTEN_MAX = 16384         # bytes of a roll-up: a spread has less than 300, a count less than 60
    NAME_BYTES = 32
    WHOLE_DIGITS = 19           # so many are a sum
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

cdef Name NAMES[MEASURES_MAX + 1]
cdef Name COUNT_NAMES[COUNTS_MAX]
cdef int COUNT = len(NUMBERS)
cdef int AT_STATE = STATE, AT_CHARGE = CHARGE, AT_RANGE = RANGE
cdef double IS_CHARGING = CHARGING, IS_DRIVING = DRIVING, JUMP = UNSEEN_CHARGE
cdef double MOST = LARGEST, FULL_FROM = FULL_RANGE_FROM
cdef double TENTHS[FRACTION + 1]
cdef int64_t ONE = 1

assert COUNT < MEASURES_MAX
assert max(map(len, NUMBERS)) < NAME_BYTES
assert len(COUNTS) == COUNTS_MAX and max(map(len, (*COUNTS, FULL_RANGE))) < NAME_BYTES


cdef void name_it(Name *name, bytes text) noexcept:
    name.size = len(text)
    memcpy(name.text, PyBytes_AS_STRING(text), len(text))


for _index, _name in enumerate((*NUMBERS, FULL_RANGE)):
    name_it(&NAMES[_index], _name.encode())
for _index, _name in enumerate(COUNTS):
    name_it(&COUNT_NAMES[_index], _name.encode())
for _index in range(FRACTION + 1):
    TENTHS[_index] = 10.0 ** _index


cdef inline int number_of(const char *name, Py_ssize_t size, int likely) noexcept nogil:
    """The index of a measure; -1: it is none. Fields come in the order of MEASURES, so it is `likely` the one behind
    the last one."""
    cdef int index
    if likely < COUNT and NAMES[likely].size == size and memcmp(NAMES[likely].text, name, size) == 0:
        return likely
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
    if at[0] != c',' and at[0] != c'}' and at[0] != c']':
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
    cdef int index, likely = 0
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
            index = number_of(name, size, likely)
            likely = index + 1
            if index >= 0 and -MOST <= value <= MOST:
                values.of[index] = value
                values.there |= ONE << index
        if at[0] == c'}':
            return at[1] == 0
        if at[0] != c',':
            return False
        at += 1


cdef inline char *put_text(char *at, const char *text, Py_ssize_t size) noexcept nogil:
    memcpy(at, text, size)
    return at + size


cdef inline char *put_whole(char *at, int64_t value) noexcept nogil:
    """A whole number in decimal; |value| is less than 2 ** 63."""
    cdef char digits[24]
    cdef int count = 0
    if value < 0:
        at[0] = c'-'
        at += 1
        value = -value
    while value >= 10:
        digits[count] = c'0' + value % 10
        value //= 10
        count += 1
    at[0] = c'0' + value
    at += 1
    while count:
        count -= 1
        at[0] = digits[count]
        at += 1
    return at


cdef char *put_value(char *at, double value) except NULL:
    """A number that is read as this double."""
    cdef double millionths = rint(value * 1e6)
    cdef int64_t part
    cdef int place
    cdef char *text
    if value == floor(value) and fabs(value) < 1e15:
        return put_whole(at, <int64_t>value)
    if fabs(millionths) < 9e15 and millionths / 1e6 == value:  # rounded correctly, so these decimals are read as it
        if value < 0:
            at[0] = c'-'
            at += 1
        part = <int64_t>fabs(millionths)
        at = put_whole(at, part // 1000000)
        at[0] = c'.'
        part %= 1000000
        for place in range(6, 0, -1):
            at[place] = c'0' + part % 10
            part //= 10
        place = 6
        while at[place] == c'0':
            place -= 1
        return at + place + 1
    text = PyOS_double_to_string(value, c'r', 0, 0, NULL)
    at = put_text(at, text, strlen(text))
    PyMem_Free(text)
    return at


cdef char *put_times(char *at, const Spread *spread, int64_t start) noexcept nogil:
    at[0] = c'['
    at = put_whole(at + 1, spread.first_time - start)
    at[0] = c','
    at = put_whole(at + 1, spread.first_seq)
    at[0] = c','
    at = put_whole(at + 1, spread.last_time - start)
    at[0] = c','
    at = put_whole(at + 1, spread.last_seq)
    at[0] = c']'
    return at + 1


cdef inline bint same_times(const Spread *one, const Spread *other) noexcept nogil:
    return (
        one.first_time == other.first_time
        and one.first_seq == other.first_seq
        and one.last_time == other.last_time
        and one.last_seq == other.last_seq
    )


cdef char *put_spread(char *at, const Spread *spread, const Spread *usual, int64_t start) except NULL:
    at[0] = c'['
    at = put_whole(at + 1, spread.count)
    at[0] = c','
    at = put_value(at + 1, spread.least)
    if spread.least != spread.greatest:
        at[0] = c','
        at = put_value(at + 1, spread.greatest)
        at[0] = c','
        at = put_value(at + 1, spread.first)
        at[0] = c','
        at = put_value(at + 1, spread.last)
        at[0] = c','
        at = put_whole(at + 1, spread.total)
    if not same_times(spread, usual):
        at[0] = c','
        at = put_times(at + 1, spread, start)
    at[0] = c']'
    return at + 1


cdef inline char *put_name(char *at, const Name *name) noexcept nogil:
    """A member's name, and its colon."""
    at[0] = c'"'
    at = put_text(at + 1, name.text, name.size)
    return put_text(at, b'":', 2)


cdef inline int64_t mean_of(const Spread *spread) noexcept nogil:
    """In millionths, halves up."""
    cdef int64_t twice = 2 * spread.count, doubled = 2 * spread.total + spread.count
    cdef int64_t whole = doubled // twice
    return whole - 1 if doubled % twice < 0 else whole


cdef char *put_shown(char *at, const Spread *spread) except NULL:
    at = put_text(at, b'{"count":', 9)
    at = put_whole(at, spread.count)
    at = put_text(at, b',"min":', 7)
    at = put_value(at, spread.least)
    at = put_text(at, b',"mean":', 8)
    at = put_value(at, mean_of(spread) / 1e6)
    at = put_text(at, b',"max":', 7)
    at = put_value(at, spread.greatest)
    at = put_text(at, b',"first":', 9)
    at = put_value(at, spread.first)
    at = put_text(at, b',"last":', 8)
    at = put_value(at, spread.last)
    at[0] = c'}'
    return at + 1


cdef const char *read_whole(const char *at, int64_t *value) noexcept nogil:
    """A whole number that put_whole wrote; NULL if it is none."""
    cdef bint negative = at[0] == c'-'
    cdef const char *first = at + negative
    cdef int64_t digits = 0
    at = first
    while c'0' <= at[0] <= c'9':
        digits = 10 * digits + (at[0] - c'0')
        at += 1
    value[0] = -digits if negative else digits
    return at if 0 < at - first <= WHOLE_DIGITS else NULL


cdef const char *read_value(const char *at, double *value) except? NULL:
    """A number that `written` wrote."""
    cdef char *end
    cdef const char *behind = read_number(at, value)
    if behind != NULL:
        return behind
    value[0] = PyOS_string_to_double(at, &end, NULL)
    return end


cdef const char *read_times(const char *at, Spread *spread, int64_t start) noexcept nogil:
    """[first, its seqNumber, last, its seqNumber]; times from `start` on."""
    cdef int64_t[4] found
    cdef int index
    for index in range(4):
        if at[0] != (c',' if index else c'['):
            return NULL
        at = read_whole(at + 1, &found[index])
        if at == NULL:
            return NULL
    if at[0] != c']':
        return NULL
    spread.first_time, spread.first_seq = start + found[0], found[1]
    spread.last_time, spread.last_seq = start + found[2], found[3]
    return at + 1


cdef const char *read_spread(const char *at, Spread *spread, const Spread *usual, int64_t start) except? NULL:
    """What put_spread wrote."""
    if at[0] != c'[':
        return NULL
    at = read_whole(at + 1, &spread.count)
    if at == NULL or at[0] != c',' or spread.count < 1:
        return NULL
    at = read_value(at + 1, &spread.least)
    spread.greatest = spread.first = spread.last = spread.least
    spread.total = spread.count * <int64_t>floor(spread.least * 1e6 + 0.5)
    if at[0] == c',' and at[1] != c'[':
        at = read_value(at + 1, &spread.greatest)
        if at[0] != c',':
            return NULL
        at = read_value(at + 1, &spread.first)
        if at[0] != c',':
            return NULL
        at = read_value(at + 1, &spread.last)
        if at[0] != c',':
            return NULL
        at = read_whole(at + 1, &spread.total)
        if at == NULL:
            return NULL
    spread.first_time, spread.first_seq = usual.first_time, usual.first_seq
    spread.last_time, spread.last_seq = usual.last_time, usual.last_seq
    if at[0] == c',':
        at = read_times(at + 1, spread, start)
        if at == NULL:
            return NULL
    return at + 1 if at[0] == c']' else NULL


cdef void take_spread(Spread *spread, const Spread *other) noexcept nogil:
    """`evd.derived.rollups.Spread.take`."""
    if not spread.count:
        spread[0] = other[0]
        return
    spread.count += other.count
    spread.total += other.total
    if other.least < spread.least:
        spread.least = other.least
    if other.greatest > spread.greatest:
        spread.greatest = other.greatest
    if other.first_time < spread.first_time or (
        other.first_time == spread.first_time
        and (other.first_seq < spread.first_seq or (other.first_seq == spread.first_seq and other.first < spread.first))
    ):
        spread.first, spread.first_time, spread.first_seq = other.first, other.first_time, other.first_seq
    if other.last_time > spread.last_time or (
        other.last_time == spread.last_time
        and (other.last_seq > spread.last_seq or (other.last_seq == spread.last_seq and other.last > spread.last))
    ):
        spread.last, spread.last_time, spread.last_seq = other.last, other.last_time, other.last_seq


cdef int read_numbers(tuple numbers, Values *values) except -1:
    cdef int index
    memset(values, 0, sizeof(Values))
    for index in range(COUNT):
        value = numbers[index]
        if value is not None:
            values.of[index] = value
            values.there |= ONE << index
    return 0


cdef class RollupSum:
    """See `evd.derived._open_part_py.RollupSum`."""

    cdef Spread *spreads        # of each measure, and of the full range
    cdef readonly int64_t start, day
    cdef int64_t[COUNTS_MAX] sums   # in the order of COUNTS

    def __cinit__(self, *_):
        self.spreads = <Spread *>PyMem_Calloc(COUNT + 1, sizeof(Spread))
        if self.spreads == NULL:
            raise MemoryError()

    def __dealloc__(self):
        PyMem_Free(self.spreads)

    def __init__(self, rollup):
        self.restart(rollup.start, rollup.day)
        self._merge(rollup)

    cdef int _merge(self, rollup) except -1:
        cdef int index
        cdef Spread spread
        counts = (rollup.messages, rollup.charged, rollup.used, rollup.driven, rollup.current)
        for index in range(COUNTS_MAX):
            self.sums[index] += <int64_t>counts[index]
        for index in range(COUNT + 1):
            there = rollup.measures.get(ROLLED_UP[index])
            if there is not None:
                spread.count, spread.total = there.count, there.total
                spread.least, spread.greatest = there.least, there.greatest
                spread.first, spread.last = there.first, there.last
                spread.first_time, spread.first_seq = there.first_at
                spread.last_time, spread.last_seq = there.last_at
                take_spread(&self.spreads[index], &spread)
        return 0

    def add(self, sample):
        cdef Values values
        read_numbers(sample.numbers, &values)
        self._add(&values, sample.time, sample.seq)

    def add_between(self, what, int times=1):
        cdef int index
        for index in range(COUNTS_MAX - 1):
            self.sums[index + 1] += times * <int64_t>what[index]

    def add_written(self, int64_t start, str text not None):
        cdef Spread[MEASURES_MAX + 1] found
        cdef int64_t[COUNTS_MAX] sums
        cdef int index
        if not self._read(PyUnicode_AsUTF8(text), start, found, sums):
            self._merge(read_rollup(start, self.day, text))  # of an evd with other measures
            return
        for index in range(COUNTS_MAX):
            self.sums[index] += sums[index]
        for index in range(COUNT + 1):
            if found[index].count:
                take_spread(&self.spreads[index], &found[index])

    cdef bint _read(self, const char *at, int64_t start, Spread *found, int64_t *sums) except -1:
        """Whether it is as `written` writes it; `found` and `sums` are filled."""
        cdef Spread usual
        cdef const char *name
        cdef Py_ssize_t size
        cdef int index = 0
        memset(found, 0, (MEASURES_MAX + 1) * sizeof(Spread))
        memset(sums, 0, COUNTS_MAX * sizeof(int64_t))
        memset(&usual, 0, sizeof(Spread))
        if at[0] != c'{':
            return False
        at += 1
        for index in range(COUNTS_MAX):
            size = COUNT_NAMES[index].size
            if at[0] == c'"' and memcmp(at + 1, COUNT_NAMES[index].text, size) == 0 and at[size + 1] == c'"':
                at = read_whole(at + size + 3, &sums[index])
                if at == NULL or at[0] != c',':
                    return False
                at += 1
        if memcmp(at, b'"at":[', 6):
            return False
        if at[6] == c']':
            at += 7
        else:
            at = read_times(at + 5, &usual, start)
            if at == NULL:
                return False
        if memcmp(at, b',"of":{', 7):
            return False
        at += 7
        index = 0
        while at[0] == c'"':
            name = at + 1
            at = behind_text(name)
            if at == NULL or at[1] != c':':
                return False
            size = at - name
            while index <= COUNT and (NAMES[index].size != size or memcmp(NAMES[index].text, name, size)):
                index += 1
            if index > COUNT:
                return False
            at = read_spread(at + 2, &found[index], &usual, start)
            if at == NULL:
                return False
            if at[0] == c',':
                at += 1
        return at[0] == c'}' and at[1] == c'}' and at[2] == 0

    cdef void _add(self, Values *values, int64_t time, int64_t seq) noexcept:
        cdef int index
        for index in range(COUNT):
            if values.there >> index & 1:
                self._spread(index, values.of[index], time, seq)
        if values.there >> AT_CHARGE & 1 and values.there >> AT_RANGE & 1:
            if FULL_FROM <= values.of[AT_CHARGE] <= 100 and values.of[AT_RANGE] > 0:
                self._spread(COUNT, values.of[AT_RANGE] * 100.0 / values.of[AT_CHARGE], time, seq)
        self.sums[0] += 1

    cdef inline void _spread(self, int index, double value, int64_t time, int64_t seq) noexcept:
        cdef Spread one
        one.count, one.total = 1, <int64_t>floor(value * 1e6 + 0.5)
        one.least = one.greatest = one.first = one.last = value
        one.first_time = one.last_time = time
        one.first_seq = one.last_seq = seq
        take_spread(&self.spreads[index], &one)

    def restart(self, int64_t start, int64_t day):
        memset(self.spreads, 0, (COUNT + 1) * sizeof(Spread))
        memset(self.sums, 0, sizeof(self.sums))
        self.start, self.day = start, day

    def rollup(self):
        return read_rollup(self.start, self.day, self.written())

    def written(self):
        cdef char[WRITTEN_MAX] text
        cdef char *at = text
        cdef Spread *usual = NULL
        cdef int index
        at[0] = c'{'
        at += 1
        for index in range(COUNTS_MAX):
            if self.sums[index]:
                at = put_whole(put_name(at, &COUNT_NAMES[index]), self.sums[index])
                at[0] = c','
                at += 1
        for index in range(COUNT, -1, -1):
            if self.spreads[index].count:
                usual = &self.spreads[index]
        at = put_text(at, b'"at":', 5)
        at = put_text(at, b'[]', 2) if usual == NULL else put_times(at, usual, self.start)
        at = put_text(at, b',"of":{', 7)
        for index in range(COUNT + 1):
            if self.spreads[index].count:
                at = put_spread(put_name(at, &NAMES[index]), &self.spreads[index], usual, self.start)
                at[0] = c','
                at += 1
        if usual != NULL:
            at -= 1
        at = put_text(at, b'}}', 2)
        return PyBytes_FromStringAndSize(text, at - text)

    def shown_measures(self):
        cdef char[WRITTEN_MAX] text
        cdef char *at = text + 1
        cdef int index
        text[0] = c'{'
        for index in range(COUNT + 1):
            if self.spreads[index].count:
                at = put_shown(put_name(at, &NAMES[index]), &self.spreads[index])
                at[0] = c','
                at += 1
        if at > text + 1:
            at -= 1
        at[0] = c'}'
        return PyBytes_FromStringAndSize(text, at + 1 - text)

    def counts(self):
        return Counts(self.start, self.day, *self.sums)


cdef class OpenPart(RollupSum):
    """See `evd.derived._open_part_py.OpenPart`."""

    cdef Values values          # of the last status
    cdef int64_t time, seq
    cdef object status_id, location, fields
    cdef readonly int64_t until

    def __init__(self, rollup, int64_t until, last):
        RollupSum.__init__(self, rollup)
        self.until = until
        self.last = last

    @property
    def last(self):
        cdef int index
        numbers = tuple([self.values.of[index] if self.values.there >> index & 1 else None for index in range(COUNT)])
        location = None if self.location is None else self.location.decode()
        return StatusSample(self.time, self.seq, self.status_id, numbers, location)

    @last.setter
    def last(self, last):
        self.time, self.seq, self.status_id = last.time, last.seq, last.status_id
        self.location = None if last.location is None else last.location.encode()
        read_numbers(last.numbers, &self.values)
        self.fields = None

    def is_below(self, int64_t time, int64_t seq, str status_id):
        if self.time != time:
            return self.time < time
        return self.seq < seq or (self.seq == seq and self.status_id < status_id)

    def take_quiet(self, int64_t time, int64_t seq, status_id, bytes fields not None):
        cdef Values values
        cdef int64_t change
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
        if values.there & self.values.there & ONE << AT_CHARGE:
            if values.of[AT_CHARGE] - self.values.of[AT_CHARGE] >= JUMP:
                return False
            change = <int64_t>rint(values.of[AT_CHARGE] * 1000) - <int64_t>rint(self.values.of[AT_CHARGE] * 1000)
            if change > 0:
                self.sums[1] += change
            else:
                self.sums[2] -= change
        self._add(&values, time, seq)
        if not values.location_size:
            self.location = None
        values.location = NULL
        self.values = values
        self.time, self.seq, self.status_id, self.fields = time, seq, status_id, fields
        return True

    def begin(self, int64_t start, int64_t until, int64_t day):
        self.restart(start, day)
        self.until = until

    def saved(self):
        fields = fields_of(self.last) if self.fields is None else self.fields
        return SavedPart(self.time, self.seq, self.status_id, fields, self.start, self.day, self.written())
