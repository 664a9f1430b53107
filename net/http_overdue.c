/* What it knows: what becomes of a connection whose time is over, in each of its states. Documents:
 * RFC 9110 section 15.5.9 (408), tcp(7). */
#include "net/http_connection.h"
#include "net/http_request.h"
#include "net/http_write.h"
#include "net/tls.h"

#define LOOK_AGAIN_MS 1000 /* at one that lingers and has not taken its answer */
#define MS_PER_SECOND 1000
/* What a reader must take on average over each write_timeout. A modem does; who takes a byte now
 * and then only wants the memory. */
#define LEAST_RATE_BYTES 1024 /* a second */
static void cut_off_reader(struct http_connection *c)
{
    c->server->refusals[HTTP_REFUSED_WRITE_TIMEOUT]++;
    http_connection_cut_off(c);
}

/* Has it taken enough since the last look, a write_timeout ago? */
static bool keeps_up(struct http_connection *c)
{
    uint64_t least = c->server->limits.write_timeout_ms * LEAST_RATE_BYTES / MS_PER_SECOND;
    uint64_t before = c->taken;
    c->taken = http_write_taken(c);
    return c->taken > before && c->taken - before >= least;
}

static void check_writing(struct http_connection *c)
{
    if (keeps_up(c))
        http_connection_set_deadline(c, c->server->limits.write_timeout_ms);
    else
        cut_off_reader(c);
}

/* The kernel still sends what the peer has not taken. */
static void check_lingering(struct http_connection *c)
{
    uint64_t now = uv_now(c->server->loop);
    if (http_write_in_kernel(c) <= HTTP_END_BYTES) {
        http_connection_close(c);
        return;
    }
    if (now - c->since_ms >= c->server->limits.write_timeout_ms) {
        if (!keeps_up(c)) {
            cut_off_reader(c);
            return;
        }
        c->since_ms = now;
    }
    http_connection_set_deadline(c, LOOK_AGAIN_MS);
}

static void refuse_late(struct http_connection *c)
{
    c->server->refusals[c->in_body ? HTTP_REFUSED_BODY_TIMEOUT : HTTP_REFUSED_HEADER_TIMEOUT]++;
    http_connection_refuse(c, 408, NULL, "The request was not complete in time.");
}

static void check_idle(struct http_connection *c)
{
    uint64_t idle_ms = uv_now(c->server->loop) - c->since_ms;
    uint64_t limit_ms = c->server->limits.idle_timeout_ms;
    if (http_write_in_kernel(c) > 0)
        cut_off_reader(c);
    else if (idle_ms < limit_ms)
        http_connection_set_deadline(c, limit_ms - idle_ms);
    else
        http_connection_close(c);
}

static void check_reading(struct http_connection *c)
{
    if (c->ahead) {
        http_connection_go_on(c);
    } else if (c->request) {
        refuse_late(c);
    } else if (c->asked) {
        check_idle(c);
    } else {
        if (c->begun && !tls_session_is_ready(c->tls))
            c->server->refusals[HTTP_REFUSED_HEADER_TIMEOUT]++;
        http_connection_close(c);
    }
}

void http_connection_overdue(struct http_connection *c)
{
    c->deadline_ms = HTTP_NEVER;
    if (c->state == HTTP_WRITING)
        check_writing(c);
    else if (c->state == HTTP_LINGERING)
        check_lingering(c);
    else
        check_reading(c);
}
