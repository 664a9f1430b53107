/* The scripted server and the loop that http_client_fixture.h promises. */
#include "http_client_fixture.h"

#include "base/alloc.h"
#include "net/http_client.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CONNECTIONS_MAX 512 /* of one peer in a test */
#define LIMIT_S         20  /* no condition of a test takes that long */
#define HEAD_MAX        1024

static char directory[] = "/tmp/weir-http-client-XXXXXX";
static char socket_path[64];

int place_make(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    (void)snprintf(socket_path, sizeof socket_path, "%s/socket", directory);
    return 0;
}

int place_remove(void **state)
{
    (void)state;
    return rmdir(directory);
}

const char *place_directory(void)
{
    return directory;
}

const char *place_socket(void)
{
    return socket_path;
}

struct peer_connection {
    struct peer *peer;
    pthread_t thread;
    int fd;
    unsigned number;
};

struct peer {
    pthread_mutex_t lock;
    pthread_t acceptor;
    int listener;
    char path[108];
    peer_script script;
    void *context;
    unsigned accepted;
    unsigned open;
    bool stopping;
    struct peer_connection connections[CONNECTIONS_MAX];
};

static void *serve(void *argument)
{
    struct peer_connection *c = argument;
    struct peer *p = c->peer;
    p->script(p, c->fd, c->number);
    pthread_mutex_lock(&p->lock);
    (void)close(c->fd);
    c->fd = -1;
    p->open--;
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void *accept_all(void *argument)
{
    struct peer *p = argument;
    for (;;) {
        int fd = accept(p->listener, NULL, NULL);
        if (fd < 0)
            return NULL; /* peer_stop has shut it */
        pthread_mutex_lock(&p->lock);
        if (p->stopping || p->accepted == CONNECTIONS_MAX) {
            (void)close(fd);
            pthread_mutex_unlock(&p->lock);
            return NULL;
        }
        struct peer_connection *c = &p->connections[p->accepted];
        *c = (struct peer_connection){.peer = p, .fd = fd, .number = p->accepted};
        p->accepted++;
        p->open++;
        if (pthread_create(&c->thread, NULL, serve, c) != 0)
            abort();
        pthread_mutex_unlock(&p->lock);
    }
}

static struct peer *peer_start(int listener, peer_script script, const void *context)
{
    struct peer *p = alloc_zeroed(1, sizeof *p);
    p->listener = listener;
    p->script = script;
    p->context = (void *)(uintptr_t)context;
    assert_int_equal(pthread_mutex_init(&p->lock, NULL), 0);
    assert_int_equal(listen(listener, CONNECTIONS_MAX), 0);
    assert_int_equal(pthread_create(&p->acceptor, NULL, accept_all, p), 0);
    return p;
}

struct peer *peer_start_unix(const char *path, peer_script script, const void *context)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    (void)unlink(path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    struct peer *p = peer_start(fd, script, context);
    memcpy(p->path, address.sun_path, sizeof p->path);
    return p;
}

struct peer *peer_start_tcp(peer_script script, const void *context)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return peer_start(fd, script, context);
}

uint16_t peer_port(const struct peer *p)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

void peer_stop(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    for (unsigned i = 0; i < p->accepted; i++)
        if (p->connections[i].fd >= 0)
            (void)shutdown(p->connections[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&p->lock);
    (void)shutdown(p->listener, SHUT_RDWR); /* ends the accept */
    (void)pthread_join(p->acceptor, NULL);
    for (unsigned i = 0; i < p->accepted; i++)
        (void)pthread_join(p->connections[i].thread, NULL);
    (void)close(p->listener);
    if (p->path[0])
        (void)unlink(p->path);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

void *peer_context(const struct peer *p)
{
    return p->context;
}

unsigned peer_connections(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    unsigned count = p->accepted;
    pthread_mutex_unlock(&p->lock);
    return count;
}

unsigned peer_open(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    unsigned count = p->open;
    pthread_mutex_unlock(&p->lock);
    return count;
}

bool peer_read_request(int fd, char *ret_head)
{
    size_t length = 0;
    ret_head[0] = '\0';
    while (length < HEAD_MAX - 1 && !strstr(ret_head, "\r\n\r\n")) {
        ssize_t r = recv(fd, ret_head + length, HEAD_MAX - 1 - length, 0);
        if (r <= 0)
            return false;
        length += (size_t)r;
        ret_head[length] = '\0';
    }
    return true;
}

bool peer_send_bytes(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t r = send(fd, bytes, length, MSG_NOSIGNAL);
        if (r <= 0)
            return false;
        bytes += r;
        length -= (size_t)r;
    }
    return true;
}

bool peer_send(int fd, const char *text)
{
    return peer_send_bytes(fd, text, strlen(text));
}

bool peer_wait_taken(int fd)
{
    for (unsigned i = 0; i < LIMIT_S * 20000; i++) {
        int left = 0;
        if (ioctl(fd, SIOCOUTQ, &left) < 0)
            return false;
        if (left == 0)
            return true;
        (void)poll(NULL, 0, 0);
        const struct timespec moment = {.tv_nsec = 50000};
        (void)nanosleep(&moment, NULL);
    }
    return false;
}

void peer_wait_closed(int fd)
{
    char rest[256];
    while (recv(fd, rest, sizeof rest, 0) > 0) {
    }
}

static void on_done(void *context, const struct http_result *result)
{
    struct got *g = context;
    g->calls++;
    g->reason = result->reason;
    g->status = result->status;
    free(g->body);
    g->body = alloc_copy(result->body, result->body_length);
    g->body_length = result->body_length;
    g->sent_ns = result->sent_ns;
    g->received_ns = result->received_ns;
    (void)snprintf(g->text, sizeof g->text, "%s", result->text);
    g->done = true;
    if (g->then)
        g->then(g);
}

static void on_line(void *context, const char *line, size_t length)
{
    struct got *g = context;
    if (line) {
        g->line_count++;
        size_t used = strlen(g->lines);
        (void)snprintf(g->lines + used, sizeof g->lines - used, "%.*s|", (int)length, line);
    } else {
        g->heads++;
    }
    if (g->on_each)
        g->on_each(g, line);
}

void got_clear(struct got *g)
{
    free(g->body);
    *g = (struct got){.then = g->then, .context = g->context};
}

int got_get_with(struct http_getter *client, const char *path, uint64_t timeout_ms,
                 size_t max_body_bytes, struct got *g, struct http_exchange **ret_exchange)
{
    struct http_get_options options = {.path = path,
                                       .timeout_ms = timeout_ms,
                                       .max_body_bytes = max_body_bytes,
                                       .on_done = on_done,
                                       .context = g};
    unsigned before = g->calls;
    int r = http_get(client, &options, ret_exchange);
    assert_int_equal(g->calls, before); /* never from inside */
    return r;
}

struct http_exchange *got_get(struct http_getter *client, const char *path, struct got *g)
{
    struct http_exchange *x = NULL;
    assert_int_equal(got_get_with(client, path, 10000, 1024 * 1024, g, &x), 0);
    return x;
}

struct http_exchange *got_stream(struct http_getter *client, const char *path, struct got *g)
{
    return got_stream_with(client, path, 10000, g);
}

struct http_exchange *got_stream_with(struct http_getter *client, const char *path,
                                      uint64_t timeout_ms, struct got *g)
{
    struct http_get_options options = {.path = path,
                                       .timeout_ms = timeout_ms,
                                       .max_body_bytes = 64,
                                       .on_done = on_done,
                                       .on_line = on_line,
                                       .context = g};
    struct http_exchange *x = NULL;
    assert_int_equal(http_get(client, &options, &x), 0);
    return x;
}

static void on_limit(uv_timer_t *timer)
{
    bool *late = timer->data;
    *late = true;
}

static bool flag_is_set(void *context)
{
    return *(const bool *)context;
}

void loop_until(uv_loop_t *loop, const bool *flag)
{
    loop_until_true(loop, flag_is_set, (void *)(uintptr_t)flag);
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer; /* only to turn the loop: some conditions are the peer's */
}

void loop_until_true(uv_loop_t *loop, bool (*is_true)(void *context), void *context)
{
    bool late = false;
    uv_timer_t limit;
    uv_timer_t tick;
    assert_int_equal(uv_timer_init(loop, &limit), 0);
    assert_int_equal(uv_timer_init(loop, &tick), 0);
    limit.data = &late;
    uv_update_time(loop);
    assert_int_equal(uv_timer_start(&limit, on_limit, LIMIT_S * 1000, 0), 0);
    assert_int_equal(uv_timer_start(&tick, on_tick, 2, 2), 0);
    while (!is_true(context) && !late)
        (void)uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&limit, NULL);
    uv_close((uv_handle_t *)&tick, NULL);
    (void)uv_run(loop, UV_RUN_NOWAIT);
    assert_false(late);
}

static void on_closed(void *context)
{
    *(bool *)context = true;
}

void loop_end(uv_loop_t *loop, struct http_getter *client)
{
    bool closed = false;
    if (client) {
        http_getter_close(client, on_closed, &closed);
        assert_false(closed);
        assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0);
        assert_true(closed);
    }
    assert_int_equal(uv_run(loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(loop), 0);
}

struct http_getter *new_client(uv_loop_t *loop, uint32_t max_connections, uint32_t max_idle)
{
    struct http_client_options options = {
        .unix_path = socket_path, .max_connections = max_connections, .max_idle = max_idle};
    struct http_getter *client;
    assert_int_equal(uv_loop_init(loop), 0);
    assert_int_equal(http_client_new(loop, &options, NULL, &client), 0);
    return client;
}

void fixture_begin(struct fixture *f, peer_script script, const void *context,
                   uint32_t max_connections, uint32_t max_idle)
{
    f->peer = peer_start_unix(socket_path, script, context);
    f->client = new_client(&f->loop, max_connections, max_idle);
}

void fixture_end(struct fixture *f)
{
    loop_end(&f->loop, f->client);
    peer_stop(f->peer);
}

bool none_is_open(void *peer)
{
    return peer_open(peer) == 0;
}
