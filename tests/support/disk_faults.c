/* LD_PRELOAD shim: a disk that fails as the file $DISK_FAULT says: "hang" (fsync and fdatasync do not return as long as
   it says so), "quota" (what is written to a file whose name begins with evd.db fails with EDQUOT). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int says(const char *word) {
    char said[16] = "";
    const char *path = getenv("DISK_FAULT");
    int file = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    syscall(SYS_read, file, said, sizeof said - 1);
    syscall(SYS_close, file);
    return strncmp(said, word, strlen(word)) == 0;
}

static void hang(void) {
    struct timespec rest = {0, 20 * 1000 * 1000};
    while (says("hang")) nanosleep(&rest, NULL);
}

static int over_quota(int file) {
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length <= 0) return 0;
    name[length] = 0;
    const char *base = strrchr(name, '/');
    return base && strncmp(base, "/evd.db", 7) == 0 && says("quota");
}

int fsync(int file) {
    hang();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    hang();
    return (int)syscall(SYS_fdatasync, file);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    if (over_quota(file)) {
        errno = EDQUOT;
        return -1;
    }
    return syscall(SYS_pwrite64, file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    return pwrite64(file, bytes, count, at);
}
