# What is known of one measure in a roll-up: added up, written as JSON, and read again; included by _open_part.pyx.

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
