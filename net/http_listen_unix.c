/* What it knows: how a unix socket gets its file without being open to anybody it is not meant for,
 * and which files in its way may be removed. Documents: unix(7), bind(2), inode(7), open(2)
 * (O_PATH). */
#include "net/http_listen_unix.h"

#include "net/http_listen.h"
#include "net/http_listen_address.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define GROUP_BYTES     1024 /* of a group's entry at first; its members take most of it */
#define GROUP_BYTES_MAX (1024 * 1024)
#define LINK_BYTES      32 /* "/proc/self/fd/2147483647" */

#define NO_GROUP ((gid_t)-1) /* as chown(2) has it */

static struct sockaddr_un to_sockaddr(const struct http_listen_address *a)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    _Static_assert(sizeof to.sun_path == sizeof a->path, "the path has its place");
    memcpy(to.sun_path, a->path, sizeof a->path);
    return to;
}

/* 0, -ENOENT, -ERANGE (more than `bytes` are needed) or another negative errno. */
static int look_up_group(const char *name, size_t bytes, gid_t *ret_gid)
{
    struct group group;
    struct group *found = NULL;
    char *text = alloc_bytes(bytes);
    int r = getgrnam_r(name, &group, text, bytes, &found);
    if (found)
        *ret_gid = group.gr_gid;
    free(text);
    if (r != 0 && r != ESRCH) /* the sources of groups differ in how they say that there is none */
        return -r;
    return found ? 0 : -ENOENT;
}

static int find_group(const struct http_listen_address *a, struct err *e, gid_t *ret_gid)
{
    int r = -ERANGE;
    if (a->group[0] == '\0') {
        *ret_gid = NO_GROUP;
        return 0;
    }
    for (size_t bytes = GROUP_BYTES; r == -ERANGE && bytes <= GROUP_BYTES_MAX; bytes *= 4)
        r = look_up_group(a->group, bytes, ret_gid);
    if (r == -ENOENT)
        return err_set(e, r,
                       "cannot listen on unix:%s: this host has no group \"%.64s\"; create it or "
                       "name one that 'getent group' lists",
                       a->path, a->group);
    if (r < 0)
        return err_set_errno(e, r, "cannot listen on unix:%s: looking up the group \"%.64s\"",
                             a->path, a->group);
    return 0;
}

/* 0: somebody listens; -ECONNREFUSED: nobody; or why it cannot be told. Non-blocking, because a
 * full queue would make it wait. */
static int probe(const struct http_listen_address *a)
{
    const struct sockaddr_un to = to_sockaddr(a);
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return 0;
    /* EPROTOTYPE: a socket of another type, which is somebody's too. */
    return errno == EAGAIN || errno == EPROTOTYPE ? 0 : -errno;
}

static bool is_same(const char *path, dev_t device, ino_t inode)
{
    struct stat now;
    return lstat(path, &now) == 0 && S_ISSOCK(now.st_mode) && now.st_dev == device &&
           now.st_ino == inode;
}

/* Removes a socket file that a dead process left; anything else is not ours to remove. */
static int clear_way(const struct http_listen_address *a, struct err *e)
{
    struct stat before;
    if (lstat(a->path, &before) < 0)
        return errno == ENOENT ? 0 : err_set_errno(e, -errno, "cannot look at %s", a->path);
    if (!S_ISSOCK(before.st_mode))
        return err_set(e, -EEXIST,
                       "cannot listen on unix:%s: there is a file that is no socket; remove it or "
                       "choose another path",
                       a->path);
    int r = probe(a);
    if (r == 0)
        return err_set(
            e, -EADDRINUSE,
            "cannot listen on unix:%s: a program listens there; stop it ('ss -lxp' names "
            "it) or choose another path",
            a->path);
    if (r == -ENOENT)
        return 0;
    if (r != -ECONNREFUSED)
        return err_set_errno(
            e, r,
            "cannot listen on unix:%s: there is a socket, and whether it is in use "
            "cannot be told; remove it or choose another path",
            a->path);
    if (is_same(a->path, before.st_dev, before.st_ino) && unlink(a->path) < 0 && errno != ENOENT)
        return err_set_errno(e, -errno,
                             "cannot listen on unix:%s: a socket that nobody listens on is in the "
                             "way and cannot be removed",
                             a->path);
    return 0;
}

/* The file is made closed for all: Linux takes its mode from the socket, less the umask, which
 * belongs to all threads and is left alone. */
static int bind_closed(int fd, const struct http_listen_address *a, struct err *e)
{
    const struct sockaddr_un to = to_sockaddr(a);
    if (fchmod(fd, 0) < 0)
        return err_set_errno(e, -errno, "cannot listen on unix:%s: fchmod of a socket", a->path);
    int r = bind(fd, (const struct sockaddr *)&to, sizeof to);
    if (r < 0 && errno == EADDRINUSE) {
        int cleared = clear_way(a, e);
        if (cleared < 0)
            return cleared;
        r = bind(fd, (const struct sockaddr *)&to, sizeof to);
    }
    if (r == 0)
        return 0;
    return err_set_errno(e, -errno,
                         "cannot listen on unix:%s: cannot make the socket file (does its folder "
                         "exist, and may weir write there?)",
                         a->path);
}

/* By descriptor, so that it is this file whatever the path means by now. fchmod(2) refuses one that
 * was opened with O_PATH, and a socket file opens in no other way; proc(5) has the way round. */
static int set_access(int file, const struct http_listen_address *a, gid_t gid, struct err *e)
{
    char link[LINK_BYTES];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (gid != NO_GROUP && fchownat(file, "", (uid_t)-1, gid, AT_EMPTY_PATH) < 0)
        return err_set_errno(e, -errno,
                             "cannot give unix:%s to the group \"%.64s\": only root and members of "
                             "the group may; make weir's user a member or leave the group out",
                             a->path, a->group);
    if (chmod(link, a->mode) < 0)
        return err_set_errno(e, -errno, "cannot give unix:%s the mode %04o", a->path,
                             (unsigned)a->mode);
    return 0;
}

/* Nobody can connect before listen(2), whatever the mode. */
static int open_up(const struct http_listen_address *a, gid_t gid, struct err *e,
                   struct http_listen *l)
{
    struct stat made;
    CLEANUP_FD int file = open(a->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0 || fstat(file, &made) < 0)
        return err_set_errno(e, -errno, "cannot listen on unix:%s: the socket file has gone",
                             a->path);
    if (!S_ISSOCK(made.st_mode))
        return err_set(e, -EEXIST,
                       "cannot listen on unix:%s: somebody else put a file in the socket's place; "
                       "choose a folder where only weir may write",
                       a->path);
    l->device = made.st_dev;
    l->inode = made.st_ino;
    /* A sandbox may forbid chown(2) even where it changes nothing. */
    return set_access(file, a, gid == made.st_gid ? NO_GROUP : gid, e);
}

int http_listen_unix_open(const struct http_listen_address *a, int backlog, struct err *e,
                          struct http_listen *ret)
{
    gid_t gid = NO_GROUP;
    int r = find_group(a, e, &gid);
    if (r < 0)
        return r;
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_errno(e, -errno, "cannot listen on unix:%s", a->path);
    r = bind_closed(fd, a, e);
    if (r < 0)
        return r;
    struct http_listen l = {.fd = fd, .path = alloc_string(a->path)};
    r = open_up(a, gid, e, &l);
    if (r == 0 && listen(fd, backlog) < 0)
        r = err_set_errno(e, -errno, "cannot listen on unix:%s", a->path);
    if (r < 0) {
        http_listen_unix_remove(&l);
        free(l.path);
        return r;
    }
    *ret = l;
    fd = -1;
    return 0;
}

void http_listen_unix_remove(const struct http_listen *l)
{
    if (is_same(l->path, l->device, l->inode))
        (void)unlink(l->path); /* one that stays is replaced by the next start */
}
