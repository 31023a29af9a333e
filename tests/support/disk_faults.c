/* LD_PRELOAD shim: a disk that fails as the file $DISK_FAULT says: "hang" (fsync and fdatasync do not return as long as
   it says so), "slow" (they take 50 ms more), "sync" (they fail with EIO); what is written to a file whose name begins
   with evd.db fails with EDQUOT ("quota") or EIO ("write"), or is written half and then fails with EIO ("torn").

   And a clock that is $DISK_FAULT's number of seconds off, if it says "clock NUMBER". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void read_fault(char said[32]) {
    const char *path = getenv("DISK_FAULT");
    int file = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    memset(said, 0, 32);
    if (file < 0) return;
    syscall(SYS_read, file, said, 31);
    syscall(SYS_close, file);
}

static int says(const char *word) {
    char said[32];
    read_fault(said);
    return strncmp(said, word, strlen(word)) == 0;
}

static long seconds_off(void) {
    char said[32];
    read_fault(said);
    return strncmp(said, "clock ", 6) == 0 ? atol(said + 6) : 0;
}

static void wait_for_the_disk(void) {
    struct timespec rest = {0, 20 * 1000 * 1000};
    while (says("hang")) nanosleep(&rest, NULL);
    rest.tv_nsec = 50 * 1000 * 1000;
    if (says("slow")) nanosleep(&rest, NULL);
}

static int of_the_database(int file) {
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length <= 0) return 0;
    name[length] = 0;
    const char *base = strrchr(name, '/');
    return base && strncmp(base, "/evd.db", 7) == 0;
}

static int failed(int number) {
    errno = number;
    return -1;
}

int fsync(int file) {
    wait_for_the_disk();
    return says("sync") ? failed(EIO) : (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    wait_for_the_disk();
    return says("sync") ? failed(EIO) : (int)syscall(SYS_fdatasync, file);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    if (says("quota") && of_the_database(file)) return failed(EDQUOT);
    if (says("write") && of_the_database(file)) return failed(EIO);
    if (says("torn") && of_the_database(file)) {
        syscall(SYS_pwrite64, file, bytes, count / 2, at);
        return failed(EIO);
    }
    return syscall(SYS_pwrite64, file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    return pwrite64(file, bytes, count, at);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += seconds_off();
    return result;
}
