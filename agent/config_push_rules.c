/* What it knows: what of a destination does not go together, and what to write instead. */
#include "agent/config_notice.h"
#include "agent/config_push_parts.h"
#include "agent/config_push_table.h"
#include "agent/config_text.h"
#include "base/err.h"
#include "exporters/push_coding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *check_authentication(const struct push_destination *d)
{
    bool basic = d->username || d->username_file || d->password_file;
    if (basic && d->bearer_token_file)
        return "basic-auth and bearer-token-file: leave one of them out";
    if (d->username && d->username_file)
        return "basic-auth: username and username-file: leave one of them out";
    if (basic && !d->username && !d->username_file)
        return "basic-auth: there is no username; write username or username-file";
    return NULL;
}

static const char *check_tls(const struct push_destination *d)
{
    bool any = d->ca_file || d->cert_file || d->key_file || d->insecure_skip_verify;
    if (any && !push_url_split(d->url).https)
        return "tls: the URL does not begin with https://; write that, or leave tls out";
    if (!d->cert_file != !d->key_file)
        return "tls: cert-file and key-file belong together; write both or none";
    return NULL;
}

static const char *check_together(const struct push_destination *d)
{
    const char *why = check_authentication(d);
    why = why ? why : check_tls(d);
    if (why)
        return why;
    if (d->protocol != PUSH_OTLP && d->coding != PUSH_SNAPPY)
        return "compression: remote write knows no other than snappy; leave it out";
    if (d->protocol == PUSH_OTLP && d->coding == PUSH_SNAPPY)
        return "compression: OTLP over HTTP knows gzip alone; write gzip or none";
    if (push_was_given(d, "queue.sync") && !d->queue_dir)
        return "queue: sync without dir: in memory there is nothing to sync; name a dir or leave "
               "sync out";
    return NULL;
}

/* A label's name as Prometheus has it. */
static bool is_label_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        if (!letter && (c == name || *c < '0' || *c > '9'))
            return false;
    }
    return true;
}

static int check_names(const struct push_destination *d, struct err *e)
{
    for (size_t i = 0; d->protocol != PUSH_OTLP && i < d->external_labels.count; i++)
        if (!is_label_name(d->external_labels.items[i].name))
            return err_set(e, -EINVAL,
                           "%s: external-labels: \"%s\" is no name of a label; allowed: letters, "
                           "digits and _, and no digit at its begin (with dots: protocol otlp)",
                           d->place, text_show(d->external_labels.items[i].name).text);
    for (size_t i = 0; i < d->headers.count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(d->headers.items[i].name, d->headers.items[k].name) == 0)
                return err_set(e, -EINVAL,
                               "%s: headers: \"%s\" is there twice, for case does not "
                               "count; leave one out",
                               d->place, text_show(d->headers.items[i].name).text);
    return 0;
}

int push_rules_check(const struct push_destination *d, struct err *e)
{
    const char *why = check_together(d);
    return why ? err_set(e, -EINVAL, "%s: %s", d->place, why) : check_names(d, e);
}

/* Most receivers answer 404 there; one behind a proxy may not. */
void push_rules_tell(const struct push_destination *d, struct config *c)
{
    const char *path = push_url_split(d->url).path;
    if (strcspn(path, "?") <= 1) /* nothing, or / alone */
        config_notice_add(c, LOG_LEVEL_WARN, "%s: the URL has no path; %s", d->place,
                          d->protocol == PUSH_OTLP ? "receivers of OTLP take /v1/metrics"
                                                   : "Prometheus takes /api/v1/write");
}

int push_rules_check_two(const struct push_destination *d, const struct push_destination *other,
                         struct err *e)
{
    char *own = push_destination_directory(d);
    char *theirs = push_destination_directory(other);
    int r = 0;
    if (text_equal(d->name, other->name))
        r = err_set(e, -EINVAL, "%s: the one at %s is called \"%s\" too; write another name",
                    d->place, other->place, text_show(d->name).text);
    else if (own && theirs && text_equal(own, theirs))
        r = err_set(e, -EINVAL,
                    "%s: its queue would be in the directory of that at %s; write another name",
                    d->place, other->place);
    free(own);
    free(theirs);
    return r;
}
