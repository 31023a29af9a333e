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
from libc.string cimport memcmp, memcpy, memset, strlen, strncmp

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

include "_open_part_fields.pxi"
include "_open_part_spreads.pxi"


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
            if at[0] == c'"' and strncmp(at + 1, COUNT_NAMES[index].text, size) == 0 and at[size + 1] == c'"':
                at = read_whole(at + size + 3, &sums[index])
                if at == NULL or at[0] != c',':
                    return False
                at += 1
        if strncmp(at, b'"at":[', 6):
            return False
        if at[6] == c']':
            at += 7
        else:
            at = read_times(at + 5, &usual, start)
            if at == NULL:
                return False
        if strncmp(at, b',"of":{', 7):
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
