# How `_fast_path.pyx`, which includes this, steps over JSON. Each function gets a pointer to the first byte of a thing,
# and returns one to the byte after it, or NULL where a number is none.

from libc.stdint cimport uint8_t, uint64_t

cdef inline const char *behind_blanks(const char *at) noexcept nogil:
    while at[0] == c' ' or at[0] == c'\n' or at[0] == c'\r' or at[0] == c'\t':
        at += 1
    return at


cdef inline const char *behind_plain(const char *at) noexcept nogil:
    """Skip plain characters; at the end of a plain text the result points to its closing quote."""
    while PLAIN[<uint8_t>at[0]]:
        at += 1
    return at


cdef inline const char *behind_digits(const char *at) noexcept nogil:
    while c'0' <= at[0] <= c'9':
        at += 1
    return at


cdef const char *behind_number(const char *at) noexcept nogil:
    """Skip a JSON number without an exponent."""
    cdef const char *start = at
    cdef const char *integer
    if at[0] == c'-':
        at += 1
    integer = at
    at = behind_digits(at)
    if at == integer or (integer[0] == c'0' and at != integer + 1):
        return NULL
    if at[0] == c'.':
        integer = at + 1
        at = behind_digits(integer)
        if at == integer:
            return NULL
    return at if at - start <= NUMBER_CHARACTERS else NULL


cdef const char *whole(const char *at, uint64_t *value) noexcept nogil:
    """Read a whole number, bare or in quotes, as a template may write it."""
    cdef bint quoted = at[0] == c'"'
    cdef const char *start = at + quoted
    at = behind_digits(start)
    if at == start or at - start > WHOLE_DIGITS or (start[0] == c'0' and at != start + 1):
        return NULL
    value[0] = 0
    while start != at:
        value[0] = 10 * value[0] + <uint64_t>(start[0] - c'0')
        start += 1
    if quoted:
        return at + 1 if at[0] == c'"' else NULL
    return at
