/* Bounded reading of what a runtime left behind: regular files, and one GET over a unix socket.
 * Blocking. The sentence in `e` names the path and the mend. */
#ifndef WEIR_COLLECTORS_CONTAINER_FILES_READ_H
#define WEIR_COLLECTORS_CONTAINER_FILES_READ_H

#include "base/buf.h"

struct err;

/* Bytes of a file or an answer. A list of containers takes some 500 bytes a container, so this is
 * 8000 of them; everything else is far smaller. */
#define CONTAINER_FILE_MAX (4U * 1024 * 1024)

/* Says in `e` why `path` cannot be used, `error` being a negative errno. Returns -ENOENT (it is not
 * there), -EACCES (it may not be read) or -EBADMSG (anything else). */
int container_files_refused(const char *path, int error, struct err *e);

/* Appends the regular file `path` to `ret`, which is an empty buffer of CONTAINER_FILE_MAX. A link
 * in the last place, a pipe, a device are refused. 0, -ENOENT, -EACCES, -EBADMSG. */
int container_files_read(const char *path, struct buf *ret, struct err *e);

/* GET `target` from an HTTP server on the unix socket `path`, the body in `ret` as above; all of it
 * within one second. 0; -ENOENT (nobody listens, or the server knows no such thing), -EACCES,
 * -EBADMSG (too late, too large, not HTTP, any other status). */
int container_files_get(const char *path, const char *target, struct buf *ret, struct err *e);

#endif
