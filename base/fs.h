/* Small files: /proc and /sys entries and configuration. Blocking; not for the loop where a disk
 * may be slow. */
#ifndef WEIR_BASE_FS_H
#define WEIR_BASE_FS_H

#include <stddef.h>

struct buf;

/* Appends the whole file to `ret`; its maximum bounds the size. 0, -EMSGSIZE (larger), or the
 * negative errno. */
int fs_read_file(const char *path, struct buf *ret);
/* The same of an open file, from where it stands. */
int fs_read_descriptor(int descriptor, struct buf *ret);

/* Attribute for a descriptor that is closed when it leaves its scope; -1 is none. */
void fs_close_cleanup(int *fd);
#define CLEANUP_FD __attribute__((cleanup(fs_close_cleanup)))

#endif
