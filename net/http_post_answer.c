/* What it knows: which headers of an answer matter, and how much of its body is kept. Documents:
 * RFC 9110 sections 5, 10.2.2, 10.2.3 and 15.2; the remote write specification 2.0. */
#include "net/http_post_answer.h"

#include "base/alloc.h"
#include "base/text.h"
#include "net/http_body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void http_post_answer_init(struct http_post_answer *a)
{
    *a = (struct http_post_answer){0};
    for (size_t i = 0; i < WRITTEN_COUNT; i++)
        a->written[i] = -1;
}

static void forget_head(struct http_post_answer *a)
{
    free(a->retry_after);
    free(a->content_type);
    free(a->location);
    a->retry_after = a->content_type = a->location = NULL;
    for (size_t i = 0; i < WRITTEN_COUNT; i++)
        a->written[i] = -1;
}

void http_post_answer_done(struct http_post_answer *a)
{
    forget_head(a);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct field {
    const char *name;
    size_t name_length;
    const char *value; /* without the blanks around it */
    size_t length;
};

static bool split(const char *line, size_t length, struct field *ret)
{
    const char *colon = memchr(line, ':', length);
    if (!colon)
        return false;
    const char *begin = colon + 1;
    const char *end = line + length;
    while (begin < end && is_blank(*begin))
        begin++;
    while (begin < end && is_blank(end[-1]))
        end--;
    *ret = (struct field){.name = line,
                          .name_length = (size_t)(colon - line),
                          .value = begin,
                          .length = (size_t)(end - begin)};
    return true;
}

static bool is_named(const struct field *f, const char *name)
{
    return f->name_length == strlen(name) && strncasecmp(f->name, name, f->name_length) == 0;
}

/* None of them may come twice; where one does, the first counts. */
static void keep_text(const struct field *f, char **text)
{
    if (!*text)
        *text = alloc_copy(f->value, f->length);
}

/* What is no count is as if it were not there. */
static void keep_count(const struct field *f, int64_t *count)
{
    uint64_t value;
    if (*count < 0 && text_parse_u64(f->value, f->length, &value) == 0 && value <= INT64_MAX)
        *count = (int64_t)value;
}

static void take_field(struct http_post_answer *a, const struct field *f)
{
    if (is_named(f, "Retry-After"))
        keep_text(f, &a->retry_after);
    else if (is_named(f, "Content-Type"))
        keep_text(f, &a->content_type);
    else if (is_named(f, "Location"))
        keep_text(f, &a->location);
    else if (is_named(f, "X-Prometheus-Remote-Write-Samples-Written"))
        keep_count(f, &a->written[WRITTEN_SAMPLES]);
    else if (is_named(f, "X-Prometheus-Remote-Write-Histograms-Written"))
        keep_count(f, &a->written[WRITTEN_HISTOGRAMS]);
    else if (is_named(f, "X-Prometheus-Remote-Write-Exemplars-Written"))
        keep_count(f, &a->written[WRITTEN_EXEMPLARS]);
}

int http_post_answer_line(struct http_post_answer *a, const char *line, size_t length)
{
    a->head_bytes += length;
    if (a->head_bytes > HTTP_HEAD_BYTES_MAX)
        return a->error = -E2BIG;
    if (a->status != 0)
        return 0; /* trailers */
    if (length == 0 || line[0] == '\r' || line[0] == '\n')
        return 1;
    struct field field;
    if (split(line, length, &field))
        take_field(a, &field);
    return 0;
}

int http_post_answer_head(struct http_post_answer *a, long status)
{
    /* 101 would mean that what follows is another protocol, which nobody asked for. */
    if (status < 100 || status == 101)
        return a->error = -EBADMSG;
    if (status < 200)
        forget_head(a); /* its headers are not those of the answer */
    else
        a->status = (int)status;
    return 0;
}

int http_post_answer_body(struct http_post_answer *a, const char *bytes, size_t length)
{
    size_t space = HTTP_POST_ANSWER_MAX - a->body_length;
    size_t kept = length < space ? length : space;
    memcpy(a->body + a->body_length, bytes, kept);
    a->body_length += kept;
    a->body[a->body_length] = '\0';
    a->body_bytes += length;
    a->cut = a->body_bytes > HTTP_POST_BODY_MAX;
    return a->cut ? -EMSGSIZE : 0;
}

bool http_post_answer_stands(const struct http_post_answer *a, bool whole)
{
    bool is_success = a->status >= 200 && a->status < 300;
    return a->status != 0 && (whole || a->cut || !is_success);
}
