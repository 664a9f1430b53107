/* What it knows: how a connection begins and how it ends. Documents: RFC 9112 section 9.6
 * (tear-down), socket(7) (SO_LINGER), tcp(7). */
#include "net/http_connection.h"

#include "base/alloc.h"
#include "net/http_request.h"
#include "net/http_tls_io.h"
#include "net/http_write.h"
#include "net/tls.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection closed while the peer still sends is reset, and the reset may destroy the answer
 * before the peer has read it (RFC 9112 section 9.6). So what still comes in is read for a while.
 */
#define LINGER_MS 1000 /* a peer on the same network closes within milliseconds */
/* Bytes the kernel keeps beyond what the peer's window takes (TCP_NOTSENT_LOWAT, tcp(7)); else a
 * peer that reads nothing pins up to tcp_wmem, 4 MB. Half a millisecond of a link of 1 Gbit/s:
 * 500 kB over loopback take as long as without. */
#define HTTP_UNSENT_BYTES (64 * 1024)

void http_connection_set_deadline(struct http_connection *c, uint64_t after_ms)
{
    c->deadline_ms = uv_now(c->server->loop) + after_ms;
    http_server_wake_at(c->server, c->deadline_ms);
}

/* The end. */

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *c = handle->data;
    struct http_server *s = c->server;
    free(c->ahead);
    free(c);
    http_server_handle_closed(s);
}

void http_connection_close(struct http_connection *c)
{
    struct http_server *s = c->server;
    if (c->state == HTTP_CLOSING)
        return;
    if (c->state == HTTP_WAITING)
        c->request->connection = NULL; /* the handler still has it; its answer goes nowhere */
    else
        http_request_free(c->request);
    c->request = NULL;
    http_tls_end(c);
    http_tls_drop(c);
    http_write_give_up(c);
    http_place_leave(c);
    http_peer_leave(&s->peers, c->peer);
    s->connection_count--;
    s->refused_count -= c->refused;
    c->state = HTTP_CLOSING;
    uv_close(&c->io.handle, on_closed);
    http_server_connection_gone(s);
}

/* A closed socket goes on sending for minutes: what nobody takes would be kernel memory that no
 * limit counts. */
void http_connection_cut_off(struct http_connection *c)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    int fd = -1;
    if (uv_fileno(&c->io.handle, &fd) == 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    http_connection_close(c);
}

void http_connection_evict(struct http_connection *c)
{
    if (c->state == HTTP_WRITING || http_write_in_kernel(c) > 0)
        http_connection_cut_off(c);
    else
        http_connection_close(c);
}

/* Shuts our side and waits for the peer to shut its own. */
void http_connection_linger(struct http_connection *c)
{
    int fd = -1;
    http_tls_end(c);
    http_tls_drop(c); /* what still comes is not looked at */
    bool is_over = c->peer_done && http_write_in_kernel(c) == 0;
    if (is_over || uv_fileno(&c->io.handle, &fd) < 0 || shutdown(fd, SHUT_WR) < 0) {
        http_connection_close(c);
        return;
    }
    free(c->ahead);
    c->ahead = NULL;
    c->state = HTTP_LINGERING;
    c->since_ms = uv_now(c->server->loop);
    c->taken = http_write_taken(c);
    if (!c->refused)
        http_place_put(c, c->asked ? HTTP_RANK_IDLE : HTTP_RANK_SILENT);
    http_connection_set_deadline(c, LINGER_MS);
    http_connection_start_reading(c);
}

/* The begin. */

static int open_stream(struct http_connection *c, int fd, int family)
{
    const int unsent = HTTP_UNSENT_BYTES;
    int r = 0;
    if (family == AF_UNIX) {
        r = uv_pipe_init(c->server->loop, &c->io.pipe, 0);
        assert(r == 0); /* neither makes a socket, so nothing can fail */
        return uv_pipe_open(&c->io.pipe, fd);
    }
    r = uv_tcp_init(c->server->loop, &c->io.tcp);
    assert(r == 0);
    r = uv_tcp_open(&c->io.tcp, fd);
    if (r < 0)
        return r;
    /* The last, short segment of an answer must not wait for an acknowledgement. */
    (void)uv_tcp_nodelay(&c->io.tcp, 1);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    return 0;
}

int http_connection_open(struct http_server *s, int fd, const struct sockaddr_storage *address,
                         struct http_peer *peer, bool refused)
{
    struct http_connection *c = alloc_zeroed(1, sizeof *c);
    c->server = s;
    c->peer = peer;
    c->refused = refused;
    c->local = http_peer_is_local(address);
    c->deadline_ms = HTTP_NEVER;
    c->rank = HTTP_RANKS;
    http_place_put(c, refused ? HTTP_RANK_HELD : HTTP_RANK_SILENT);
    s->handles++;
    s->connection_count++;
    s->refused_count += refused;
    int r = open_stream(c, fd, address->ss_family);
    c->io.handle.data = c;
    if (r < 0) {
        (void)close(fd);
        http_connection_close(c);
        return r;
    }
    if (refused) {
        http_connection_refuse(c, 503, NULL,
                               "All connections of this server are in use; try again in a moment.");
        return 0;
    }
    if (s->tls)
        c->tls = tls_session_new(s->tls);
    /* One that has never asked gets no more time than a request's head: silent peers must not fill
     * the places for long. */
    http_connection_set_deadline(c, s->limits.header_timeout_ms);
    http_connection_start_reading(c);
    return 0;
}
