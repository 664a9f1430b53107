/* What it knows: the variables OTEL_EXPORTER_OTLP_* and those of the resource, and that an empty
 * one is none. Documents: OpenTelemetry's specification, "OpenTelemetry Protocol Exporter" and
 * "Environment Variable Specification"; W3C Baggage for lists. */
#include "agent/config_push_otel.h"

#include "agent/config_notice.h"
#include "agent/config_pairs.h"
#include "agent/config_push_table.h"
#include "agent/config_text.h"
#include "agent/config_value.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "exporters/push_coding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define METRICS_PATH "v1/metrics" /* of a base endpoint */

/* A variable that is set to something. */
struct variable {
    const char *name; /* NULL: none is */
    const char *text;
};

static struct variable variable_find(char *const environment[], const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; environment[i]; i++) {
        const char *entry = environment[i];
        if (strncmp(entry, name, length) != 0 || entry[length] != '=')
            continue;
        return entry[length + 1] != '\0' ? (struct variable){name, entry + length + 1}
                                         : (struct variable){0};
    }
    return (struct variable){0};
}

/* The variable for metrics is stronger than that for every signal. */
static struct variable exporter_find(char *const environment[], const char *metrics,
                                     const char *every)
{
    struct variable v = variable_find(environment, metrics);
    return v.name ? v : variable_find(environment, every);
}
#define EXPORTER(environment, suffix) \
    exporter_find(environment, "OTEL_EXPORTER_OTLP_METRICS_" suffix, "OTEL_EXPORTER_OTLP_" suffix)

static const struct option *key(const char *name)
{
    return &push_table.items[push_key_index(name)];
}

/* Sets a key of the destination to `text`, as the variable has it. */
static int set(struct push_destination *d, const char *name, const struct variable *v,
               const char *text, struct err *e)
{
    const struct option *o = key(name);
    d->given |= UINT64_C(1) << (o - push_table.items);
    return option_set_field(o, option_field(o, d), v->name, text, e);
}

static int apply_protocol(char *const environment[], struct err *e)
{
    const struct variable v = EXPORTER(environment, "PROTOCOL");
    const char *why = "is not known";
    if (!v.name || text_equal(v.text, "http/protobuf"))
        return 0;
    if (text_equal(v.text, "grpc"))
        why = "is not spoken: it is another protocol on another port, 4317";
    else if (text_equal(v.text, "http/json"))
        why = "is not spoken: every receiver of it takes protobuf as well";
    return err_set(
        e, -EINVAL,
        "%s: \"%s\" %s; set http/protobuf, which goes to port 4318, or unset it for weir", v.name,
        text_show(v.text).text, why);
}

/* The endpoint of every signal is a base: a path is added. That of metrics is used as it is. */
static int apply_endpoint(struct push_destination *d, char *const environment[], struct err *e)
{
    struct variable v = variable_find(environment, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
    if (d->url)
        return 0;
    if (v.name)
        return set(d, "url", &v, v.text, e);
    v = variable_find(environment, "OTEL_EXPORTER_OTLP_ENDPOINT");
    if (!v.name)
        return 0;
    size_t length = strcspn(v.text, "?#");
    const char *slash = length > 0 && v.text[length - 1] == '/' ? "" : "/";
    char *url =
        alloc_format("%.*s%s" METRICS_PATH "%s", (int)length, v.text, slash, v.text + length);
    int r = set(d, "url", &v, url, e);
    free(url);
    return r;
}

static int apply_compression(struct push_destination *d, char *const environment[], struct err *e)
{
    const struct variable v = EXPORTER(environment, "COMPRESSION");
    if (!v.name || push_was_given(d, "compression"))
        return 0;
    if (!text_equal(v.text, "gzip") && !text_equal(v.text, "none"))
        return err_set(e, -EINVAL, "%s: \"%s\" is not known; allowed: gzip, none", v.name,
                       text_show(v.text).text);
    return set(d, "compression", &v, v.text, e);
}

/* A number of milliseconds. */
static int apply_timeout(struct push_destination *d, char *const environment[], struct err *e)
{
    const struct variable v = EXPORTER(environment, "TIMEOUT");
    uint64_t ms = 0;
    if (!v.name || push_was_given(d, "timeout"))
        return 0;
    if (text_parse_u64(v.text, strlen(v.text), &ms) < 0)
        return err_set(e, -EINVAL, "%s: \"%s\" is not a number of milliseconds such as 10000",
                       v.name, text_show(v.text).text);
    char *text = alloc_format("%sms", v.text);
    int r = set(d, "timeout", &v, text, e);
    free(text);
    return r;
}

/* Certificates that are there for other programs must not make a plain destination a mistake, and a
 * pair is taken whole. */
static int apply_certificates(struct push_destination *d, char *const environment[], struct err *e)
{
    const struct variable ca = EXPORTER(environment, "CERTIFICATE");
    const struct variable certificate = EXPORTER(environment, "CLIENT_CERTIFICATE");
    const struct variable private_key = EXPORTER(environment, "CLIENT_KEY");
    bool own_pair = d->cert_file || d->key_file;
    int r = 0;
    if (!d->url || !push_url_split(d->url).https)
        return 0;
    if (ca.name && !d->ca_file)
        r = set(d, "tls.ca-file", &ca, ca.text, e);
    if (r == 0 && certificate.name && !own_pair)
        r = set(d, "tls.cert-file", &certificate, certificate.text, e);
    if (r == 0 && private_key.name && !own_pair)
        r = set(d, "tls.key-file", &private_key, private_key.text, e);
    return r;
}

/* Undoes %XX and leaves out blanks around. NULL, to be freed otherwise: it is not well formed. */
static char *decode(const char *text, size_t length)
{
    for (; length > 0 && *text == ' '; text++)
        length--;
    while (length > 0 && text[length - 1] == ' ')
        length--;
    char *decoded = alloc_copy(text, length);
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < length ? text_hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? text_hex_digit(text[i + 2]) : -1;
            if (low < 0 || high * 16 + low == 0) {
                free(decoded);
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        decoded[at++] = c;
    }
    decoded[at] = '\0';
    return decoded;
}

/* "name=value,name=value", into `ret`, which is freed on an error. Values are secrets, maybe: no
 * message shows one. */
static int parse_list(const struct variable *v, const struct option *o, struct push_pairs *ret,
                      struct err *e)
{
    int r = 0;
    for (const char *at = v->text; r == 0 && *at != '\0';) {
        size_t length = strcspn(at, ",");
        size_t name_length = strcspn(at, "=,");
        bool blank = strspn(at, " ") >= length;
        char *name = decode(at, name_length);
        char *value =
            name_length < length ? decode(at + name_length + 1, length - name_length - 1) : NULL;
        if (!blank && (!name || !value))
            r = err_set(e, -EINVAL,
                        "%s: not of the form NAME=VALUE,NAME=VALUE with , and = in a text as %%2C "
                        "and %%3D",
                        v->name);
        if (r == 0 && !blank)
            r = option_add_pair(o, ret, v->name, name, value, e);
        free(name);
        free(value);
        at += length + (at[length] == ',');
    }
    if (r < 0)
        push_pairs_done(ret);
    return r;
}

/* As the destination's own, but that the environment is a place for a secret. */
static const char *check_header_name(const char *value)
{
    return strcasecmp(value, "Authorization") == 0 ? NULL : check_push_header_name(value);
}

static int apply_headers(struct push_destination *d, char *const environment[], struct err *e)
{
    const struct variable v = EXPORTER(environment, "HEADERS");
    struct option o = *key("headers");
    struct push_pairs all = {0};
    bool secret = d->username || d->username_file || d->bearer_token_file;
    o.check = check_header_name;
    int r = v.name ? parse_list(&v, &o, &all, e) : 0;
    for (size_t i = 0; r == 0 && i < all.count; i++) {
        const struct push_pair *p = &all.items[i];
        if (push_pairs_find(&d->headers, p->name, true) ||
            (secret && strcasecmp(p->name, "Authorization") == 0))
            continue;
        if (push_pairs_find(&d->secret_headers, p->name, true))
            r = err_set(e, -EINVAL, "%s: %s is there twice", v.name, text_show(p->name).text);
        else
            push_pairs_add(&d->secret_headers, p->name, p->value);
    }
    push_pairs_done(&all);
    return r;
}

static void add_attribute(struct push_destination *d, const char *name, const char *value)
{
    if (!push_pairs_find(&d->external_labels, name, false))
        push_pairs_add(&d->external_labels, name, value);
}

/* The specification has a list that cannot be read left out as a whole, and told of. */
static void apply_attributes(struct push_destination *d, char *const environment[],
                             struct config *c)
{
    const struct variable name = variable_find(environment, "OTEL_SERVICE_NAME");
    const struct variable list = variable_find(environment, "OTEL_RESOURCE_ATTRIBUTES");
    const struct option *o = key("external-labels");
    struct push_pairs attributes = {0};
    struct err e = {0};
    if (name.name && option_add_pair(o, &attributes, name.name, "service.name", name.text, &e) < 0)
        config_notice_add(c, LOG_LEVEL_WARN, "%s; it is left out", e.text);
    for (size_t i = 0; i < attributes.count; i++)
        add_attribute(d, attributes.items[i].name, attributes.items[i].value);
    push_pairs_done(&attributes);
    if (list.name && parse_list(&list, o, &attributes, &e) < 0)
        config_notice_add(c, LOG_LEVEL_WARN, "%s; the whole list is left out", e.text);
    for (size_t i = 0; i < attributes.count; i++)
        add_attribute(d, attributes.items[i].name, attributes.items[i].value);
    push_pairs_done(&attributes);
}

int push_otel_apply(struct push_destination *d, char *const environment[], struct config *c,
                    struct err *e)
{
    int r = apply_protocol(environment, e);
    r = r < 0 ? r : apply_endpoint(d, environment, e);
    r = r < 0 ? r : apply_compression(d, environment, e);
    r = r < 0 ? r : apply_timeout(d, environment, e);
    r = r < 0 ? r : apply_certificates(d, environment, e);
    r = r < 0 ? r : apply_headers(d, environment, e);
    if (r == 0)
        apply_attributes(d, environment, c);
    return r;
}
