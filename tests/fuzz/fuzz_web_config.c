/* The web configuration: anything is either refused with its place, or accepted, and then whole:
 * what goes into answers has no stray line break, who may come in has a name and a hash, and a
 * second reading gives the same. Files are not read: fs_read_file is replaced at link time. */
#include "agent/web_config.h"
#include "base/buf.h"
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_fs_read_file(const char *path, struct buf *ret);

/* Every other path is a file. */
int __wrap_fs_read_file(const char *path, struct buf *ret)
{
    return strlen(path) % 2 == 0 ? -ENOENT : buf_add(ret, path, strlen(path));
}

static size_t count_digits(const char *at)
{
    return strspn(at, "0123456789");
}

/* "fuzz.yml:LINE:COLUMN: " and a sentence. */
static void check_refusal(const struct err *e, int code)
{
    static const char name[] = "fuzz.yml:";
    assert(e->code == code);
    assert(strncmp(e->text, name, sizeof name - 1) == 0);
    const char *at = e->text + sizeof name - 1;
    for (int i = 0; i < 2; i++) {
        size_t digits = count_digits(at);
        assert(digits > 0 && at[digits] == ':');
        at += digits + 1;
    }
    assert(at[0] == ' ' && at[1] != '\0');
}

static void check_headers(const char *headers)
{
    assert(strlen(headers) <= HTTP_REPLY_HEADERS_MAX);
    while (*headers != '\0') {
        size_t length = strcspn(headers, "\r\n");
        assert(memmem(headers, length, ": ", 2));
        assert(headers[length] == '\r' && headers[length + 1] == '\n');
        headers += length + 2;
    }
}

static void check_guard(const struct http_guard_terms *guard)
{
    assert(guard->rate_interval_ms == 0 || guard->rate_burst > 0);
    for (size_t i = 0; i < guard->user_count; i++) {
        assert(guard->users[i].name[0] != '\0' && !strchr(guard->users[i].name, ':'));
        assert(strlen(guard->users[i].hash) == 60);
    }
}

static void check_tls(const struct tls_terms *tls)
{
    assert(tls->certificate.name && tls->key.name);
    assert(tls->least <= tls->most);
    assert(!tls->client_ca.name || tls->client_auth != TLS_CLIENT_NONE);
    for (size_t i = 0; i < tls->ciphers.count; i++)
        assert(tls->ciphers.items[i][0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct web_config c;
    struct web_config again;
    struct err e = {0};
    const char *text = (const char *)data;
    int r = web_config_parse("fuzz.yml", "/nowhere", text, size, &e, &c);
    if (r < 0) {
        check_refusal(&e, r);
        return 0;
    }
    check_headers(c.headers);
    check_guard(&c.guard);
    if (c.has_tls)
        check_tls(&c.tls);
    r = web_config_parse("fuzz.yml", "/nowhere", text, size, &e, &again);
    assert(r == 0);
    assert(c.digest == again.digest && strcmp(c.headers, again.headers) == 0);
    web_config_done(&again);
    web_config_done(&c);
    return 0;
}
