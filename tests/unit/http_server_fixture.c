/* What it knows: how to be the peers of an HTTP server in the server's own thread. */
#include "http_server_fixture.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void echo(struct http_request *r)
{
    static const char *const names[] = {"accept", "x-prometheus-scrape-timeout-seconds"};
    struct buf text;
    buf_init(&text, RESPONSE_BYTES);
    buf_add_format(&text, "%s|%s", http_request_path(r), http_request_query(r));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        buf_add_format(&text, "|%s", http_request_header(r, names[i]) ?: "-");
    struct bytes *body = bytes_from_buf(&text);
    http_respond(r,
                 &(struct http_reply){.status = 200, .content_type = "text/plain", .body = body});
    bytes_unref(body);
}

static struct bytes *make_body(size_t length)
{
    struct buf text;
    buf_init(&text, length + 1);
    assert_int_equal(buf_reserve(&text, length), 0);
    memset(text.data, 'x', length);
    text.data[length] = '\0';
    text.length = length;
    return bytes_from_buf(&text);
}

static void fresh(struct http_request *r)
{
    const char *query = http_request_query(r);
    uint64_t length = 0;
    assert_int_equal(text_parse_u64(query, strlen(query), &length), 0);
    struct bytes *body = make_body((size_t)length);
    http_respond(r,
                 &(struct http_reply){.status = 200, .content_type = "text/plain", .body = body});
    bytes_unref(body);
}

static void where(struct http_request *r)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%s %s", http_request_method(r),
                   http_request_is_local(r) ? "local" : "remote");
    http_respond_text(r, 200, NULL, text);
}

static void handle(void *context, struct http_request *r)
{
    struct fixture *f = context;
    const char *path = http_request_path(r);
    f->handled++;
    if (text_equal(path, "/hello")) {
        http_respond(
            r, &(struct http_reply){.status = 200, .content_type = "text/plain", .body = f->hello});
    } else if (text_equal(path, "/big")) {
        http_respond(
            r, &(struct http_reply){.status = 200, .content_type = "text/plain", .body = f->big});
    } else if (text_starts_with(path, "/echo")) {
        echo(r);
    } else if (text_equal(path, "/fresh")) {
        fresh(r);
    } else if (text_equal(path, "/where")) {
        where(r);
    } else if (text_equal(path, "/later")) {
        assert_true(f->held_count < HELD_MAX);
        f->held[f->held_count++] = r;
    } else {
        http_respond_text(r, 404, NULL, "There is nothing at this path.");
    }
}

static struct bytes *make_big(void)
{
    struct buf text;
    buf_init(&text, BIG_BYTES);
    while (text.length < BIG_BYTES)
        assert_int_equal(buf_add(&text, "0123456789abcdef", 16), 0);
    return bytes_from_buf(&text);
}

void fixture_start(struct fixture *f, const struct http_server_limits *limits)
{
    struct err e = {0};
    *f = (struct fixture){.hello = bytes_from_string("hello"), .big = make_big()};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->server = http_server_new(&f->loop, limits, handle, f);
    if (http_server_listen(f->server, "127.0.0.1:0", &e) < 0)
        fail_msg("%s", e.text);
    f->port = http_server_port(f->server, 0);
    assert_int_not_equal(f->port, 0);
}

static void on_closed(void *context)
{
    *(bool *)context = true;
}

void fixture_stop(struct fixture *f)
{
    bool open = f->server != NULL;
    if (open)
        http_server_close(f->server, on_closed, &f->closed);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(f->closed, open);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    for (size_t i = 0; i < f->held_count; i++)
        http_respond_text(f->held[i], 200, NULL, "Nobody is there any more.");
    assert_int_equal(f->hello->references, 1);
    assert_int_equal(f->big->references, 1);
    bytes_unref(f->hello);
    bytes_unref(f->big);
}

void fixture_pump(struct fixture *f, int fd, int ms)
{
    struct pollfd fds[2] = {{.fd = uv_backend_fd(&f->loop), .events = POLLIN},
                            {.fd = fd, .events = POLLIN}};
    uv_run(&f->loop, UV_RUN_NOWAIT);
    uv_update_time(&f->loop);
    int due = uv_backend_timeout(&f->loop);
    if (due >= 0 && due < ms)
        ms = due;
    (void)poll(fds, fd < 0 ? 1 : 2, ms);
    uv_run(&f->loop, UV_RUN_NOWAIT);
}

void fixture_pump_for(struct fixture *f, uint64_t ms)
{
    uint64_t end = now_ms() + ms;
    while (now_ms() < end)
        fixture_pump(f, -1, (int)(end - now_ms()));
}

void fixture_await(struct fixture *f, const size_t *value, size_t wanted)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    while (*value < wanted && now_ms() < end)
        fixture_pump(f, -1, 10);
    assert_true(*value >= wanted);
}

void fixture_await_refusals(struct fixture *f, enum http_refusal why, uint64_t wanted)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    while (http_server_refusals(f->server, why) < wanted && now_ms() < end)
        fixture_pump(f, -1, 10);
    assert_int_equal(http_server_refusals(f->server, why), wanted);
}

void fixture_await_connections(struct fixture *f, uint32_t wanted)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    while (http_server_connections(f->server) != wanted && now_ms() < end)
        fixture_pump(f, -1, 10);
    assert_int_equal(http_server_connections(f->server), wanted);
}

void fixture_await_quiet(struct fixture *f)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    while (uv_backend_timeout(&f->loop) >= 0 && now_ms() < end)
        fixture_pump(f, -1, 10);
    assert_int_equal(uv_backend_timeout(&f->loop), -1);
}

int peer_connect(struct fixture *f, int receive_bytes)
{
    return peer_connect_from(f, "127.0.0.1", receive_bytes);
}

int peer_connect_from(struct fixture *f, const char *address, int receive_bytes)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(f->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    if (receive_bytes > 0)
        assert_int_equal(
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes), 0);
    /* On loopback the kernel completes this without the server's help. */
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void peer_send_bytes(struct fixture *f, int fd, const char *bytes, size_t length)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return; /* the server has had enough of it: the answer tells */
        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        }
        fixture_pump(f, -1, 0);
        assert_true(now_ms() < end);
    }
}

void peer_send(struct fixture *f, int fd, const char *text)
{
    peer_send_bytes(f, fd, text, strlen(text));
}

/* Up to `length` bytes; 0 at the end. */
static size_t receive(struct fixture *f, int fd, char *at, size_t length)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    for (;;) {
        ssize_t got = recv(fd, at, length, MSG_DONTWAIT);
        if (got >= 0)
            return (size_t)got;
        if (errno != EAGAIN)
            fail_msg("recv: %s", strerror(errno));
        if (now_ms() > end)
            fail_msg("nothing came within %d ms", PATIENCE_MS);
        fixture_pump(f, fd, 20);
    }
}

static void parse_head(struct response *ret)
{
    const char *length = strstr(ret->head, "\r\nContent-Length: ");
    uint64_t value = 0;
    assert_true(text_starts_with(ret->head, "HTTP/1.1 "));
    assert_int_equal(text_parse_u64(ret->head + 9, 3, &value), 0);
    ret->status = (int)value;
    assert_non_null(length);
    length += strlen("\r\nContent-Length: ");
    assert_int_equal(text_parse_u64(length, strcspn(length, "\r"), &value), 0);
    ret->length = (size_t)value;
}

void peer_read(struct fixture *f, int fd, bool head, struct response *ret)
{
    size_t have = 0;
    *ret = (struct response){0};
    while (!strstr(ret->head, "\r\n\r\n")) {
        assert_true(have + 1 < sizeof ret->head);
        if (receive(f, fd, ret->head + have, 1) == 0) {
            assert_int_equal(have, 0);
            ret->closed = true;
            return;
        }
        have++;
    }
    parse_head(ret);
    assert_true(ret->length < sizeof ret->body);
    size_t wanted = head ? 0 : ret->length;
    for (have = 0; have < wanted;) {
        size_t got = receive(f, fd, ret->body + have, wanted - have);
        assert_true(got > 0);
        have += got;
    }
}

void peer_expect_end(struct fixture *f, int fd)
{
    char byte = '\0';
    assert_int_equal(receive(f, fd, &byte, 1), 0);
}

void peer_expect_gone(struct fixture *f, int fd)
{
    static char piece[65536];
    uint64_t end = now_ms() + PATIENCE_MS;
    ssize_t got = 1;
    while (got > 0 || (got < 0 && errno == EAGAIN)) {
        assert_true(now_ms() < end);
        fixture_pump(f, fd, 10);
        got = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    }
    assert_true(got == 0 || errno == ECONNRESET);
}

bool peer_is_open(struct fixture *f, int fd)
{
    char byte;
    fixture_pump(f, -1, 0);
    ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return got < 0 && errno == EAGAIN;
}

int peer_ask_on(struct fixture *f, int fd, const char *request, struct response *ret)
{
    peer_send(f, fd, request);
    peer_read(f, fd, text_starts_with(request, "HEAD"), ret);
    return ret->status;
}

int peer_ask(struct fixture *f, const char *request, struct response *ret)
{
    int fd = peer_connect(f, 0);
    peer_send(f, fd, request);
    peer_read(f, fd, text_starts_with(request, "HEAD"), ret);
    close(fd);
    return ret->status;
}
