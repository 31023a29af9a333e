# A status's fields, read in one pass over their JSON; included by _open_part.pyx.

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
