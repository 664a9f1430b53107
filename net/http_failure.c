/* What it knows: which errno of connecting, reading and parsing means which reason, and the mend
 * for each. Documents: connect(2), unix(7), tcp(7). */
#include "net/http_failure.h"

#include "base/err.h"
#include "net/http_exchange.h"
#include "net/socket_denied.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <uv.h>

#define PATH_SHOWN "%.90s" /* of a request's path, so that the sentence keeps its mend */

/* A file that is no socket refuses a connection just as a socket nobody listens on. */
static enum reason refused_unix(const char *path, int error, struct err *e)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        err_set(e, error,
                "%s is a directory, not a socket: a container engine makes one when it is told to "
                "mount a path that is missing; remove it, start the server, mount it again",
                path);
        return REASON_NO_SOCKET;
    }
    if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        err_set(e, error, "%s is not a socket: give the path of the socket the server listens on",
                path);
        return REASON_NO_SOCKET;
    }
    err_set(e, error,
            "%s refused the connection: the socket is there and nobody listens on it; start the "
            "server it belongs to, e.g. systemctl start docker",
            path);
    return REASON_CONNECTION_REFUSED;
}

static enum reason connect_unix(const char *path, int error, struct err *e)
{
    switch (error) {
    case -ENOENT:
    case -ENOTDIR:
        err_set(e, error,
                "there is no socket at %s: start the server that makes it, or give the right path",
                path);
        return REASON_NO_SOCKET;
    case -EACCES:
    case -EPERM:
        socket_denied_explain(path, error, e);
        return REASON_PERMISSION_DENIED;
    case -ECONNREFUSED:
        return refused_unix(path, error, e);
    case -EAGAIN:
        err_set(e, error,
                "%s takes no more connections: the queue of its server is full; the server is "
                "stuck or overloaded, look at its log",
                path);
        return REASON_CONNECTION_FAILED;
    default:
        err_set(e, error, "connecting to %s failed: %s; look at the server's log", path,
                uv_strerror(error));
        return REASON_CONNECTION_FAILED;
    }
}

enum reason http_failure_connect(const char *where, const char *unix_path, int error, struct err *e)
{
    if (unix_path)
        return connect_unix(unix_path, error, e);
    if (error == -ECONNREFUSED) {
        err_set(e, error,
                "%s refused the connection: nobody listens on that port; start the server, or "
                "correct the address",
                where);
        return REASON_CONNECTION_REFUSED;
    }
    err_set(e, error, "connecting to %s failed: %s; check the name, the address and the network",
            where, uv_strerror(error));
    return REASON_CONNECTION_FAILED;
}

enum reason http_failure_answer(const char *where, const struct http_exchange *x, int error,
                                const char *detail, struct err *e)
{
    switch (error) {
    case -EBADMSG:
        err_set(e, error,
                "GET " PATH_SHOWN " at %s: the answer is not HTTP/1.1 (%.80s); is it the right "
                "socket or port, and without TLS?",
                x->path, where, detail);
        return REASON_MALFORMED;
    case -EMSGSIZE:
        err_set(e, error,
                "GET " PATH_SHOWN " at %s: the answer has a %s longer than %zu bytes, the limit; "
                "ask for less, or raise the limit if this is expected",
                x->path, where, http_exchange_is_stream(x) ? "line" : "body",
                x->options.max_body_bytes);
        return REASON_TOO_LARGE;
    case -E2BIG:
        err_set(e, error,
                "GET " PATH_SHOWN " at %s: the head of the answer is longer than 64 KiB; is it the "
                "right server?",
                x->path, where);
        return REASON_TOO_LARGE;
    case -ENODATA:
    case -ECONNRESET:
    case -EPIPE:
        err_set(e, error,
                "GET " PATH_SHOWN " at %s: the server closed the connection before the answer was "
                "whole; it was stopped or it crashed, look at its log",
                x->path, where);
        return REASON_ENDED_EARLY;
    default:
        err_set(e, error,
                "GET " PATH_SHOWN " at %s: the connection failed: %s; check the network and the "
                "server's log",
                x->path, where, uv_strerror(error));
        return REASON_CONNECTION_FAILED;
    }
}

enum reason http_failure_timeout(const char *where, const struct http_exchange *x,
                                 const char *doing, struct err *e)
{
    err_set(e, -ETIMEDOUT,
            "GET " PATH_SHOWN " at %s: no answer within %" PRIu64 " ms, while %s; the server is "
            "slow or stuck, look at its log, or allow more time",
            x->path, where, x->options.timeout_ms, doing);
    return REASON_TIMEOUT;
}
