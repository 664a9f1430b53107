/* The HTTP server behind TLS, with OpenSSL's client as its peer. Documents: net/http_server.h,
 * net/tls.h, RFC 8446. */
#include "http_server_fixture.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/text.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST        "Host: weir\r\n"
#define GET_HELLO   "GET /hello HTTP/1.1\r\n" HOST "\r\n"
#define GET_BIG     "GET /big HTTP/1.1\r\n" HOST "\r\n"
#define GET_LATER   "GET /later HTTP/1.1\r\n" HOST "\r\n"
#define SMALL       4096        /* bytes of a slow reader's receive buffer */
#define PIECE_MAX   (72 * 1024) /* what a connection may hold encrypted */
#define TLS_ALERT   0x15
#define CERTIFICATE 0
#define KEY         1

static BUF_MEM *pem[2];
static struct tls_context *context;
static SSL_CTX *client_context;

struct client {
    int fd;
    SSL *ssl;
};

static BUF_MEM *taken(BIO *bio)
{
    BUF_MEM *memory = NULL;
    BIO_get_mem_ptr(bio, &memory);
    BIO_set_close(bio, BIO_NOCLOSE);
    BIO_free(bio);
    return memory;
}

static int make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(x, name);
    X509_set_pubkey(x, key);
    int signed_bytes = X509_sign(x, key, EVP_sha256());
    BIO *certificate_out = BIO_new(BIO_s_mem());
    BIO *key_out = BIO_new(BIO_s_mem());
    bool written = PEM_write_bio_X509(certificate_out, x) == 1 &&
                   PEM_write_bio_PrivateKey(key_out, key, NULL, NULL, 0, NULL, NULL) == 1;
    pem[CERTIFICATE] = taken(certificate_out);
    pem[KEY] = taken(key_out);
    X509_free(x);
    EVP_PKEY_free(key);
    return signed_bytes > 0 && written ? 0 : -1;
}

static int begin(void **state)
{
    struct err e = {0};
    (void)state;
    if (make_certificate() < 0)
        return -1;
    const struct tls_terms terms = {
        .certificate = {"inline", pem[CERTIFICATE]->data, pem[CERTIFICATE]->length},
        .key = {"inline", pem[KEY]->data, pem[KEY]->length},
        .least = TLS_VERSION_12,
        .most = TLS_VERSION_13,
    };
    if (tls_context_new(&terms, &e, &context) < 0) {
        print_error("%s\n", e.text);
        return -1;
    }
    client_context = SSL_CTX_new(TLS_client_method());
    return client_context ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    tls_context_unref(context);
    SSL_CTX_free(client_context);
    BUF_MEM_free(pem[CERTIFICATE]);
    BUF_MEM_free(pem[KEY]);
    return 0;
}

static void start(struct fixture *f, const struct http_server_limits *limits)
{
    fixture_start(f, limits);
    http_server_set_tls(f->server, context);
}

static struct client client_connect(struct fixture *f, int receive_bytes)
{
    struct client c = {.fd = peer_connect(f, receive_bytes), .ssl = SSL_new(client_context)};
    assert_int_equal(fcntl(c.fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(SSL_set_fd(c.ssl, c.fd), 1);
    SSL_set_connect_state(c.ssl);
    return c;
}

static void client_close(struct client *c)
{
    SSL_free(c->ssl);
    close(c->fd);
}

/* Must succeed. */
static void client_handshake(struct fixture *f, struct client *c)
{
    uint64_t limit = now_ms() + PATIENCE_MS;
    while (SSL_do_handshake(c->ssl) != 1) {
        assert_true(now_ms() < limit);
        fixture_pump(f, c->fd, 10);
    }
}

static struct client client_new(struct fixture *f, int receive_bytes)
{
    struct client c = client_connect(f, receive_bytes);
    client_handshake(f, &c);
    return c;
}

static void client_send(struct fixture *f, struct client *c, const char *text)
{
    uint64_t limit = now_ms() + PATIENCE_MS;
    while (SSL_write(c->ssl, text, (int)strlen(text)) <= 0) {
        assert_true(now_ms() < limit);
        fixture_pump(f, c->fd, 10);
    }
}

/* Some bytes; 0: the session ended as it should. */
static size_t client_receive(struct fixture *f, struct client *c, char *at, size_t length)
{
    uint64_t limit = now_ms() + PATIENCE_MS;
    for (;;) {
        int got = SSL_read(c->ssl, at, (int)length);
        if (got > 0)
            return (size_t)got;
        int error = SSL_get_error(c->ssl, got);
        if (error == SSL_ERROR_ZERO_RETURN)
            return 0;
        if (error != SSL_ERROR_WANT_READ || now_ms() > limit)
            fail_msg("SSL_read: error %d, errno %d", error, errno);
        fixture_pump(f, c->fd, 10);
    }
}

/* One answer, to a HEAD request without body; returns the status. */
static int client_read(struct fixture *f, struct client *c, bool head, struct response *ret)
{
    static const char length_line[] = "\r\nContent-Length: ";
    uint64_t value = 0;
    *ret = (struct response){0};
    for (size_t have = 0; !strstr(ret->head, "\r\n\r\n"); have++) {
        assert_true(have + 1 < sizeof ret->head);
        assert_int_equal(client_receive(f, c, ret->head + have, 1), 1);
    }
    assert_int_equal(text_parse_u64(ret->head + strlen("HTTP/1.1 "), 3, &value), 0);
    ret->status = (int)value;
    const char *at = strstr(ret->head, length_line);
    assert_non_null(at);
    at += strlen(length_line);
    assert_int_equal(text_parse_u64(at, strcspn(at, "\r"), &value), 0);
    ret->length = (size_t)value;
    assert_true(ret->length < sizeof ret->body);
    for (size_t have = 0; !head && have < ret->length;)
        have += client_receive(f, c, ret->body + have, ret->length - have);
    return ret->status;
}

static int client_ask(struct fixture *f, struct client *c, const char *request,
                      struct response *ret)
{
    client_send(f, c, request);
    return client_read(f, c, text_starts_with(request, "HEAD"), ret);
}

static void client_expect_end(struct fixture *f, struct client *c)
{
    char byte;
    assert_int_equal(client_receive(f, c, &byte, 1), 0);
}

/* `length` bytes must be as the fixture made them. */
static void client_read_big(struct fixture *f, struct client *c)
{
    static char piece[65536];
    struct response r;
    size_t have = 0;
    char *end_of_head = NULL;
    for (have = 0; !end_of_head; have++) {
        assert_int_equal(client_receive(f, c, r.head + have, 1), 1);
        end_of_head = have >= 3 ? memmem(r.head + have - 3, 4, "\r\n\r\n", 4) : NULL;
    }
    for (size_t total = 0; total < BIG_BYTES;) {
        size_t got = client_receive(f, c, piece, sizeof piece);
        assert_true(got > 0 && total + got <= BIG_BYTES);
        for (size_t i = 0; i < got; i++)
            if (piece[i] != "0123456789abcdef"[(total + i) % 16])
                fail_msg("byte %zu", total + i);
        total += got;
    }
}

static void test_answers_in_both_versions(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, NULL);
    for (size_t i = 0; i < 2; i++) {
        struct client c = client_connect(&f, 0);
        SSL_set_min_proto_version(c.ssl, versions[i]);
        SSL_set_max_proto_version(c.ssl, versions[i]);
        client_handshake(&f, &c);
        assert_int_equal(SSL_version(c.ssl), versions[i]);
        assert_int_equal(client_ask(&f, &c, GET_HELLO, &r), 200);
        assert_string_equal(r.body, "hello");
        assert_int_equal(client_ask(&f, &c, "HEAD /hello HTTP/1.1\r\n" HOST "\r\n", &r), 200);
        assert_int_equal(r.length, 5);
        assert_int_equal(client_ask(&f, &c, "POST /where HTTP/1.1\r\n" HOST "\r\n", &r), 200);
        assert_string_equal(r.body, "POST local\n");
        assert_int_equal(
            client_ask(&f, &c, "GET /none HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", &r), 404);
        client_expect_end(&f, &c);
        client_close(&c);
    }
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_TLS), 0);
    fixture_stop(&f);
}

static void test_pipelining(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, NULL);
    struct client c = client_new(&f, 0);
    client_send(&f, &c, GET_LATER "GET /echo1 HTTP/1.1\r\n" HOST "\r\nGET /ec");
    fixture_await(&f, &f.held_count, 1);
    client_send(&f, &c, "ho2 HTTP/1.1\r\n" HOST "\r\n");
    fixture_pump_for(&f, 20);
    assert_int_equal(f.handled, 1);
    f.held_count = 0;
    http_respond_text(f.held[0], 200, NULL, "First.");
    assert_int_equal(client_read(&f, &c, false, &r), 200);
    assert_string_equal(r.body, "First.\n");
    assert_int_equal(client_read(&f, &c, false, &r), 200);
    assert_string_equal(r.body, "/echo1||-|-");
    assert_int_equal(client_read(&f, &c, false, &r), 200);
    assert_string_equal(r.body, "/echo2||-|-");
    client_close(&c);
    fixture_stop(&f);
}

static void test_interim_answer(void **state)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char got[sizeof interim] = "";
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, NULL);
    struct client c = client_new(&f, 0);
    client_send(&f, &c,
                "POST /hello HTTP/1.1\r\n" HOST
                "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    for (size_t have = 0; have < sizeof interim - 1;)
        have += client_receive(&f, &c, got + have, sizeof interim - 1 - have);
    assert_string_equal(got, interim);
    assert_int_equal(client_ask(&f, &c, "body", &r), 200);
    client_close(&c);
    fixture_stop(&f);
}

/* Whoever keeps up gets a long answer whole; a slow one holds one piece of it, however long. */
static void test_long_answers(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, NULL);
    struct client fast = client_new(&f, 0);
    client_send(&f, &fast, GET_BIG);
    client_read_big(&f, &fast);
    struct client slow[3];
    for (int i = 0; i < 3; i++) {
        slow[i] = client_new(&f, SMALL);
        client_send(&f, &slow[i], GET_BIG);
        fixture_pump_for(&f, 20);
    }
    assert_in_range(http_server_pinned_bytes(f.server), BIG_BYTES + 1, BIG_BYTES + 3 * PIECE_MAX);
    client_send(&f, &fast, GET_BIG);
    client_read_big(&f, &fast);
    for (int i = 0; i < 3; i++) {
        client_read_big(&f, &slow[i]);
        client_close(&slow[i]);
    }
    assert_int_equal(f.big->references, 1);
    assert_int_equal(http_server_pinned_bytes(f.server), 0);
    client_close(&fast);
    fixture_stop(&f);
}

static void test_slow_readers_are_cut_off(void **state)
{
    struct http_server_limits limits = http_server_default_limits;
    struct fixture f;
    (void)state;
    limits.write_timeout_ms = 300;
    start(&f, &limits);
    struct client c = client_new(&f, SMALL);
    client_send(&f, &c, GET_BIG);
    fixture_await_refusals(&f, HTTP_REFUSED_WRITE_TIMEOUT, 1);
    fixture_pump_for(&f, 10);
    assert_int_equal(f.big->references, 1);
    assert_int_equal(http_server_pinned_bytes(f.server), 0);
    peer_expect_gone(&f, c.fd);
    client_close(&c);
    fixture_stop(&f);
}

/* What waits encrypted counts: a shared body fits the limit, many readers' pieces do not. */
static void test_encrypted_bytes_count(void **state)
{
    enum { READERS = 8, MOST = 4 };
    struct http_server_limits limits = http_server_default_limits;
    struct fixture f;
    struct client slow[READERS];
    (void)state;
    limits.max_pinned_bytes = BIG_BYTES + MOST * PIECE_MAX;
    start(&f, &limits);
    for (int i = 0; i < READERS; i++) {
        slow[i] = client_new(&f, SMALL);
        client_send(&f, &slow[i], GET_BIG);
        fixture_pump_for(&f, 20);
        assert_true(http_server_pinned_bytes(f.server) <= limits.max_pinned_bytes);
    }
    assert_in_range(http_server_refusals(f.server, HTTP_REFUSED_PINNED_BYTES), 1, READERS - MOST);
    peer_expect_gone(&f, slow[0].fd);
    client_read_big(&f, &slow[READERS - 1]);
    for (int i = 0; i < READERS; i++)
        client_close(&slow[i]);
    fixture_stop(&f);
}

static void test_plain_http_is_told(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, NULL);
    int fd = peer_connect(&f, 0);
    assert_int_equal(peer_ask_on(&f, fd, GET_HELLO, &r), 400);
    assert_string_equal(r.body, "This port speaks TLS: use https:// in the address.\n");
    peer_expect_end(&f, fd);
    assert_int_equal(f.handled, 0);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_TLS), 1);
    close(fd);
    fixture_stop(&f);
}

static void test_a_broken_handshake_gets_an_alert(void **state)
{
    struct fixture f;
    char got[64];
    (void)state;
    start(&f, NULL);
    int fd = peer_connect(&f, 0);
    peer_send_bytes(&f, fd, "\x16\x03\x01\x00\x05nonsense and more", 22);
    fixture_await_refusals(&f, HTTP_REFUSED_TLS, 1);
    ssize_t length = recv(fd, got, sizeof got, MSG_DONTWAIT);
    assert_true(length > 0 && got[0] == TLS_ALERT);
    peer_expect_end(&f, fd);
    close(fd);
    fixture_await_quiet(&f);
    /* A client that trusts nobody ends it with an alert of its own, or without one. */
    struct client c = client_connect(&f, 0);
    SSL_set_verify(c.ssl, SSL_VERIFY_PEER, NULL);
    uint64_t limit = now_ms() + PATIENCE_MS;
    while (http_server_refusals(f.server, HTTP_REFUSED_TLS) < 2 && now_ms() < limit) {
        (void)SSL_do_handshake(c.ssl);
        fixture_pump(&f, c.fd, 10);
    }
    client_close(&c);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_TLS), 2);
    struct client gone = client_connect(&f, 0);
    (void)SSL_do_handshake(gone.ssl);
    fixture_pump_for(&f, 10);
    client_close(&gone);
    fixture_await_refusals(&f, HTTP_REFUSED_TLS, 3);
    fixture_await_quiet(&f);
    assert_int_equal(f.handled, 0);
    fixture_stop(&f);
}

/* A damaged record within the session. */
static void test_a_broken_session(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, NULL);
    for (int waiting = 0; waiting < 2; waiting++) {
        struct client c = client_new(&f, 0);
        assert_int_equal(client_ask(&f, &c, GET_HELLO, &r), 200);
        if (waiting) {
            client_send(&f, &c, GET_LATER);
            fixture_await(&f, &f.held_count, 1);
        }
        peer_send_bytes(&f, c.fd, "\x17\x03\x03\x00\x14xxxxxxxxxxxxxxxxxxxxxxxx", 25);
        fixture_await_refusals(&f, HTTP_REFUSED_TLS, (uint64_t)waiting + 1);
        peer_expect_gone(&f, c.fd);
        client_close(&c);
        fixture_await_connections(&f, 0);
    }
    assert_string_equal(http_request_path(f.held[0]), "/later"); /* answered at the end */
    fixture_stop(&f);
}

/* The handshake has a head's time, and dripping does not lengthen it. */
static void test_a_slow_handshake(void **state)
{
    struct http_server_limits limits = http_server_default_limits;
    struct fixture f;
    (void)state;
    limits.header_timeout_ms = 300;
    start(&f, &limits);
    uint64_t begun = now_ms();
    int fd = peer_connect(&f, 0);
    peer_send_bytes(&f, fd, "\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03", 11);
    while (peer_is_open(&f, fd) && now_ms() - begun < PATIENCE_MS) {
        peer_send(&f, fd, "x");
        fixture_pump_for(&f, 20);
    }
    assert_in_range(now_ms() - begun, 290, 2000);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_HEADER_TIMEOUT), 1);
    close(fd);
    fixture_await_quiet(&f);
    fixture_stop(&f);
}

/* A head that never ends is answered within the session. */
static void test_a_slow_head(void **state)
{
    struct http_server_limits limits = http_server_default_limits;
    struct fixture f;
    struct response r;
    (void)state;
    limits.header_timeout_ms = 200;
    start(&f, &limits);
    struct client c = client_new(&f, 0);
    assert_int_equal(client_ask(&f, &c, "GET /hello HT", &r), 408);
    client_expect_end(&f, &c);
    client_close(&c);
    fixture_stop(&f);
}

static void test_idle_sessions_end_with_a_notice(void **state)
{
    struct http_server_limits limits = http_server_default_limits;
    struct fixture f;
    struct response r;
    (void)state;
    limits.idle_timeout_ms = 100;
    limits.header_timeout_ms = 200;
    start(&f, &limits);
    struct client fresh = client_new(&f, 0);
    struct client kept = client_new(&f, 0);
    assert_int_equal(client_ask(&f, &kept, GET_HELLO, &r), 200);
    client_expect_end(&f, &kept);
    client_expect_end(&f, &fresh);
    client_close(&kept);
    client_close(&fresh);
    fixture_await_quiet(&f);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_HEADER_TIMEOUT), 0);
    fixture_stop(&f);
}

/* RFC 8446 section 6.1: who has said that nothing more will come may still be answered. */
static void test_half_closed_sessions_get_their_answers(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, NULL);
    struct client c = client_new(&f, 0);
    client_send(&f, &c, GET_LATER GET_HELLO);
    assert_int_equal(SSL_shutdown(c.ssl), 0);
    fixture_await(&f, &f.held_count, 1);
    fixture_pump_for(&f, 10);
    f.held_count = 0;
    http_respond_text(f.held[0], 200, NULL, "First.");
    assert_int_equal(client_read(&f, &c, false, &r), 200);
    assert_int_equal(client_read(&f, &c, false, &r), 200);
    assert_string_equal(r.body, "hello");
    client_expect_end(&f, &c);
    client_close(&c);
    fixture_await_quiet(&f);
    fixture_stop(&f);
}

/* Another context, e.g. with a new certificate, is for new connections alone. */
static void test_only_new_connections_change(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, NULL);
    struct client c = client_new(&f, 0);
    assert_int_equal(client_ask(&f, &c, GET_HELLO, &r), 200);
    http_server_set_tls(f.server, context);
    struct client other = client_new(&f, 0);
    assert_int_equal(client_ask(&f, &other, GET_HELLO, &r), 200);
    assert_int_equal(client_ask(&f, &c, GET_HELLO, &r), 200);
    client_close(&c);
    client_close(&other);
    fixture_stop(&f);
}

/* Turned on or off: nobody goes on as before, so that it is seen at once. */
static void test_turned_on_and_off(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, NULL);
    struct client c = client_new(&f, 0);
    assert_int_equal(client_ask(&f, &c, GET_HELLO, &r), 200);
    http_server_set_tls(f.server, NULL);
    fixture_pump_for(&f, 20);
    assert_int_equal(http_server_connections(f.server), 0);
    client_close(&c);
    int silent = peer_connect(&f, 0);
    int kept = peer_connect(&f, 0);
    int waiting = peer_connect(&f, 0);
    peer_send(&f, kept, GET_HELLO);
    peer_read(&f, kept, false, &r);
    assert_int_equal(r.status, 200);
    peer_send(&f, waiting, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_await(&f, &f.held_count, 1);
    http_server_set_tls(f.server, context);
    peer_expect_end(&f, silent);
    peer_expect_end(&f, kept);
    http_respond_text(f.held[0], 200, NULL, "late");
    f.held_count = 0;
    peer_read(&f, waiting, false, &r);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.head, "\r\nConnection: close\r\n"));
    peer_expect_end(&f, waiting);
    close(silent);
    close(kept);
    close(waiting);
    fixture_stop(&f);
}

/* The client's bytes one at a time, and as they were written. */
static void test_any_cut_will_do(void **state)
{
    struct fixture f;
    struct response r;
    BIO *inner = NULL;
    BIO *outer = NULL;
    char byte;
    (void)state;
    start(&f, NULL);
    int fd = peer_connect(&f, 0);
    assert_int_equal(BIO_new_bio_pair(&inner, 65536, &outer, 65536), 1);
    SSL *ssl = SSL_new(client_context);
    SSL_set_bio(ssl, inner, inner);
    SSL_set_connect_state(ssl);
    memset(&r, 0, sizeof r);
    size_t have = 0;
    bool asked = false;
    uint64_t limit = now_ms() + PATIENCE_MS;
    while (!strstr(r.head, "\r\n\r\nhello") && now_ms() < limit) {
        if (SSL_do_handshake(ssl) == 1 && !asked)
            asked = SSL_write(ssl, GET_HELLO, sizeof GET_HELLO - 1) > 0;
        while (BIO_read(outer, &byte, 1) == 1) {
            peer_send_bytes(&f, fd, &byte, 1);
            fixture_pump(&f, -1, 0);
        }
        while (recv(fd, &byte, 1, MSG_DONTWAIT) == 1)
            assert_int_equal(BIO_write(outer, &byte, 1), 1);
        int got = asked ? SSL_read(ssl, r.head + have, (int)(sizeof r.head - 1 - have)) : 0;
        have += got > 0 ? (size_t)got : 0;
        fixture_pump(&f, fd, 1);
    }
    assert_non_null(strstr(r.head, "\r\n\r\nhello"));
    SSL_free(ssl);
    BIO_free(outer);
    close(fd);
    fixture_stop(&f);
}

/* A flood behind a request that waits stays in the kernel, encrypted. */
static void test_read_ahead_is_bounded(void **state)
{
    static char flood[16384];
    struct fixture f;
    struct response r;
    size_t total = 0;
    unsigned refused = 0;
    (void)state;
    memset(flood, 'x', sizeof flood);
    start(&f, NULL);
    struct client c = client_new(&f, 0);
    SSL_set_mode(c.ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    client_send(&f, &c, GET_LATER);
    fixture_await(&f, &f.held_count, 1);
    while (refused < 50 && total < (size_t)64 * 1024 * 1024) {
        int sent = SSL_write(c.ssl, flood, sizeof flood);
        total += sent > 0 ? (size_t)sent : 0;
        refused = sent > 0 ? 0 : refused + 1;
        fixture_pump(&f, -1, 1);
    }
    assert_int_equal(refused, 50);
    f.held_count = 0;
    http_respond_text(f.held[0], 200, NULL, "First.");
    assert_int_equal(client_read(&f, &c, false, &r), 200);
    assert_in_range(client_read(&f, &c, false, &r), 400, 499); /* "xxx..." is no request */
    client_close(&c);
    fixture_stop(&f);
}

static void test_places(void **state)
{
    struct http_server_limits limits = http_server_default_limits;
    struct fixture f;
    struct response r;
    char byte;
    (void)state;
    limits.max_connections = 2;
    start(&f, &limits);
    struct client half = client_connect(&f, 0);
    (void)SSL_do_handshake(half.ssl);
    fixture_pump_for(&f, 10);
    struct client shaken = client_new(&f, 0);
    struct client c = client_new(&f, 0);
    assert_int_equal(client_ask(&f, &c, GET_HELLO, &r), 200);
    peer_expect_gone(&f, half.fd);
    struct client other = client_new(&f, 0);
    client_expect_end(&f, &shaken);
    client_send(&f, &c, GET_LATER);
    client_send(&f, &other, GET_LATER);
    fixture_await(&f, &f.held_count, 2);
    int fd = peer_connect(&f, 0); /* no place, and no handshake to tell it */
    fixture_pump_for(&f, 10);
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
    assert_int_equal(http_server_refusals(f.server, HTTP_REFUSED_CONNECTIONS), 3);
    assert_int_equal(http_server_connections(f.server), 2);
    client_close(&half);
    client_close(&shaken);
    client_close(&c);
    client_close(&other);
    close(fd);
    fixture_stop(&f);
}

static void test_server_closed_under_sessions(void **state)
{
    struct fixture f;
    struct response r;
    (void)state;
    start(&f, NULL);
    struct client half = client_connect(&f, 0);
    (void)SSL_do_handshake(half.ssl);
    fixture_pump_for(&f, 10);
    struct client idle = client_new(&f, 0);
    assert_int_equal(client_ask(&f, &idle, GET_HELLO, &r), 200);
    struct client held = client_new(&f, 0);
    client_send(&f, &held, GET_LATER GET_HELLO);
    fixture_await(&f, &f.held_count, 1);
    struct client slow = client_new(&f, SMALL);
    client_send(&f, &slow, GET_BIG);
    fixture_pump_for(&f, 10);
    fixture_stop(&f);
    client_close(&half);
    client_close(&idle);
    client_close(&held);
    client_close(&slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_in_both_versions),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_interim_answer),
        cmocka_unit_test(test_long_answers),
        cmocka_unit_test(test_slow_readers_are_cut_off),
        cmocka_unit_test(test_encrypted_bytes_count),
        cmocka_unit_test(test_plain_http_is_told),
        cmocka_unit_test(test_a_broken_handshake_gets_an_alert),
        cmocka_unit_test(test_a_broken_session),
        cmocka_unit_test(test_a_slow_handshake),
        cmocka_unit_test(test_a_slow_head),
        cmocka_unit_test(test_idle_sessions_end_with_a_notice),
        cmocka_unit_test(test_half_closed_sessions_get_their_answers),
        cmocka_unit_test(test_only_new_connections_change),
        cmocka_unit_test(test_turned_on_and_off),
        cmocka_unit_test(test_any_cut_will_do),
        cmocka_unit_test(test_read_ahead_is_bounded),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_server_closed_under_sessions),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
