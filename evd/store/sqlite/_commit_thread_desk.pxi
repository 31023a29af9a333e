# What the thread of `_commit_thread.pyx` uses, which includes this: C only, so that it runs without the GIL.
#
# The desk holds a group between the loop and the thread. SQLite is reached by its function table, the thread by POSIX.

from cpython.ref cimport PyObject
from libc.errno cimport EINTR, errno
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport strncpy

cdef extern from "sqlite_table.h" nogil:
    ctypedef struct sqlite3
    ctypedef struct sqlite3_stmt
    ctypedef struct evd_sqlite_table:
        int (*bind_blob)(sqlite3_stmt*, int, const void*, int, void*) noexcept nogil
        int (*bind_int64)(sqlite3_stmt*, int, long long) noexcept nogil
        int (*bind_null)(sqlite3_stmt*, int) noexcept nogil
        int (*bind_text)(sqlite3_stmt*, int, const char*, int, void*) noexcept nogil
        const char* (*errmsg)(sqlite3*) noexcept nogil
        int (*finalize)(sqlite3_stmt*) noexcept nogil
        int (*get_autocommit)(sqlite3*) noexcept nogil
        int (*libversion_number)() noexcept nogil
        int (*reset)(sqlite3_stmt*) noexcept nogil
        int (*step)(sqlite3_stmt*) noexcept nogil
        int (*clear_bindings)(sqlite3_stmt*) noexcept nogil
        int (*extended_errcode)(sqlite3*) noexcept nogil
        int (*prepare_v3)(sqlite3*, const char*, int, unsigned int, sqlite3_stmt**, const char**) noexcept nogil
    int EVD_SQLITE_OK
    int EVD_SQLITE_DONE
    unsigned int EVD_SQLITE_PREPARE_PERSISTENT

cdef extern from *:
    """
    /* What SQLite gave the thread that loads the extension, until `CommitThread` takes it. */
    static _Thread_local sqlite3 *evd_noted_db;
    static _Thread_local const evd_sqlite_table *evd_noted_table;

    __attribute__((visibility("default")))
    int sqlite3_extension_init(sqlite3 *db, char **message, const evd_sqlite_table *table) {
        (void)message;
        evd_noted_db = db;
        evd_noted_table = table;
        return EVD_SQLITE_OK;
    }
    """
    sqlite3* evd_noted_db
    const evd_sqlite_table* evd_noted_table

cdef extern from "<pthread.h>" nogil:
    ctypedef unsigned long pthread_t
    int pthread_create(pthread_t*, const void*, void* (*)(void*) noexcept nogil, void*)
    int pthread_join(pthread_t, void**)
    int pthread_sigmask(int, const sigset_t*, sigset_t*)

cdef extern from "<signal.h>" nogil:
    ctypedef struct sigset_t:
        pass
    int SIG_SETMASK
    int sigfillset(sigset_t*)

cdef extern from "<semaphore.h>" nogil:
    ctypedef struct sem_t:
        pass
    int sem_init(sem_t*, int, unsigned int)
    int sem_wait(sem_t*)
    int sem_post(sem_t*)
    int sem_destroy(sem_t*)

cdef extern from "<sys/eventfd.h>" nogil:
    int EFD_NONBLOCK
    int EFD_CLOEXEC
    int eventfd(unsigned int, int)
    int eventfd_read(int, uint64_t*)
    int eventfd_write(int, uint64_t)

cdef extern from "<poll.h>" nogil:
    struct pollfd:
        int fd
        short events
    short POLLIN
    int poll(pollfd*, unsigned long, int)

cdef extern from "<unistd.h>" nogil:
    int close(int)


cdef struct Text:
    const char* start
    int size
    PyObject* held

cdef struct Row:
    int64_t place, timely, time, seq, received, connectivity
    Text id, payload, fields, document, flags, activity

cdef struct Shape:
    int64_t number, kept, newest, counted, counted_seq, received, lost, resets

cdef struct EndedPart:
    int64_t number, start, day
    Text data

cdef struct OpenPart:
    int64_t number, time, seq, start, day
    Text id, fields, data

cdef struct Move:
    int64_t come_from, to

cdef struct Desk:
    # From `start` to the end of the group it belongs to the thread, otherwise to the committer.
    sqlite3* db
    const evd_sqlite_table* sqlite
    sqlite3_stmt* move
    sqlite3_stmt* put
    sqlite3_stmt* shape
    sqlite3_stmt* ended_part
    sqlite3_stmt* open_part
    sqlite3_stmt* begin
    sqlite3_stmt* commit
    Move* moves
    Row* rows
    Shape* shapes
    EndedPart* ended_parts
    OpenPart* open_parts
    Py_ssize_t moves_count, rows_count, shapes_count, ended_parts_count, open_parts_count
    int code
    char message[256]
    pthread_t thread
    sem_t handed_over
    bint stopping
    int ended


cdef bint run(Desk* desk, sqlite3_stmt* statement) noexcept nogil:
    """Execute a statement that returns no rows; False if it failed, with the error in `code` and `message`."""
    if desk.sqlite.step(statement) == EVD_SQLITE_DONE:
        desk.sqlite.reset(statement)
        return True
    desk.code = desk.sqlite.extended_errcode(desk.db)
    strncpy(desk.message, desk.sqlite.errmsg(desk.db), sizeof(desk.message) - 1)
    desk.sqlite.reset(statement)
    return False


cdef inline void bind_text(Desk* desk, int column, Text* text) noexcept nogil:
    desk.sqlite.bind_text(desk.put, column, text.start, text.size, NULL)


cdef inline bint is_empty(Desk* desk) noexcept nogil:
    return not (desk.moves_count or desk.rows_count or desk.shapes_count or desk.ended_parts_count
                or desk.open_parts_count)


cdef bint move_row(Desk* desk, Move* move) noexcept nogil:
    desk.sqlite.bind_int64(desk.move, 1, move.to)
    desk.sqlite.bind_int64(desk.move, 2, move.come_from)
    return run(desk, desk.move)


cdef bint put_row(Desk* desk, Row* row) noexcept nogil:
    cdef const evd_sqlite_table* sqlite = desk.sqlite
    sqlite.bind_int64(desk.put, 1, row.place)
    sqlite.bind_int64(desk.put, 2, row.timely)
    sqlite.bind_int64(desk.put, 3, row.time)
    sqlite.bind_int64(desk.put, 4, row.seq)
    bind_text(desk, 5, &row.id)
    sqlite.bind_int64(desk.put, 6, row.received)
    sqlite.bind_int64(desk.put, 7, row.connectivity)
    if row.payload.start == NULL:
        sqlite.bind_null(desk.put, 8)
    else:
        sqlite.bind_blob(desk.put, 8, row.payload.start, row.payload.size, NULL)
    bind_text(desk, 9, &row.fields)
    bind_text(desk, 10, &row.document)
    bind_text(desk, 11, &row.flags)
    bind_text(desk, 12, &row.activity)      # NULL where there is none
    return run(desk, desk.put)


cdef bint put_shape(Desk* desk, Shape* shape) noexcept nogil:
    cdef const evd_sqlite_table* sqlite = desk.sqlite
    sqlite.bind_int64(desk.shape, 1, shape.kept)
    sqlite.bind_int64(desk.shape, 2, shape.newest)
    sqlite.bind_int64(desk.shape, 3, shape.counted)
    sqlite.bind_int64(desk.shape, 4, shape.counted_seq)
    sqlite.bind_int64(desk.shape, 5, shape.received)
    sqlite.bind_int64(desk.shape, 6, shape.lost)
    sqlite.bind_int64(desk.shape, 7, shape.resets)
    sqlite.bind_int64(desk.shape, 8, shape.number)
    return run(desk, desk.shape)


cdef bint put_ended_part(Desk* desk, EndedPart* part) noexcept nogil:
    desk.sqlite.bind_int64(desk.ended_part, 1, part.number)
    desk.sqlite.bind_int64(desk.ended_part, 2, part.start)
    desk.sqlite.bind_int64(desk.ended_part, 3, part.day)
    desk.sqlite.bind_text(desk.ended_part, 4, part.data.start, part.data.size, NULL)
    return run(desk, desk.ended_part)


cdef bint put_open_part(Desk* desk, OpenPart* part) noexcept nogil:
    desk.sqlite.bind_int64(desk.open_part, 1, part.time)
    desk.sqlite.bind_int64(desk.open_part, 2, part.seq)
    desk.sqlite.bind_text(desk.open_part, 3, part.id.start, part.id.size, NULL)
    desk.sqlite.bind_text(desk.open_part, 4, part.fields.start, part.fields.size, NULL)
    desk.sqlite.bind_int64(desk.open_part, 5, part.start)
    desk.sqlite.bind_int64(desk.open_part, 6, part.day)
    desk.sqlite.bind_text(desk.open_part, 7, part.data.start, part.data.size, NULL)
    desk.sqlite.bind_int64(desk.open_part, 8, part.number)
    return run(desk, desk.open_part)


cdef bint write_gathered(Desk* desk) noexcept nogil:
    """BEGIN if wanted, then the moves, the rows, the shapes and the parts; False at the first failure."""
    cdef Py_ssize_t i
    cdef bint fine = True
    if not is_empty(desk) and desk.sqlite.get_autocommit(desk.db):
        fine = run(desk, desk.begin)
    for i in range(desk.moves_count):
        fine = fine and move_row(desk, &desk.moves[i])
    for i in range(desk.rows_count):
        fine = fine and put_row(desk, &desk.rows[i])
    for i in range(desk.shapes_count):
        fine = fine and put_shape(desk, &desk.shapes[i])
    for i in range(desk.ended_parts_count):
        fine = fine and put_ended_part(desk, &desk.ended_parts[i])
    for i in range(desk.open_parts_count):
        fine = fine and put_open_part(desk, &desk.open_parts[i])
    desk.sqlite.clear_bindings(desk.put)  # the statements outlive what their columns point to
    desk.sqlite.clear_bindings(desk.ended_part)
    desk.sqlite.clear_bindings(desk.open_part)
    return fine


cdef void* live(void* argument) noexcept nogil:
    """The thread's main loop: a group, its end, the next group."""
    cdef Desk* desk = <Desk*>argument
    while True:
        while sem_wait(&desk.handed_over) != 0:
            pass  # interrupted by a signal
        if desk.stopping:
            return NULL
        if write_gathered(desk):
            run(desk, desk.commit)
        eventfd_write(desk.ended, 1)


cdef bint has_ended(Desk* desk, int timeout_ms) noexcept nogil:
    """Wait for the end of the group; without a limit if `timeout_ms` is -1."""
    cdef pollfd waited
    cdef int ready = -1
    waited.fd, waited.events = desk.ended, POLLIN
    while ready < 0:
        ready = poll(&waited, 1, timeout_ms)
        if ready < 0 and errno != EINTR:
            return False
    return ready > 0
