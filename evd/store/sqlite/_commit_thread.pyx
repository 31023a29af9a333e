# cython: language_level=3, boundscheck=False, wraparound=False
"""Write and commit a group's rows in a thread that never takes the GIL; specified by `_commit_thread_py`.

The thread is not a Python thread. It uses a Desk, a struct without Python objects, and sleeps on a semaphore. So the
loop never gives up the GIL for a group; an eventfd signals the group's end. Rows point into the bytes of Python
objects, which the committer references until `finish`.

This module's file is also a loadable extension of SQLite (sqlite.org/loadext.html). SQLite opens the file again, which
yields the same copy in memory, and calls `sqlite3_extension_init` with its function table (sqlite_table.h).
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.errno cimport errno
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport strncpy

from evd.store.sqlite._commit_thread_py import ENDED_PART, MOVE, OPEN_PART, PUT, ROW_BYTES_MAX, SHAPE


cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL

include "_commit_thread_desk.pxi"


cdef inline Text borrowed(object value, const char* start, Py_ssize_t size) noexcept:
    cdef Text text
    text.start, text.size, text.held = start, <int>size, <PyObject*>value
    return text


cdef inline Text of_text(str value) except *:
    cdef Py_ssize_t size
    cdef const char* start = PyUnicode_AsUTF8AndSize(value, &size)
    if size > ROW_MAX:
        raise too_long()
    return borrowed(value, start, size)


cdef inline Text of_bytes(bytes value) except *:
    if PyBytes_GET_SIZE(value) > ROW_MAX:
        raise too_long()
    return borrowed(value, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))


cdef Py_ssize_t ROW_MAX = ROW_BYTES_MAX


cdef object too_long():
    return OverflowError(f"a row has more than {ROW_MAX} bytes")


cdef inline void hold(Text* text) noexcept:
    if text.held != NULL:
        Py_INCREF(<object>text.held)


cdef inline void let_go(Text* text) noexcept:
    if text.held != NULL:
        Py_DECREF(<object>text.held)
        text.held = NULL


# Primary result code → the DB-API's exception, an attribute of the connection; the others are OperationalError.
KINDS = {11: "DatabaseError", 18: "DataError", 19: "IntegrityError", 20: "IntegrityError", 26: "DatabaseError"}


@cython.no_gc_clear  # the connection outlives the statements
cdef class CommitThread:
    """See `evd.store.sqlite._commit_thread_py.CommitThread`. Raises ImportError if SQLite does not load extensions."""

    cdef Desk* desk
    cdef object connection
    cdef Py_ssize_t rows_max
    cdef int close_timeout_ms
    cdef bint running
    cdef bint abandoned

    def __init__(self, connection, *, Py_ssize_t rows_max, double close_timeout_s):
        if self.desk != NULL:
            raise RuntimeError("a committer is made once")
        if rows_max < 1:
            raise ValueError("a committer gathers at least one row")
        self.connection = connection
        self.rows_max = rows_max
        self.close_timeout_ms = <int>(close_timeout_s * 1000)
        cdef sqlite3* db
        cdef const evd_sqlite_table* table
        db, table = NULL, NULL
        self._be_let_in(&db, &table)
        cdef Desk* desk = <Desk*>PyMem_RawCalloc(1, sizeof(Desk))
        if desk == NULL:
            raise MemoryError()
        desk.db, desk.sqlite = db, table
        desk.ended = -1
        try:
            self._furnish(desk)
        except BaseException:
            clear_away(desk)
            raise
        self.desk = desk

    cdef int _be_let_in(self, sqlite3** db, const evd_sqlite_table** table) except -1:
        """Make SQLite load this file as an extension, which notes database and function table for this thread."""
        global evd_noted_db, evd_noted_table
        evd_noted_db, evd_noted_table = NULL, NULL
        try:
            self.connection.enable_load_extension(True)
            try:
                self.connection.load_extension(__file__)
            finally:
                self.connection.enable_load_extension(False)
        except (AttributeError, self.connection.Error) as error:
            raise ImportError(f"SQLite loads no extensions: {error}") from error
        db[0], table[0] = evd_noted_db, evd_noted_table
        evd_noted_db, evd_noted_table = NULL, NULL
        if db[0] == NULL:
            raise ImportError("SQLite loaded another copy of the committer")
        (text,) = self.connection.execute("SELECT sqlite_version()").fetchone()
        major, minor, patch = map(int, text.split("."))
        if table[0].libversion_number() != major * 1_000_000 + minor * 1_000 + patch:
            raise ImportError(f"SQLite {text} has another table of functions")
        return 0

    cdef int _furnish(self, Desk* desk) except -1:
        self._prepare(desk, &desk.move, MOVE)
        self._prepare(desk, &desk.put, PUT + "(?,?,?,?,?,?,?,?,?,?,?,?)")
        self._prepare(desk, &desk.shape, SHAPE)
        self._prepare(desk, &desk.ended_part, ENDED_PART.replace("CAST(? AS TEXT)", "?"))  # it binds texts
        self._prepare(desk, &desk.open_part, OPEN_PART.replace("CAST(? AS TEXT)", "?"))
        self._prepare(desk, &desk.begin, "BEGIN IMMEDIATE")
        self._prepare(desk, &desk.commit, "COMMIT")
        desk.moves = <Move*>PyMem_RawCalloc(self.rows_max, sizeof(Move))
        desk.rows = <Row*>PyMem_RawCalloc(self.rows_max, sizeof(Row))
        desk.shapes = <Shape*>PyMem_RawCalloc(self.rows_max, sizeof(Shape))
        desk.ended_parts = <EndedPart*>PyMem_RawCalloc(self.rows_max, sizeof(EndedPart))
        desk.open_parts = <OpenPart*>PyMem_RawCalloc(self.rows_max, sizeof(OpenPart))
        desk.ended = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
        if desk.moves == NULL or desk.rows == NULL or desk.shapes == NULL or desk.ended < 0:
            raise MemoryError()
        if desk.ended_parts == NULL or desk.open_parts == NULL:
            raise MemoryError()
        sem_init(&desk.handed_over, 0, 0)
        cdef sigset_t all_signals, before
        sigfillset(&all_signals)  # Python's main thread handles signals
        pthread_sigmask(SIG_SETMASK, &all_signals, &before)
        cdef int refused = pthread_create(&desk.thread, NULL, live, desk)
        pthread_sigmask(SIG_SETMASK, &before, NULL)
        if refused:
            raise OSError(refused, "the committer's thread cannot be started")
        return 0

    cdef int _prepare(self, Desk* desk, sqlite3_stmt** statement, str sql) except -1:
        text = sql.encode()
        desk.code = desk.sqlite.prepare_v3(
            desk.db, PyBytes_AS_STRING(text), -1, EVD_SQLITE_PREPARE_PERSISTENT, statement, NULL
        )
        if desk.code != EVD_SQLITE_OK:
            strncpy(desk.message, desk.sqlite.errmsg(desk.db), sizeof(desk.message) - 1)
            raise self._failure(desk)
        return 0

    @property
    def fd(self):
        self._must_be_open()
        return self.desk.ended

    @property
    def gathered(self):
        self._must_be_open()
        cdef Desk* desk = self.desk
        parts = desk.ended_parts_count + desk.open_parts_count
        return desk.moves_count + desk.rows_count + desk.shapes_count + parts

    def move(self, int64_t come_from, int64_t to):
        self._must_be_idle()
        if self.desk.moves_count >= self.rows_max:
            self.flush()
        cdef Move* move = &self.desk.moves[self.desk.moves_count]
        move.come_from, move.to = come_from, to
        self.desk.moves_count += 1

    def put(
        self,
        int64_t place,
        bint timely,
        int64_t time,
        int64_t seq,
        str id not None,
        int64_t received,
        int64_t connectivity,
        bytes payload,
        bytes fields not None,
        bytes document not None,
        str flags not None,
        bytes activity=None,
    ):
        self._must_be_idle()
        cdef Row row
        row.place, row.timely, row.time, row.seq = place, timely, time, seq
        row.received, row.connectivity = received, connectivity
        row.id, row.flags = of_text(id), of_text(flags)
        row.fields, row.document = of_bytes(fields), of_bytes(document)
        row.payload = borrowed(None, NULL, 0) if payload is None else of_bytes(payload)
        row.activity = borrowed(None, NULL, 0) if activity is None else of_bytes(activity)
        cdef Py_ssize_t size = <Py_ssize_t>row.id.size + row.flags.size + row.fields.size + row.document.size
        if size + row.payload.size + row.activity.size > ROW_MAX:
            raise too_long()
        if self.desk.rows_count >= self.rows_max:
            self.flush()
        # Nothing fails from here on, so every reference is released exactly once.
        hold(&row.id)
        hold(&row.payload)
        hold(&row.fields)
        hold(&row.document)
        hold(&row.flags)
        hold(&row.activity)
        self.desk.rows[self.desk.rows_count] = row
        self.desk.rows_count += 1

    def shape(
        self,
        int64_t number,
        int64_t kept,
        int64_t newest,
        int64_t counted,
        int64_t counted_seq,
        int64_t received,
        int64_t lost,
        int64_t resets,
    ):
        self._must_be_idle()
        if self.desk.shapes_count >= self.rows_max:
            self.flush()
        cdef Shape* shape = &self.desk.shapes[self.desk.shapes_count]
        shape.number, shape.kept, shape.newest = number, kept, newest
        shape.counted, shape.counted_seq = counted, counted_seq
        shape.received, shape.lost, shape.resets = received, lost, resets
        self.desk.shapes_count += 1

    def ended_part(self, int64_t number, int64_t start, int64_t day, bytes data not None):
        self._must_be_idle()
        cdef EndedPart part
        part.number, part.start, part.day = number, start, day
        part.data = of_bytes(data)
        if self.desk.ended_parts_count >= self.rows_max:
            self.flush()
        hold(&part.data)
        self.desk.ended_parts[self.desk.ended_parts_count] = part
        self.desk.ended_parts_count += 1

    def open_part(
        self,
        int64_t number,
        int64_t time,
        int64_t seq,
        str id not None,
        bytes fields not None,
        int64_t start,
        int64_t day,
        bytes data not None,
    ):
        self._must_be_idle()
        cdef OpenPart part
        part.number, part.time, part.seq, part.start, part.day = number, time, seq, start, day
        part.id, part.fields, part.data = of_text(id), of_bytes(fields), of_bytes(data)
        if self.desk.open_parts_count >= self.rows_max:
            self.flush()
        hold(&part.id)
        hold(&part.fields)
        hold(&part.data)
        self.desk.open_parts[self.desk.open_parts_count] = part
        self.desk.open_parts_count += 1

    def flush(self):
        self._must_be_idle()
        cdef bint fine = write_gathered(self.desk)
        clear_desk(self.desk)
        if not fine:
            raise self._failure(self.desk)

    def drop(self):
        self._must_be_idle()
        clear_desk(self.desk)

    def start(self):
        self._must_be_idle()
        self.running = True
        self.desk.code = EVD_SQLITE_OK
        if not is_empty(self.desk) or not self.desk.sqlite.get_autocommit(self.desk.db):
            sem_post(&self.desk.handed_over)
        else:
            eventfd_write(self.desk.ended, 1)

    def finish(self):
        self._must_be_open()
        if not self.running:
            raise RuntimeError("no group was started")
        cdef uint64_t times
        cdef bint ended = True
        if eventfd_read(self.desk.ended, &times) != 0:
            with nogil:
                ended = has_ended(self.desk, -1)
            if not ended:
                raise OSError(errno, "the committer's end cannot be waited for")
            eventfd_read(self.desk.ended, &times)
        self.running = False
        clear_desk(self.desk)
        if self.desk.code != EVD_SQLITE_OK:
            raise self._failure(self.desk)

    def close(self):
        if self.desk == NULL:
            return
        if self._stop():
            if self.abandoned:
                Py_DECREF(self)
            return
        if not self.abandoned:
            # The thread may still use rows, statements and connection, so they are never freed.
            Py_INCREF(self)
            self.abandoned = True
        raise TimeoutError("a group is being written still")

    cdef bint _stop(self) noexcept:
        """End the thread and free everything; False if a group does not end in time."""
        cdef bint ended = True
        cdef Desk* desk = self.desk
        if self.running:
            with nogil:
                ended = has_ended(desk, self.close_timeout_ms)
        if not ended:
            return False
        self.desk = NULL
        desk.stopping = True
        sem_post(&desk.handed_over)
        with nogil:
            pthread_join(desk.thread, NULL)
        sem_destroy(&desk.handed_over)
        clear_desk(desk)
        clear_away(desk)
        return True

    def __dealloc__(self):
        if self.desk != NULL and not self._stop():
            Py_INCREF(self.connection)  # the thread may still use it, and closing it would wait for that

    cdef int _must_be_open(self) except -1:
        if self.desk == NULL:
            raise RuntimeError("the committer is closed")
        return 0

    cdef int _must_be_idle(self) except -1:
        self._must_be_open()
        if self.running:
            raise RuntimeError("a group is being written")
        return 0

    cdef object _failure(self, Desk* desk):
        kind = getattr(self.connection, KINDS.get(desk.code & 0xFF, "OperationalError"))
        error = kind(desk.message.decode("utf-8", "replace"))
        error.sqlite_errorcode = desk.code
        return error


cdef void clear_desk(Desk* desk) noexcept:
    """Drop all that is gathered."""
    cdef Py_ssize_t i
    cdef Row* row
    for i in range(desk.rows_count):
        row = &desk.rows[i]
        let_go(&row.id)
        let_go(&row.payload)
        let_go(&row.fields)
        let_go(&row.document)
        let_go(&row.flags)
        let_go(&row.activity)
    for i in range(desk.ended_parts_count):
        let_go(&desk.ended_parts[i].data)
    for i in range(desk.open_parts_count):
        let_go(&desk.open_parts[i].id)
        let_go(&desk.open_parts[i].fields)
        let_go(&desk.open_parts[i].data)
    desk.moves_count = desk.rows_count = desk.shapes_count = 0
    desk.ended_parts_count = desk.open_parts_count = 0


cdef void clear_away(Desk* desk) noexcept:
    """Free a desk that no thread uses."""
    desk.sqlite.finalize(desk.move)
    desk.sqlite.finalize(desk.put)
    desk.sqlite.finalize(desk.shape)
    desk.sqlite.finalize(desk.ended_part)
    desk.sqlite.finalize(desk.open_part)
    desk.sqlite.finalize(desk.begin)
    desk.sqlite.finalize(desk.commit)
    if desk.ended >= 0:
        close(desk.ended)
    PyMem_RawFree(desk.moves)
    PyMem_RawFree(desk.rows)
    PyMem_RawFree(desk.shapes)
    PyMem_RawFree(desk.ended_parts)
    PyMem_RawFree(desk.open_parts)
    PyMem_RawFree(desk)
