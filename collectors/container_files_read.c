/* What it knows: how to read a file that may be anything, and how to ask an HTTP/1.0 question that
 * ends in time. Documents: open(2), unix(7), RFC 1945. */
#include "collectors/container_files_read.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_STEP     16384 /* bytes: most files in one call, and small on a thread's stack */
#define REQUEST_MAX   256   /* bytes: a target of some 80 and the fixed lines */
#define CALL_LIMIT_MS 1000  /* CRI-O answers in a few ms; a round must not wait for a stuck one */
#define STATUS_SIZE   12    /* bytes: "HTTP/1.x NNN" */

int container_files_refused(const char *path, int error, struct err *e)
{
    switch (error) {
    case -ENOENT:
    case -ENOTDIR:
        return err_set(e, -ENOENT, "%s: not there", path);
    case -EACCES:
    case -EPERM:
        return err_set(e, -EACCES,
                       "%s: may not be read: give weir CAP_DAC_READ_SEARCH or run it as root",
                       path);
    case -ELOOP:
        return err_set(e, -EBADMSG, "%s: a symbolic link, expected a file", path);
    case -EMSGSIZE:
        return err_set(e, -EBADMSG, "%s: larger than %u bytes", path, CONTAINER_FILE_MAX);
    default:
        (void)err_set_errno(e, error, "%s: cannot be read", path);
        if (e)
            e->code = -EBADMSG;
        return -EBADMSG;
    }
}

int container_files_read(const char *path, struct buf *ret, struct err *e)
{
    /* O_NONBLOCK: the open of a pipe without a writer would not return. */
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return container_files_refused(path, -errno, e);
    if (!S_ISREG(status.st_mode))
        return err_set(e, -EBADMSG, "%s: not a regular file", path);
    int r = fs_read_descriptor(fd, ret);
    return r < 0 ? container_files_refused(path, r, e) : 0;
}

struct call {
    int fd;
    uint64_t deadline_ns; /* of clock_system's monotonic time */
};

/* Waits until the socket is ready for `events`. 0, -ETIMEDOUT, another negative errno. */
static int wait_ready(const struct call *call, short events)
{
    for (;;) {
        uint64_t now_ns = clock_monotonic_ns(&clock_system);
        if (now_ns >= call->deadline_ns)
            return -ETIMEDOUT;
        struct pollfd ready = {.fd = call->fd, .events = events};
        int left_ms = (int)((call->deadline_ns - now_ns) / NS_PER_MS) + 1;
        int count = poll(&ready, 1, left_ms);
        if (count > 0)
            return 0;
        if (count < 0 && errno != EINTR)
            return -errno;
    }
}

/* Blocking with a limit: a connect that does not block fails at once where a queue is full, and
 * there is no way to wait for it. */
static int connect_socket(int fd, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = CALL_LIMIT_MS / 1000};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path)
        return access(path, F_OK) < 0 ? -errno : -ENAMETOOLONG;
    memcpy(address.sun_path, path, length);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return 0;
    switch (errno) {
    case ECONNREFUSED: /* the socket of a server that has ended */
        return -ENOENT;
    case EAGAIN:
        return -ETIMEDOUT;
    default:
        return -errno;
    }
}

static int send_request(const struct call *call, const char *target)
{
    char request[REQUEST_MAX];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.0\r\nHost: crio\r\nConnection: close\r\n\r\n", target);
    assert(length > 0 && (size_t)length < sizeof request);
    for (size_t sent = 0; sent < (size_t)length;) {
        int r = wait_ready(call, POLLOUT);
        if (r < 0)
            return r;
        ssize_t more =
            send(call->fd, request + sent, (size_t)length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (more < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        sent += more > 0 ? (size_t)more : 0;
    }
    return 0;
}

static int receive_answer(const struct call *call, struct buf *ret)
{
    for (;;) {
        char step[READ_STEP];
        int r = wait_ready(call, POLLIN);
        if (r < 0)
            return r;
        ssize_t got = recv(call->fd, step, sizeof step, MSG_DONTWAIT);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        r = got > 0 ? buf_add(ret, step, (size_t)got) : 0;
        if (r < 0)
            return r;
    }
}

static int exchange(const char *path, const char *target, struct buf *answer)
{
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    const struct call call = {
        .fd = fd,
        .deadline_ns = clock_monotonic_ns(&clock_system) + CALL_LIMIT_MS * NS_PER_MS,
    };
    int r = connect_socket(fd, path);
    if (r == 0)
        r = send_request(&call, target);
    if (r == 0)
        r = receive_answer(&call, answer);
    return r;
}

/* The status of an answer and where its body begins. To HTTP/1.0 a server must not answer in
 * chunks: the body is all that follows. */
static int split_answer(const struct buf *answer, unsigned *ret_status, size_t *ret_body)
{
    static const char end[] = "\r\n\r\n";
    const char *header_end = NULL;
    uint64_t status = 0;
    if (answer->length < STATUS_SIZE || !text_starts_with(answer->data, "HTTP/1.") ||
        answer->data[8] != ' ' || text_parse_u64(answer->data + 9, 3, &status) < 0)
        return -EBADMSG;
    header_end = memmem(answer->data, answer->length, end, strlen(end));
    if (!header_end)
        return -EBADMSG;
    *ret_status = (unsigned)status;
    *ret_body = (size_t)(header_end - answer->data) + strlen(end);
    return 0;
}

int container_files_get(const char *path, const char *target, struct buf *ret, struct err *e)
{
    struct buf answer;
    unsigned status = 0;
    size_t body = 0;
    buf_init(&answer, CONTAINER_FILE_MAX);
    int r = exchange(path, target, &answer);
    if (r == -ETIMEDOUT)
        r = err_set(e, -EBADMSG, "GET %s from %s: no whole answer within %d ms", target, path,
                    CALL_LIMIT_MS);
    else if (r < 0)
        r = container_files_refused(path, r, e);
    else if (split_answer(&answer, &status, &body) < 0)
        r = err_set(e, -EBADMSG, "GET %s from %s: the answer is not HTTP", target, path);
    else if (status == 404)
        r = err_set(e, -ENOENT, "GET %s from %s: not known there", target, path);
    else if (status != 200)
        r = err_set(e, -EBADMSG, "GET %s from %s: status %u", target, path, status);
    else
        r = buf_add(ret, answer.data + body, answer.length - body);
    buf_done(&answer);
    return r;
}
