/* What tls_pair.h promises: certificates by the openssl command, and OpenSSL's client between two
 * memory BIOs. */
#include "tls_pair.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "http_client_fixture.h"

#include <openssl/err.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define SKIPPED           77 /* exit status that says so to ctest */
#define PLENTY            ((size_t)8 << 20)
#define FILES_MAX         64
#define ALERT_PARTS       2 /* level and code */
#define BULK_MAX          20000
#define UNKNOWN_EXTENSION 65280 /* for private use (RFC 8446 11) */

extern char **environ;

static struct tls_pem files[FILES_MAX]; /* read so far; texts owned */
static size_t file_count;

static int run_shell(const char *command)
{
    const char *arguments[] = {"sh", "-c", command, NULL};
    pid_t pid;
    int status = 0;
    if (posix_spawnp(&pid, "sh", NULL, NULL, (char **)(uintptr_t)arguments, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

int certificates_missing(void)
{
    if (run_shell("command -v openssl >/dev/null") == 0)
        return 0;
    print_message("SKIP: the openssl command is missing\n");
    return SKIPPED;
}

int certificates_make(void **state)
{
    if (place_make(state) < 0)
        return -1;
    char command[512];
    (void)snprintf(command, sizeof command,
                   WEIR_SOURCE_DIR "/tests/unit/make_tls_certificates.sh %s >%s/log 2>&1",
                   place_directory(), place_directory());
    return run_shell(command) == 0 ? 0 : -1;
}

int certificates_remove(void **state)
{
    while (file_count > 0) {
        file_count--;
        free((char *)(uintptr_t)files[file_count].name);
        free((char *)(uintptr_t)files[file_count].text);
    }
    char command[512];
    (void)snprintf(command, sizeof command, "rm -f %s/*", place_directory());
    (void)run_shell(command);
    return place_remove(state);
}

static struct tls_pem read_pem(const char *name)
{
    static char bytes[65536];
    char *path = alloc_format("%s/%s", place_directory(), name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    assert_in_range(length, 1, sizeof bytes - 1);
    (void)fclose(file);
    return (struct tls_pem){.name = path, .text = alloc_copy(bytes, length), .length = length};
}

struct tls_pem certificates_pem(const char *name)
{
    if (!name)
        return (struct tls_pem){0};
    for (size_t i = 0; i < file_count; i++)
        if (text_equal(strrchr(files[i].name, '/') + 1, name))
            return files[i];
    assert_in_range(file_count, 0, FILES_MAX - 1);
    files[file_count] = read_pem(name);
    return files[file_count++];
}

struct tls_terms pair_terms(void)
{
    return (struct tls_terms){.certificate = certificates_pem("server.pem"),
                              .key = certificates_pem("server.key"),
                              .least = TLS_VERSION_12,
                              .most = TLS_VERSION_13};
}

struct tls_context *pair_context(const struct tls_terms *terms)
{
    struct err e = {0};
    struct tls_context *context = NULL;
    if (tls_context_new(terms, &e, &context) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(e.code, 0);
    return context;
}

static void give_certificate(SSL_CTX *client, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s.pem", place_directory(), name);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(client, path), 1);
    if (text_equal(name, "chain"))
        name = "below";
    (void)snprintf(path, sizeof path, "%s/%s.key", place_directory(), name);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(client, path, SSL_FILETYPE_PEM), 1);
}

static int add_bulk(SSL *ssl, unsigned type, unsigned context, const unsigned char **ret_bytes,
                    size_t *ret_length, X509 *certificate, size_t chain_place, int *ret_alert,
                    void *length)
{
    (void)ssl, (void)type, (void)context, (void)certificate, (void)chain_place, (void)ret_alert;
    static const unsigned char bulk[BULK_MAX];
    *ret_bytes = bulk;
    *ret_length = *(const size_t *)length;
    return 1;
}

/* A client that takes any server and may speak what ours must refuse. */
static SSL_CTX *new_client_terms(const struct pair_client *o)
{
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    assert_non_null(client);
    SSL_CTX_set_security_level(client, 0);
    (void)SSL_CTX_set_min_proto_version(client, o->version ? o->version : TLS1_2_VERSION);
    (void)SSL_CTX_set_max_proto_version(client, o->version);
    (void)SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    if (o->ciphers)
        assert_int_equal(SSL_CTX_set_cipher_list(client, o->ciphers), 1);
    if (o->curves)
        assert_int_equal(SSL_CTX_set1_groups_list(client, (char *)(uintptr_t)o->curves), 1);
    if (o->protocols)
        assert_int_equal(SSL_CTX_set_alpn_protos(client, (const unsigned char *)o->protocols,
                                                 (unsigned)strlen(o->protocols)),
                         0);
    static size_t bulk; /* for add_bulk, called later */
    bulk = o->bulk;
    if (bulk > 0)
        assert_int_equal(SSL_CTX_add_custom_ext(client, UNKNOWN_EXTENSION, SSL_EXT_CLIENT_HELLO,
                                                add_bulk, NULL, &bulk, NULL, NULL),
                         1);
    if (o->certificate)
        give_certificate(client, o->certificate);
    return client;
}

struct pair pair_new(struct tls_context *context, const struct pair_client *options)
{
    struct pair_client o = options ? *options : (struct pair_client){0};
    struct pair p = {.step = o.step ? o.step : PLENTY, .alert = -1};
    p.session = tls_session_new(context);
    p.client_context = new_client_terms(&o);
    p.client = SSL_new(p.client_context);
    SSL_set_bio(p.client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(p.client);
    if (o.resume)
        assert_int_equal(SSL_set_session(p.client, o.resume), 1);
    buf_init(&p.plain, o.maximum ? o.maximum : PLENTY);
    buf_init(&p.out, o.maximum ? o.maximum : PLENTY);
    buf_init(&p.received, PLENTY);
    return p;
}

void pair_done(struct pair *p)
{
    tls_session_free(p->session);
    SSL_free(p->client);
    SSL_CTX_free(p->client_context);
    buf_done(&p->plain);
    buf_done(&p->out);
    buf_done(&p->received);
}

char *pair_take(struct pair *p, size_t *ret_length)
{
    BIO *out = SSL_get_wbio(p->client);
    *ret_length = BIO_ctrl_pending(out);
    char *bytes = alloc_bytes(*ret_length + 1);
    if (*ret_length > 0)
        assert_int_equal(BIO_read(out, bytes, (int)*ret_length), (int)*ret_length);
    return bytes;
}

static void client_turn(struct pair *p)
{
    char bytes[16384];
    size_t length = 0;
    ERR_clear_error();
    while (SSL_read_ex(p->client, bytes, sizeof bytes, &length) == 1)
        assert_int_equal(buf_add(&p->received, bytes, length), 0);
    p->is_client_done = p->is_client_done || SSL_is_init_finished(p->client);
}

static void feed_pieces(struct pair *p, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length && p->result == 0; at += p->step) {
        size_t piece = length - at < p->step ? length - at : p->step;
        /* Memory of its own, freed at once: the session may keep nothing of it. */
        char *own = alloc_copy(bytes + at, piece);
        p->result = tls_session_feed(p->session, own, piece, &p->plain, &p->out);
        free(own);
    }
}

/* An alert in the clear: record header, level, code (RFC 5246 7.2). */
static void note_alert(struct pair *p)
{
    static const char alert_record[] = {0x15, 0x03, 0x03, 0x00, ALERT_PARTS};
    const size_t size = sizeof alert_record + ALERT_PARTS;
    if (p->out.length < size)
        return;
    const char *at = p->out.data + p->out.length - size;
    if (at[0] == alert_record[0] && memcmp(at + 3, alert_record + 3, 2) == 0)
        p->alert = (unsigned char)at[size - 1];
}

static void watch_alert(int is_written, int version, int type, const void *bytes, size_t length,
                        SSL *ssl, void *argument)
{
    (void)version;
    (void)ssl;
    struct pair *p = argument;
    if (!is_written && type == SSL3_RT_ALERT && length == ALERT_PARTS)
        p->alert = ((const unsigned char *)bytes)[1];
}

void pair_run(struct pair *p)
{
    SSL_set_msg_callback(p->client, watch_alert);
    SSL_set_msg_callback_arg(p->client, p);
    bool is_moving = true;
    while (is_moving) {
        client_turn(p);
        size_t length = 0;
        char *bytes = pair_take(p, &length);
        if (p->result == 0)
            feed_pieces(p, bytes, length);
        free(bytes);
        note_alert(p);
        is_moving = p->out.length > 0 || (length > 0 && p->result == 0);
        if (p->out.length > 0)
            assert_int_equal(BIO_write(SSL_get_rbio(p->client), p->out.data, (int)p->out.length),
                             (int)p->out.length);
        buf_clear(&p->out);
    }
}

void pair_send(struct pair *p, const char *bytes, size_t length)
{
    size_t written = 0;
    assert_int_equal(SSL_write_ex(p->client, bytes, length, &written), 1);
    assert_int_equal(written, length);
}

struct pair pair_connected(struct tls_context *context, const struct pair_client *options)
{
    struct pair p = pair_new(context, options);
    pair_run(&p);
    if (p.result != 0)
        fail_msg("%s", tls_session_failure(p.session));
    assert_true(tls_session_is_ready(p.session));
    assert_true(p.is_client_done);
    assert_int_equal(p.plain.length, 0);
    assert_string_equal(tls_session_failure(p.session), "");
    return p;
}

void pair_check_talks(struct pair *p)
{
    buf_clear(&p->plain);
    buf_clear(&p->received);
    pair_send(p, "a question", 10);
    pair_run(p);
    assert_int_equal(p->result, 0);
    assert_string_equal(p->plain.data, "a question");
    assert_int_equal(tls_session_write(p->session, "an answer", 9, &p->out), 0);
    pair_run(p);
    assert_int_equal(p->result, 0);
    assert_string_equal(p->received.data, "an answer");
}
