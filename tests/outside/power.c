/* What a process asks of its disk, in order: preloaded (LD_PRELOAD) it writes every change below POWER_FOLDER to POWER_JOURNAL,
   so that a test can work out what a disk would hold whose power failed there. Of what happens it changes nothing, unless POWER_ERROR
   asks for a disk that answers with an error: "r7" fails the seventh reading below the folder with EIO, "w7" the seventh writing, "s7" the
   seventh syncing; "s7+" that one and all that follow. How many of each there were is written to POWER_COUNT at the end.

   A record: one letter, the inode (8 bytes), an offset (8), lengths of a path, of another path and of the data (8 each), then these. All
   numbers little-endian.
     c  a file is made        path
     d  a folder is made      path
     r  a rename              path, other path
     u  an unlink             path
     w  a write               inode, offset, data
     t  cut or stretched      inode, length (as offset)
     s  a file is synced      inode
     f  a folder is synced    path
     l  a file is not synced  inode: what was not on the disk yet is given up, as Linux does, and a later sync does not bring it
   Built by the test with `cc -shared -fPIC`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static int journal = -1;
static const char *folder;
static size_t folder_length;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("POWER_JOURNAL");
    folder = getenv("POWER_FOLDER");
    if (path && folder) {
        folder_length = strlen(folder);
        journal = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
}

/* The kind of call that fails, from which one on, and whether all that follow do. */
static char failing;
static unsigned long fails_at, reads, writes, syncs;
static int fails_on;

__attribute__((constructor)) static void asked(void) {
    const char *error = getenv("POWER_ERROR");
    if (!error || !*error) return;
    char *end;
    failing = error[0];
    fails_at = strtoul(error + 1, &end, 10);
    fails_on = *end == '+';
}

__attribute__((destructor)) static void counted(void) {
    const char *path = getenv("POWER_COUNT");
    FILE *out = path ? fopen(path, "w") : 0;
    if (!out) return;
    fprintf(out, "%lu %lu %lu", reads, writes, syncs);
    fclose(out);
}

static int path_of(int fd, char *out, size_t size);

/* Counts a call; whether it is to fail. */
static int fails(char kind, int fd) {
    char path[4096];
    if (!path_of(fd, path, sizeof path)) return 0;
    unsigned long *count = kind == 'r' ? &reads : kind == 'w' ? &writes : &syncs;
    *count += 1;
    if (kind != failing || (fails_on ? *count < fails_at : *count != fails_at)) return 0;
    return 1;
}

static int ours(const char *path) { return journal >= 0 && path && !strncmp(path, folder, folder_length); }

/* The path of an open file; only what is below the folder counts. */
static int path_of(int fd, char *out, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, out, size - 1);
    if (length <= 0) return 0;
    out[length] = 0;
    return ours(out);
}

static uint64_t inode_of(int fd) {
    struct stat it;
    return fstat(fd, &it) ? 0 : it.st_ino;
}

static void put(const void *bytes, size_t length) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t done = REAL(write)(journal, at, length);
        if (done <= 0) abort();
        at += done;
        length -= (size_t)done;
    }
}

static void note(char what, uint64_t inode, uint64_t offset, const char *a, const char *b, const void *data, size_t length) {
    uint64_t numbers[5] = {inode, offset, a ? strlen(a) : 0, b ? strlen(b) : 0, length};
    put(&what, 1);
    put(numbers, sizeof numbers);
    if (a) put(a, numbers[2]);
    if (b) put(b, numbers[3]);
    if (length) put(data, length);
}

/* A path as the process meant it, made absolute. The folder itself is given absolute, and so is what is opened there. */
static int whole(int at, const char *path, char *out, size_t size) {
    if (path[0] == '/') { snprintf(out, size, "%s", path); return ours(out); }
    char base[2048];
    if (at == AT_FDCWD) { if (!getcwd(base, sizeof base)) return 0; }
    else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length <= 0) return 0;
        base[length] = 0;
    }
    snprintf(out, size, "%s/%s", base, path);
    return ours(out);
}

static int opening(int at, const char *path, int flags, mode_t mode, int (*real)(int, const char *, int, ...)) {
    char full[4096];
    if (!(flags & (O_CREAT | O_TRUNC)) || !whole(at, path, full, sizeof full)) return real(at, path, flags, mode);
    pthread_mutex_lock(&lock);
    int was = !access(full, F_OK);
    int fd = real(at, path, flags, mode), kept = errno;
    if (fd >= 0) {
        if (!was) note('c', inode_of(fd), 0, full, 0, 0, 0);
        else if (flags & O_TRUNC) note('t', inode_of(fd), 0, 0, 0, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    errno = kept;
    return fd;
}

static mode_t mode_of(int flags, va_list list) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; }

#define OPEN(name, at_name) \
    int name(const char *path, int flags, ...) { \
        va_list list; va_start(list, flags); mode_t mode = mode_of(flags, list); va_end(list); \
        return opening(AT_FDCWD, path, flags, mode, (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #at_name)); \
    } \
    int at_name(int at, const char *path, int flags, ...) { \
        va_list list; va_start(list, flags); mode_t mode = mode_of(flags, list); va_end(list); \
        return opening(at, path, flags, mode, (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #at_name)); \
    }
OPEN(open, openat)
OPEN(open64, openat64)

static void wrote(int fd, uint64_t offset, const void *data, ssize_t done) {
    char path[4096];
    if (done > 0 && path_of(fd, path, sizeof path)) note('w', inode_of(fd), offset, 0, 0, data, (size_t)done);
}

ssize_t write(int fd, const void *data, size_t length) {
    if (journal < 0 || fd == journal) return REAL(write)(fd, data, length);
    pthread_mutex_lock(&lock);
    if (fails('w', fd)) { pthread_mutex_unlock(&lock); errno = EIO; return -1; }
    ssize_t done = REAL(write)(fd, data, length);
    int kept = errno;
    /* Where it went follows from where the file stands now; an appending one too. */
    off_t now = done > 0 ? lseek(fd, 0, SEEK_CUR) : -1;
    if (now >= done) wrote(fd, (uint64_t)(now - done), data, done);
    pthread_mutex_unlock(&lock);
    errno = kept;
    return done;
}

#define PWRITE(name, type) \
    ssize_t name(int fd, const void *data, size_t length, type offset) { \
        pthread_mutex_lock(&lock); \
        if (fails('w', fd)) { pthread_mutex_unlock(&lock); errno = EIO; return -1; } \
        ssize_t done = REAL(name)(fd, data, length, offset); \
        int kept = errno; \
        wrote(fd, (uint64_t)offset, data, done); \
        pthread_mutex_unlock(&lock); \
        errno = kept; \
        return done; \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t read(int fd, void *data, size_t length) {
    pthread_mutex_lock(&lock);
    int failed = journal >= 0 && fails('r', fd);
    pthread_mutex_unlock(&lock);
    if (failed) { errno = EIO; return -1; }
    return REAL(read)(fd, data, length);
}

#define PREAD(name, type) \
    ssize_t name(int fd, void *data, size_t length, type offset) { \
        pthread_mutex_lock(&lock); \
        int failed = journal >= 0 && fails('r', fd); \
        pthread_mutex_unlock(&lock); \
        if (failed) { errno = EIO; return -1; } \
        return REAL(name)(fd, data, length, offset); \
    }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

#define CUT(name, type) \
    int name(int fd, type length) { \
        pthread_mutex_lock(&lock); \
        int done = REAL(name)(fd, length), kept = errno; \
        char path[4096]; \
        if (!done && path_of(fd, path, sizeof path)) note('t', inode_of(fd), (uint64_t)length, 0, 0, 0, 0); \
        pthread_mutex_unlock(&lock); \
        errno = kept; \
        return done; \
    }
CUT(ftruncate, off_t)
CUT(ftruncate64, off64_t)

#define SYNC(name) \
    int name(int fd) { \
        pthread_mutex_lock(&lock); \
        char path[4096]; \
        struct stat it; \
        if (fails('s', fd)) { \
            if (!fstat(fd, &it) && !S_ISDIR(it.st_mode)) note('l', it.st_ino, 0, 0, 0, 0, 0); \
            pthread_mutex_unlock(&lock); \
            errno = EIO; \
            return -1; \
        } \
        int done = REAL(name)(fd), kept = errno; \
        if (!done && path_of(fd, path, sizeof path) && !fstat(fd, &it)) { \
            if (S_ISDIR(it.st_mode)) note('f', it.st_ino, 0, path, 0, 0, 0); \
            else note('s', it.st_ino, 0, 0, 0, 0, 0); \
        } \
        pthread_mutex_unlock(&lock); \
        errno = kept; \
        return done; \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
    char a[4096], b[4096];
    pthread_mutex_lock(&lock);
    int done = REAL(rename)(from, to), kept = errno;
    if (!done && whole(AT_FDCWD, from, a, sizeof a) && whole(AT_FDCWD, to, b, sizeof b)) note('r', 0, 0, a, b, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = kept;
    return done;
}

int unlink(const char *path) {
    char full[4096];
    pthread_mutex_lock(&lock);
    int done = REAL(unlink)(path), kept = errno;
    if (!done && whole(AT_FDCWD, path, full, sizeof full)) note('u', 0, 0, full, 0, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = kept;
    return done;
}

int mkdir(const char *path, mode_t mode) {
    char full[4096];
    pthread_mutex_lock(&lock);
    int done = REAL(mkdir)(path, mode), kept = errno;
    if (!done && whole(AT_FDCWD, path, full, sizeof full)) note('d', 0, 0, full, 0, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = kept;
    return done;
}
