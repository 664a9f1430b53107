/* What it knows: open, read until the end, close. */
#include "base/fs.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FS_READ_STEP 4096 /* bytes: one page, what a kernel file answers at a time */

void fs_close_cleanup(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* nothing was written, so nothing can be lost */
}

int fs_read_descriptor(int descriptor, struct buf *ret)
{
    for (;;) {
        char step[FS_READ_STEP];
        ssize_t got = read(descriptor, step, sizeof step);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return 0;
        int r = buf_add(ret, step, (size_t)got);
        if (r < 0)
            return r;
    }
}

int fs_read_file(const char *path, struct buf *ret)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fs_read_descriptor(fd, ret);
}
