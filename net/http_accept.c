/* What it knows: listeners, accepting, and whether there is a place. Documents: accept(2), the
 * libuv guide (uv_poll_t).
 *
 * Listeners are polled and accept4(2) is called here instead of by uv_listen: when no descriptor is
 * left, libuv 1.44 closes a spare one and accepts and drops every waiting peer without a word to
 * its caller, so it could not be counted; and where the spare is gone, it calls back with the error
 * over and over without returning to the loop. Here a failed accept is counted, the peers stay in
 * the kernel's queue, and the listeners rest for a moment. */
#include "net/http_connection.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_REST_MS 500 /* after a failed accept: descriptors come back at human speed */
#define ACCEPT_AT_ONCE 16  /* connections per wake-up, so that those who are in get their turn */
/* Connections without a place that are told so; the others are closed without a word. */
#define REFUSED_AT_ONCE 16

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void watch(struct http_listener *l)
{
    if (!l->reserved)
        (void)uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
}

void http_server_accept_again(struct http_server *s)
{
    s->accept_again_ms = HTTP_NEVER;
    for (size_t i = 0; i < s->listener_count; i++)
        watch(s->listeners[i]);
}

static void rest(struct http_server *s)
{
    s->refusals[HTTP_REFUSED_ACCEPT]++;
    for (size_t i = 0; i < s->listener_count; i++)
        (void)uv_poll_stop(&s->listeners[i]->poll);
    s->accept_again_ms = uv_now(s->loop) + ACCEPT_REST_MS;
    http_server_wake_at(s, s->accept_again_ms);
}

/* A place for one more, where need be somebody's who deserves it less. */
static bool find_place(struct http_server *s, const struct http_peer *peer,
                       enum http_refusal *ret_why)
{
    uint32_t per_peer = s->limits.max_connections_per_peer;
    *ret_why = HTTP_REFUSED_PEER;
    while (peer && per_peer > 0 && peer->connections > per_peer) {
        if (!http_place_make(s, peer))
            return false;
        s->refusals[HTTP_REFUSED_PEER]++;
    }
    *ret_why = HTTP_REFUSED_CONNECTIONS;
    while (s->connection_count - s->refused_count >= s->limits.max_connections) {
        if (!http_place_make(s, NULL))
            return false;
        s->refusals[HTTP_REFUSED_CONNECTIONS]++;
    }
    return true;
}

static int take_in(struct http_server *s, int fd, const struct sockaddr_storage *address)
{
    struct http_peer *peer = http_peer_enter(&s->peers, address);
    enum http_refusal why = HTTP_REFUSED_CONNECTIONS;
    if (find_place(s, peer, &why))
        return http_connection_open(s, fd, address, peer, false);
    s->refusals[why]++;
    http_peer_leave(&s->peers, peer);
    /* A TLS peer could be told only after a handshake, which costs more than all the rest. */
    if (!s->tls && s->refused_count < REFUSED_AT_ONCE)
        return http_connection_open(s, fd, address, NULL, true);
    (void)close(fd);
    return 0;
}

static int accept_one(const struct http_listener *l, struct sockaddr_storage *ret_address)
{
    socklen_t length = sizeof *ret_address;
    ret_address->ss_family = AF_UNSPEC;
    return accept4(l->socket.fd, (struct sockaddr *)ret_address, &length,
                   SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct http_server *s = poll->data;
    struct http_listener *l = (struct http_listener *)poll;
    struct sockaddr_storage address;
    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE && !uv_is_closing((uv_handle_t *)poll); i++) {
        int fd = status < 0 ? -1 : accept_one(l, &address);
        if (fd >= 0 && take_in(s, fd, &address) == 0)
            continue;
        if (fd < 0 && status == 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (fd < 0 && status == 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        /* A connection less is a descriptor more. */
        if (fd < 0 && status == 0 && (errno == EMFILE || errno == ENFILE) &&
            http_place_make(s, NULL)) {
            s->refusals[HTTP_REFUSED_ACCEPT]++;
            continue;
        }
        rest(s);
        return;
    }
}

/* Listeners. */

static int check_room(const struct http_server *s, const char *address, struct err *e)
{
    assert(!s->closing);
    if (s->listener_count < HTTP_LISTENERS_MAX)
        return 0;
    return err_set(e, -E2BIG, "cannot listen on %s: %d addresses are the most; leave some out",
                   address, HTTP_ADDRESSES_MAX);
}

/* Takes `socket` over, unless it fails. */
static int add_listener(struct http_server *s, const char *address, bool reserved,
                        const struct http_listen *socket, struct err *e)
{
    struct http_listener *l = alloc_zeroed(1, sizeof *l);
    int r = uv_poll_init_socket(s->loop, &l->poll, socket->fd);
    if (r < 0) {
        free(l);
        return err_set_errno(e, r, "cannot watch the listening socket of %s", address);
    }
    l->socket = *socket;
    l->address = alloc_string(address);
    l->poll.data = s;
    l->reserved = reserved;
    s->handles++;
    s->listeners[s->listener_count++] = l;
    if (s->accept_again_ms == HTTP_NEVER)
        watch(l);
    return 0;
}

static int listen_at(struct http_server *s, const char *address, bool reserved, struct err *e)
{
    struct http_listen socket;
    int r = check_room(s, address, e);
    if (r == 0)
        r = http_listen_open(address, e, &socket);
    if (r < 0)
        return r;
    r = add_listener(s, address, reserved, &socket, e);
    if (r < 0)
        http_listen_close(&socket);
    return r;
}

int http_server_listen(struct http_server *s, const char *address, struct err *e)
{
    return listen_at(s, address, false, e);
}

int http_server_reserve(struct http_server *s, const char *address, struct err *e)
{
    return listen_at(s, address, true, e);
}

void http_server_open(struct http_server *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        s->listeners[i]->reserved = false;
    if (s->accept_again_ms == HTTP_NEVER)
        http_server_accept_again(s);
}

int http_server_listen_on(struct http_server *s, int fd, const char *name, struct err *e)
{
    struct http_listen socket;
    int r = check_room(s, name, e);
    if (r == 0)
        r = http_listen_adopt(fd, name, e, &socket);
    return r < 0 ? r : add_listener(s, name, false, &socket, e);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct http_server *s = handle->data;
    struct http_listener *l = (struct http_listener *)handle;
    free(l->address);
    free(l);
    http_server_handle_closed(s);
}

static void close_listener(struct http_listener *l)
{
    uv_close((uv_handle_t *)&l->poll, on_listener_closed);
    http_listen_close(&l->socket); /* uv_close has taken it off the poll set */
}

void http_server_unlisten(struct http_server *s, const char *address)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        if (!text_equal(s->listeners[i]->address, address))
            continue;
        close_listener(s->listeners[i]);
        s->listener_count--;
        for (; i < s->listener_count; i++)
            s->listeners[i] = s->listeners[i + 1];
        return;
    }
}

void http_server_close_listeners(struct http_server *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        close_listener(s->listeners[i]);
    s->listener_count = 0;
}

uint16_t http_server_port(const struct http_server *s, size_t index)
{
    return index < s->listener_count ? http_listen_port(&s->listeners[index]->socket) : 0;
}

uint16_t http_server_port_of(const struct http_server *s, const char *address)
{
    for (size_t i = 0; i < s->listener_count; i++)
        if (text_equal(s->listeners[i]->address, address))
            return http_server_port(s, i);
    return 0;
}
