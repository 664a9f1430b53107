/* What it knows: the words for samples that come too late, of Prometheus (storage/interface.go, the
 * write handler), Mimir (err-mimir-...), Cortex and Thanos; VictoriaMetrics says none of them. And
 * the two messages that OTLP answers with: ExportMetricsServiceResponse and google.rpc.Status. */
#include "exporters/push_complaint.h"

#include "base/buf.h"
#include "base/text.h"
#include "exporters/push_answer.h"
#include "exporters/push_fields.h"
#include "net/http_post.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define OTLP_TYPE "application/x-protobuf"

/* Fields: of ExportMetricsServiceResponse, of the partial success in it, of Status. */
#define RESPONSE_PARTIAL 1
#define PARTIAL_REJECTED 1
#define PARTIAL_MESSAGE  2
#define STATUS_MESSAGE   2

#define WIRE_BITS 3 /* of a tag */
#define WIRE_MASK 7u

#define WORDS_MOST 300 /* bytes: a line of the log, and Mimir's longest sentence */

/* The first that is found decides, since one sentence may have several: "out of bounds: timestamp
 * is too far in the future", "beyond the out-of-order time window (err-...-timestamp-too-old)". */
static const struct {
    const char *words;
    enum push_complaint complaint;
} phrases[] = {
    {"too far in the future", PUSH_COMPLAINT_OTHER},
    {"out of order label", PUSH_COMPLAINT_OTHER},
    {"out of order exemplar", PUSH_COMPLAINT_OTHER},
    {"too old", PUSH_COMPLAINT_AGE},
    {"too-old", PUSH_COMPLAINT_AGE},
    {"out of bounds", PUSH_COMPLAINT_AGE},
    {"out of order", PUSH_COMPLAINT_ORDER},
    {"out-of-order", PUSH_COMPLAINT_ORDER},
    {"duplicate sample", PUSH_COMPLAINT_ORDER},
    {"duplicate-timestamp", PUSH_COMPLAINT_ORDER},
    {"repeated timestamp", PUSH_COMPLAINT_ORDER},
};

static bool has_words(struct push_span text, const char *words)
{
    size_t length = strlen(words);
    for (size_t i = 0; i + length <= text.length; i++)
        if (strncasecmp(text.at + i, words, length) == 0)
            return true;
    return false;
}

enum push_complaint push_complaint_of(const struct http_post_result *result)
{
    struct push_span body = {result->body, result->body_length};
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (has_words(body, phrases[i].words))
            return phrases[i].complaint;
    return PUSH_COMPLAINT_OTHER;
}

/* As push_field_next, but a content whose end is missing is taken as far as it goes: only the
 * beginning of a long answer is kept. */
static bool next_field(struct push_span *rest, struct push_field *ret)
{
    struct push_span at = *rest;
    uint64_t tag;
    uint64_t length;
    int r = push_field_next(rest, ret);
    if (r >= 0)
        return r > 0;
    if (push_varint_next(&at, &tag) < 0 || (tag & WIRE_MASK) != PUSH_WIRE_BYTES ||
        push_varint_next(&at, &length) < 0)
        return false;
    *ret = (struct push_field){
        .number = (uint32_t)(tag >> WIRE_BITS), .wire = PUSH_WIRE_BYTES, .bytes = at};
    *rest = (struct push_span){at.at + at.length, 0};
    return true;
}

/* Field `number` of that kind; an empty one when the message has none. */
static struct push_field find_field(struct push_span message, uint32_t number, enum push_wire wire)
{
    struct push_field field;
    while (next_field(&message, &field))
        if (field.number == number && field.wire == wire)
            return field;
    return (struct push_field){0};
}

static struct push_span partial_success(const struct http_post_result *result)
{
    struct push_span body = {result->body, result->body_length};
    return find_field(body, RESPONSE_PARTIAL, PUSH_WIRE_BYTES).bytes;
}

static bool is_protobuf(const struct http_post_result *result)
{
    return result->content_type &&
           strncasecmp(result->content_type, OTLP_TYPE, strlen(OTLP_TYPE)) == 0;
}

uint64_t push_complaint_rejected(const struct http_post_result *result)
{
    if (!is_protobuf(result))
        return 0;
    uint64_t value = find_field(partial_success(result), PARTIAL_REJECTED, PUSH_WIRE_VARINT).value;
    return value <= INT64_MAX ? value : 0; /* an int64, and less than none is nothing */
}

static struct push_span words_of(enum push_format format, const struct http_post_result *result)
{
    if (result->reason != REASON_NONE)
        return (struct push_span){result->text, strlen(result->text)};
    struct push_span body = {result->body, result->body_length};
    if (result->status / 100 == 3 && result->location)
        return (struct push_span){result->location, strlen(result->location)};
    if (format != PUSH_OTLP || !is_protobuf(result))
        return body;
    if (result->status / 100 == 2)
        return find_field(partial_success(result), PARTIAL_MESSAGE, PUSH_WIRE_BYTES).bytes;
    return find_field(body, STATUS_MESSAGE, PUSH_WIRE_BYTES).bytes;
}

/* How many bytes at `at` are one character to be shown; 0: a blank in its place. */
static size_t shown_length(const char *at)
{
    unsigned char first = (unsigned char)at[0];
    if (first <= ' ' || first == 0x7f)
        return 0;
    bool is_control = first == 0xc2 && (unsigned char)at[1] < 0xa0; /* U+0080 to U+009F */
    return is_control ? 0 : text_utf8_length(at);
}

void push_answer_words(enum push_format format, const struct http_post_result *result,
                       struct buf *ret)
{
    struct push_span words = words_of(format, result);
    char text[WORDS_MOST + 1];
    size_t length = words.length < WORDS_MOST ? words.length : WORDS_MOST;
    if (length > 0)
        memcpy(text, words.at, length);
    text[length] = '\0';
    bool blank = false;
    size_t before = ret->length;
    for (size_t i = 0; i < length;) {
        size_t shown = shown_length(text + i);
        if (shown > 0 && blank && ret->length > before)
            (void)buf_add_char(ret, ' ');
        if (shown > 0)
            (void)buf_add(ret, text + i,
                          shown); /* it is for the log: what does not fit is left out */
        blank = shown == 0;
        i += shown > 0 ? shown : 1;
    }
}
