/* The part of SQLite's function table (sqlite3_api_routines of sqlite3ext.h) that the commit thread calls.
 *
 * SQLite hands the table to whatever it loads as an extension: so C code reaches the one SQLite library of the process,
 * which is linked into another Python module, and needs no SQLite headers to be built. Every entry is a pointer to a
 * function, and entries are only ever appended (https://sqlite.org/loadext.html), so an entry keeps its number for good.
 * The numbers are stated twice here: by the gaps, and by EVD_AT below. prepare_v3 came last of them, with 3.20. */
#ifndef EVD_SQLITE_TABLE_H
#define EVD_SQLITE_TABLE_H

#include <stddef.h>

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
typedef void (*evd_entry)(void);
typedef void (*evd_destructor)(void *); /* NULL is SQLITE_STATIC: the bytes stay where they are until the next binding */

typedef struct evd_sqlite_table {
    evd_entry before_bind_blob[2];
    int (*bind_blob)(sqlite3_stmt *, int, const void *, int, evd_destructor);
    evd_entry before_bind_int64[2];
    int (*bind_int64)(sqlite3_stmt *, int, long long);
    int (*bind_null)(sqlite3_stmt *, int);
    evd_entry before_bind_text[3];
    int (*bind_text)(sqlite3_stmt *, int, const char *, int, evd_destructor);
    evd_entry before_errmsg[42];
    const char *(*errmsg)(sqlite3 *);
    evd_entry before_finalize[3];
    int (*finalize)(sqlite3_stmt *);
    evd_entry before_get_autocommit[2];
    int (*get_autocommit)(sqlite3 *);
    evd_entry before_libversion_number[6];
    int (*libversion_number)(void);
    evd_entry before_reset[9];
    int (*reset)(sqlite3_stmt *);
    evd_entry before_step[16];
    int (*step)(sqlite3_stmt *);
    evd_entry before_clear_bindings[23];
    int (*clear_bindings)(sqlite3_stmt *);
    evd_entry before_extended_errcode[47];
    int (*extended_errcode)(sqlite3 *);
    evd_entry before_prepare_v3[50];
    int (*prepare_v3)(sqlite3 *, const char *, int, unsigned int, sqlite3_stmt **, const char **);
} evd_sqlite_table;

#define EVD_AT(entry, number)                                                              \
    _Static_assert(offsetof(evd_sqlite_table, entry) == (number) * sizeof(evd_entry), #entry " has the number " #number)

EVD_AT(bind_blob, 2);
EVD_AT(bind_int64, 5);
EVD_AT(bind_null, 6);
EVD_AT(bind_text, 10);
EVD_AT(errmsg, 53);
EVD_AT(finalize, 57);
EVD_AT(get_autocommit, 60);
EVD_AT(libversion_number, 67);
EVD_AT(reset, 77);
EVD_AT(step, 94);
EVD_AT(clear_bindings, 118);
EVD_AT(extended_errcode, 166);
EVD_AT(prepare_v3, 217);

#define EVD_SQLITE_OK 0
#define EVD_SQLITE_ROW 100
#define EVD_SQLITE_DONE 101
#define EVD_SQLITE_PREPARE_PERSISTENT 1u

#endif
