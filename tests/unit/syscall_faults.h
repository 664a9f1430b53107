/* System calls on files that fail, or end the process, at a chosen one. A program that includes it
 * is linked with the option --wrap for each of the calls below. To be included by one file of a
 * program. */
#ifndef WEIR_TESTS_SYSCALL_FAULTS_H
#define WEIR_TESTS_SYSCALL_FAULTS_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault_how {
    FAULT_NONE,
    FAULT_ERROR,      /* returns -1 with `code` */
    FAULT_SHORT,      /* a write writes half of it, the next one fails; others fail */
    FAULT_END_BEFORE, /* the process ends */
    FAULT_END_HALF,   /* half of a write is done, then it ends */
    FAULT_END_AFTER,
};

static struct {
    enum fault_how how;
    unsigned long calls; /* so far */
    unsigned long first; /* the number of the call that it happens to, from 1; 0: none */
    unsigned long last;  /* and up to this one */
    int code;            /* errno */
    bool reads_too;
    unsigned long syncs;          /* calls of fsync and fdatasync */
    void (*after)(void *context); /* every call that changed something, or NULL */
    void *context;
} faults;

ssize_t __real_pread(int fd, void *bytes, size_t length, off_t offset);
ssize_t __real_pwrite(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __real_pwritev(int fd, const struct iovec *parts, int count, off_t offset);
int __real_ftruncate(int fd, off_t length);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_unlinkat(int directory, const char *path, int flags);
int __real_openat(int directory, const char *path, int flags, ...);

ssize_t __wrap_pread(int fd, void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t offset);
int __wrap_ftruncate(int fd, off_t length);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_unlinkat(int directory, const char *path, int flags);
int __wrap_openat(int directory, const char *path, int flags, ...);

static bool fault_strikes(void)
{
    faults.calls++;
    return faults.first > 0 && faults.calls >= faults.first && faults.calls <= faults.last;
}

/* True: the call is not to be done. */
static bool fault_before(bool strikes)
{
    if (!strikes)
        return false;
    if (faults.how == FAULT_END_BEFORE)
        _exit(0);
    errno = faults.code;
    return faults.how == FAULT_ERROR || faults.how == FAULT_SHORT;
}

static ssize_t fault_after(bool strikes, ssize_t result)
{
    if (strikes && faults.how >= FAULT_END_HALF)
        _exit(0);
    const int code = errno;
    if (faults.after)
        faults.after(faults.context);
    errno = code;
    return result;
}

static bool fault_is_half(bool strikes)
{
    return strikes && (faults.how == FAULT_END_HALF ||
                       (faults.how == FAULT_SHORT && faults.calls == faults.first));
}

ssize_t __wrap_pread(int fd, void *bytes, size_t length, off_t offset)
{
    if (faults.reads_too && fault_before(fault_strikes()))
        return -1;
    return __real_pread(fd, bytes, length, offset);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    const bool strikes = fault_strikes();
    if (fault_is_half(strikes) && length > 1)
        return fault_after(strikes, __real_pwrite(fd, bytes, length / 2, offset));
    return fault_before(strikes) ? -1
                                 : fault_after(strikes, __real_pwrite(fd, bytes, length, offset));
}

/* Half of it is the first part and half of the second. */
ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    const bool strikes = fault_strikes();
    struct iovec half[2] = {parts[0], parts[1]};
    half[1].iov_len /= 2;
    if (faults.calls % 2 == 0) {
        half[0].iov_len /= 2; /* or half of the first alone */
        half[1].iov_len = 0;
    }
    if (fault_is_half(strikes))
        return fault_after(strikes, __real_pwritev(fd, half, 2, offset));
    return fault_before(strikes) ? -1
                                 : fault_after(strikes, __real_pwritev(fd, parts, count, offset));
}

int __wrap_ftruncate(int fd, off_t length)
{
    const bool strikes = fault_strikes();
    return fault_before(strikes) ? -1 : (int)fault_after(strikes, __real_ftruncate(fd, length));
}

int __wrap_fdatasync(int fd)
{
    faults.syncs++;
    const bool strikes = fault_strikes();
    return fault_before(strikes) ? -1 : (int)fault_after(strikes, __real_fdatasync(fd));
}

int __wrap_fsync(int fd)
{
    faults.syncs++;
    const bool strikes = fault_strikes();
    return fault_before(strikes) ? -1 : (int)fault_after(strikes, __real_fsync(fd));
}

int __wrap_unlinkat(int directory, const char *path, int flags)
{
    const bool strikes = fault_strikes();
    return fault_before(strikes)
               ? -1
               : (int)fault_after(strikes, __real_unlinkat(directory, path, flags));
}

int __wrap_openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    const bool strikes = fault_strikes();
    return fault_before(strikes)
               ? -1
               : (int)fault_after(strikes, __real_openat(directory, path, flags, mode));
}

#endif
