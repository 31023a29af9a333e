# cython: language_level=3, boundscheck=False, wraparound=False
"""Heads of many vehicles in little memory: 64 bytes each and 16 of an index, where a RingState takes some 600.

The index is a hash table with open addressing and linear probing, at most half full: a word has 32 bits of the name's
hash and the number of its entry + 1, or is 0. Removing a word moves back those after it, so a look-up ends at the first
empty one. Memory for all is reserved at once and, as calloc does it, taken as it is used, so nothing ever grows in one
long step. `_packed_heads_py` is the readable twin.
"""

from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

cdef enum:
    NAME_BYTES_MAX = 12

cdef struct Entry:
    int64_t time
    int64_t tally_time
    uint32_t number
    uint32_t slots
    uint32_t kept
    int32_t newest
    int32_t seq
    int32_t received
    int32_t lost
    int32_t resets
    char name[NAME_BYTES_MAX]
    int16_t tally_seq
    uint8_t behind
    uint8_t size_and_frames  # the length of the name, and 128 if the vehicle has frames


cdef class PackedHeads:
    """Vehicle → PackedHead; at most `heads_max`, then one that came early makes room."""

    cdef Entry *_entries
    cdef uint64_t *_index
    cdef uint64_t _mask
    cdef uint32_t _heads_max
    cdef uint32_t _used  # entries that were ever used; the others were never touched
    cdef uint32_t _free  # the first free one of these + 1; its `number` is the next one's
    cdef uint32_t _oldest  # the entry that makes room next
    cdef Py_ssize_t _count

    def __cinit__(self, uint32_t heads_max):
        cdef uint64_t words = 4
        while words < 2 * <uint64_t>heads_max:
            words *= 2
        self._mask = words - 1
        self._heads_max = heads_max
        self._entries = <Entry *>calloc(heads_max + 1, sizeof(Entry))
        self._index = <uint64_t *>calloc(words, sizeof(uint64_t))
        if self._entries is NULL or self._index is NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self._entries)
        free(self._index)

    def __len__(self):
        return self._count

    def put(self, str vehicle, tuple head):
        """Keep a head; False, without it, if its name is too long or a number too large."""
        cdef Py_ssize_t size
        cdef const char *name = PyUnicode_AsUTF8AndSize(vehicle, &size)
        cdef Entry entry
        if size > NAME_BYTES_MAX or not self._heads_max:
            return False
        try:
            entry.number, entry.slots, entry.kept, entry.newest, entry.time, entry.seq = head[:6]
            entry.behind = head[6]
            entry.size_and_frames = <uint8_t>size | (128 if head[7] else 0)
            entry.tally_time = head[8]
            entry.tally_seq = head[9]
            entry.received, entry.lost, entry.resets = head[10:]
        except OverflowError:
            return False
        memset(entry.name, 0, NAME_BYTES_MAX)
        memcpy(entry.name, name, size)
        cdef uint32_t hashed = <uint32_t>hash(vehicle)
        cdef uint64_t place = self._find(hashed, name, size)
        if self._index[place]:
            self._entries[self._entry_at(place)] = entry
            return True
        cdef uint32_t number
        if self._free:
            number = self._free - 1
            self._free = self._entries[number].number
        elif self._used < self._heads_max:
            number = self._used
            self._used += 1
        else:
            number = self._make_room()
            place = self._find(hashed, name, size)  # words may have moved
        self._entries[number] = entry
        self._index[place] = <uint64_t>hashed << 32 | (number + 1)
        self._count += 1
        return True

    def take(self, str vehicle):
        """Give a head back, and keep it no longer."""
        cdef Py_ssize_t size
        cdef const char *name
        if not self._count:
            return None
        name = PyUnicode_AsUTF8AndSize(vehicle, &size)
        if size > NAME_BYTES_MAX:
            return None
        cdef uint64_t place = self._find(<uint32_t>hash(vehicle), name, size)
        if not self._index[place]:
            return None
        cdef uint32_t number = self._entry_at(place)
        cdef Entry *entry = self._entries + number
        head = (
            entry.number, entry.slots, entry.kept, entry.newest, entry.time, entry.seq, entry.behind,
            entry.size_and_frames >> 7, entry.tally_time, entry.tally_seq, entry.received, entry.lost, entry.resets,
        )
        self._remove(place)
        entry.number = self._free
        self._free = number + 1
        return head

    def clear(self):
        if not self._used:
            return
        free(self._index)  # zeros from the kernel cost less than writing them
        self._index = <uint64_t *>calloc(self._mask + 1, sizeof(uint64_t))
        if self._index is NULL:
            raise MemoryError
        self._used = self._free = self._oldest = 0
        self._count = 0

    cdef uint32_t _entry_at(self, uint64_t place):
        return <uint32_t>(self._index[place] & 0xFFFFFFFF) - 1

    cdef uint64_t _find(self, uint32_t hashed, const char *name, Py_ssize_t size):
        """Where the name's word is, or would be."""
        cdef uint64_t place = hashed & self._mask
        cdef Entry *entry
        while self._index[place]:
            if self._index[place] >> 32 == hashed:
                entry = self._entries + self._entry_at(place)
                if (entry.size_and_frames & 127) == size and memcmp(entry.name, name, size) == 0:
                    break
            place = (place + 1) & self._mask
        return place

    cdef void _remove(self, uint64_t place):
        """Empty a word; those after it that could not be found any more move back."""
        cdef uint64_t after = place, home
        self._count -= 1
        while True:
            after = (after + 1) & self._mask
            if not self._index[after]:
                break
            home = (self._index[after] >> 32) & self._mask
            if ((after - home) & self._mask) >= ((after - place) & self._mask):
                self._index[place] = self._index[after]
                place = after
        self._index[place] = 0

    cdef uint32_t _make_room(self) except? 0xFFFFFFFF:
        """Drop a head, of which all entries are taken; returns its entry."""
        cdef uint32_t number = self._oldest
        cdef Entry *entry = self._entries + number
        cdef Py_ssize_t size = entry.size_and_frames & 127
        vehicle = PyUnicode_DecodeUTF8(entry.name, size, NULL)
        self._oldest = (number + 1) % self._heads_max
        self._remove(self._find(<uint32_t>hash(vehicle), entry.name, size))
        return number
