/* Stands before the C library in a node under test (LD_PRELOAD): its wall clock is off by what a
 * shared file says, whenever that changes, and the n-th call on files below a folder is refused.
 * The monotonic clock, and files elsewhere, are left alone. See shim.py. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct control {
    int64_t offset_ns;    /* added to the wall clock */
    int64_t synchronised; /* what ntp_adjtime says */
    int64_t calls;        /* counted so far */
    int64_t first, last;  /* refuse these; none when first is 0 */
    int64_t every;        /* or one in so many; none when 0 */
    int64_t error;        /* with this errno */
    int64_t reads;        /* reading counts too */
    int64_t refused;      /* how many were */
};

static struct control nothing, *control = &nothing;
static const char *folder = "";
static unsigned char ours[65536]; /* file descriptors below the folder */

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("SHIM_CONTROL");
    int file = path ? REAL(open)(path, O_RDWR | O_CLOEXEC) : -1;
    void *shared = MAP_FAILED;
    if (file >= 0) {
        shared = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        REAL(close)(file);
    }
    if (shared != MAP_FAILED) control = shared;
    if (getenv("SHIM_FOLDER")) folder = getenv("SHIM_FOLDER");
}

/* --- the wall clock --- */

int clock_gettime(clockid_t clock, struct timespec *ts)
{
    static __typeof__(&clock_gettime) next;
    if (!next) next = REAL(clock_gettime);
    int result = next(clock, ts);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t ns = ts->tv_sec * 1000000000LL + ts->tv_nsec + control->offset_ns;
        ts->tv_sec = ns / 1000000000LL;
        ts->tv_nsec = ns % 1000000000LL;
    }
    return result;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    struct timespec ts;
    int result = clock_gettime(CLOCK_REALTIME, &ts);
    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;
    return result;
}

time_t time(time_t *where)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (where) *where = ts.tv_sec;
    return ts.tv_sec;
}

int ntp_adjtime(struct timex *tx)
{
    int result = REAL(ntp_adjtime)(tx);
    if (control->synchronised) tx->status &= ~STA_UNSYNC;
    return control->synchronised ? TIME_OK : result;
}

/* --- files --- */

static int refused(int below, int reading)
{
    if (!below || !control->error || (reading && !control->reads)) return 0;
    int64_t number = __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
    int chosen = control->first && number >= control->first && number <= control->last;
    uint32_t lot = (uint32_t)number * 2654435761u; /* no rhythm that a retry could fall into */
    if (control->every && (lot >> 8) % (uint32_t)control->every == 0) chosen = 1;
    if (chosen) {
        __atomic_add_fetch(&control->refused, 1, __ATOMIC_SEQ_CST);
        errno = (int)control->error;
    }
    return chosen;
}

static int below(const char *path) { return *folder && !strncmp(path, folder, strlen(folder)); }
static int is_ours(int fd) { return fd >= 0 && fd < (int)sizeof ours && ours[fd]; }

#define OPEN(name)                                                          \
    int name(const char *path, int flags, ...)                              \
    {                                                                       \
        va_list more;                                                       \
        va_start(more, flags);                                              \
        mode_t mode = va_arg(more, mode_t);                                 \
        va_end(more);                                                       \
        int mine = below(path);                                             \
        if (refused(mine, (flags & O_ACCMODE) == O_RDONLY)) return -1;      \
        int fd = ((int (*)(const char *, int, mode_t))real(#name))(path, flags, mode); \
        if (fd >= 0 && fd < (int)sizeof ours) ours[fd] = mine;              \
        return fd;                                                          \
    }
OPEN(open)
OPEN(open64)

int close(int fd)
{
    if (fd >= 0 && fd < (int)sizeof ours) ours[fd] = 0;
    return REAL(close)(fd);
}

#define ON_FILE(reading, type, name, parameters, ...)        \
    type name parameters                                     \
    {                                                        \
        if (refused(is_ours(fd), reading)) return (type)-1;  \
        return REAL(name)(__VA_ARGS__);                      \
    }
ON_FILE(1, ssize_t, read, (int fd, void *to, size_t size), fd, to, size)
ON_FILE(1, ssize_t, pread64, (int fd, void *to, size_t size, off64_t at), fd, to, size, at)
ON_FILE(0, ssize_t, write, (int fd, const void *from, size_t size), fd, from, size)
ON_FILE(0, ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at), fd, from, size, at)
ON_FILE(0, ssize_t, pwrite64, (int fd, const void *from, size_t size, off64_t at), fd, from, size, at)
ON_FILE(0, int, fsync, (int fd), fd)
ON_FILE(0, int, fdatasync, (int fd), fd)
ON_FILE(0, int, ftruncate64, (int fd, off64_t size), fd, size)

int posix_fallocate64(int fd, off64_t at, off64_t size)
{
    if (refused(is_ours(fd), 0)) return errno;
    return REAL(posix_fallocate64)(fd, at, size);
}

int rename(const char *from, const char *to)
{
    return refused(below(to), 0) ? -1 : REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    return refused(below(path), 0) ? -1 : REAL(mkdir)(path, mode);
}

int unlink(const char *path) { return refused(below(path), 0) ? -1 : REAL(unlink)(path); }
