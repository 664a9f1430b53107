/* What it knows: http_server_config, which headers may be sent, and what their values may be.
 * Documents: "HTTPS and authentication" of prometheus.io, RFC 9110 section 5.5 for values. */
#include "agent/config_text.h"
#include "agent/web_config_reader.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define CHOICES_MAX 2 /* values of a header that has a fixed set of them */

struct header {
    const char *name;
    const char *choices[CHOICES_MAX]; /* none: any value */
};
static const struct header known_headers[] = {
    {"Content-Security-Policy", {0}},        {"X-Frame-Options", {"deny", "sameorigin"}},
    {"X-Content-Type-Options", {"nosniff"}}, {"X-XSS-Protection", {0}},
    {"Strict-Transport-Security", {0}},
};
#define HEADERS (sizeof known_headers / sizeof known_headers[0])

struct headers {
    bool seen[HEADERS];
    char lines[HTTP_REPLY_HEADERS_MAX + 1];
    size_t length;
};

struct http_section {
    struct web_flag http2;
    struct headers headers;
};

static int check_choice(struct web_reader *r, const struct header *h, const struct web_text *value)
{
    const char *text = value->text ? value->text : "";
    const char *const *choices = h->choices;
    if (!choices[0] || text_equal(text, choices[0]) || (choices[1] && text_equal(text, choices[1])))
        return 0;
    return web_refuse(r, value->mark, "%s: \"%s\" is none of its values; allowed: %s%s%s", h->name,
                      text_show(text).text, choices[0], choices[1] ? ", " : "",
                      choices[1] ? choices[1] : "");
}

static int check_characters(struct web_reader *r, const struct header *h,
                            const struct web_text *value)
{
    for (size_t i = 0; i < value->length; i++) {
        unsigned char c = (unsigned char)value->text[i];
        if (c == '\r' || c == '\n')
            return web_refuse(
                r, value->mark,
                "%s: the value has a line break, which would end the header; write it "
                "on one line (in YAML \">-\" instead of \"|\")",
                h->name);
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return web_refuse(r, value->mark,
                              "%s: the value has the control character \\x%02x; leave it out",
                              h->name, c);
    }
    return 0;
}

static int add_line(struct web_reader *r, struct headers *headers, const struct header *h,
                    const struct web_text *value)
{
    size_t left = sizeof headers->lines - headers->length;
    int length =
        snprintf(headers->lines + headers->length, left, "%s: %s\r\n", h->name, value->text);
    if (length < 0 || (size_t)length >= left)
        return web_refuse(r, value->mark,
                          "%s: with it the headers have more than %d bytes, the most there may be; "
                          "shorten the values",
                          h->name, HTTP_REPLY_HEADERS_MAX);
    headers->length += (size_t)length;
    return 0;
}

static int read_value(struct web_reader *r, const struct header *h, struct headers *headers)
{
    struct web_text value = {0};
    int result = web_read_text(r, h->name, &value);
    if (result == 0)
        result = check_choice(r, h, &value);
    if (result == 0)
        result = check_characters(r, h, &value);
    /* An empty value takes a header away, and there is none to begin with. */
    return result == 0 && web_text_given(&value) ? add_line(r, headers, h, &value) : result;
}

static int refuse_header(const struct web_reader *r, const struct web_text *key)
{
    struct nearest near = {.given = key->text};
    for (size_t i = 0; i < HEADERS; i++)
        nearest_offer(&near, known_headers[i].name, known_headers[i].name);
    return web_refuse(r, key->mark, "the header \"%.40s\" cannot be set%s%s",
                      text_show(key->text).text, nearest_hint(&near, "").text,
                      near.label ? ""
                                 : "; allowed: Content-Security-Policy, X-Frame-Options, "
                                   "X-Content-Type-Options, X-XSS-Protection, "
                                   "Strict-Transport-Security");
}

static int read_header(struct web_reader *r, const struct web_text *key, void *target)
{
    struct headers *headers = target;
    for (size_t i = 0; i < HEADERS; i++) {
        if (!text_equal(known_headers[i].name, key->text))
            continue;
        if (headers->seen[i])
            return web_refuse(r, key->mark, "%s is there twice; keep one of them", key->text);
        headers->seen[i] = true;
        return read_value(r, &known_headers[i], headers);
    }
    return refuse_header(r, key);
}

static int read_headers(struct web_reader *r, const char *name, void *target)
{
    return web_read_entries(r, name, read_header, target);
}

static const struct web_key http_keys[] = {
    {"http2", web_read_flag, offsetof(struct http_section, http2)},
    {"headers", read_headers, offsetof(struct http_section, headers)},
};
static const struct web_section http_section = {
    .name = "http_server_config",
    .keys = http_keys,
    .count = sizeof http_keys / sizeof http_keys[0],
};

int web_read_http(struct web_reader *r, const char *name, void *target)
{
    (void)name;
    struct web_config *c = target;
    struct http_section s = {0};
    int result = web_read_section(r, &http_section, &s);
    if (result < 0)
        return result;
    if (s.http2.written && s.http2.value)
        web_warn(r, s.http2.mark, "http2: HTTP/2 is not spoken here, HTTP/1.1 is");
    c->headers = arena_copy(&c->memory, s.headers.lines, s.headers.length);
    return 0;
}
