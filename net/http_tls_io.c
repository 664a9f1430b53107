/* What it knows: how a connection's TLS session is fed and ended. Documents: net/tls.h, RFC 8446
 * section 6.1 (closing). */
#include "net/http_tls_io.h"

#include "base/buf.h"
#include "net/http_connection.h"
#include "net/http_write.h"
#include "net/tls.h"

#include <errno.h>

/* Of one read: our certificates, which no key file of a page's length exceeds. */
#define OUT_MAX_BYTES (128 * 1024)

int http_tls_read(struct http_connection *c, const char *bytes, size_t length, struct buf *plain)
{
    struct buf out;
    buf_init(&out, OUT_MAX_BYTES);
    buf_init(plain, HTTP_AHEAD_MAX_BYTES);
    int r = tls_session_feed(c->tls, bytes, length, plain, &out);
    int sent = http_write_raw(c, &out);
    return r == 0 ? sent : r;
}

void http_tls_end(struct http_connection *c)
{
    struct buf out;
    if (!c->tls || !tls_session_is_ready(c->tls))
        return;
    buf_init(&out, OUT_MAX_BYTES);
    tls_session_end(c->tls, &out);
    (void)http_write_raw(c, &out); /* without it the peer is none the worse: answers say how long
                                      they are */
}

void http_tls_drop(struct http_connection *c)
{
    tls_session_free(c->tls);
    c->tls = NULL;
}
