/* LD_PRELOAD shim: fsync and fdatasync take SLOW_SYNC_US µs longer, as on a cloud disk (3 ms where it is not set). */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void be_slow(void) {
    const char *set = getenv("SLOW_SYNC_US");
    long us = set ? atol(set) : 3000;
    struct timespec rest = {us / 1000000, us % 1000000 * 1000};
    while (nanosleep(&rest, &rest) == -1) {
    }
}

int fsync(int file) {
    be_slow();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    be_slow();
    return (int)syscall(SYS_fdatasync, file);
}
