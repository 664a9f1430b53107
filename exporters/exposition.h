/* What a format of Prometheus is: how a label, a family and a sample are written. Which of them
 * there are, and in which order, is the walk's business (prometheus.c). */
#ifndef WEIR_EXPORTERS_EXPOSITION_H
#define WEIR_EXPORTERS_EXPOSITION_H

#include "base/buf.h"
#include "base/metric.h"
#include "base/text.h"

#include <stdint.h>
#include <string.h>

/* A run of bytes; `bytes` is never NULL. */
struct piece {
    const char *bytes;
    size_t length;
};

#define PIECE_EMPTY ((struct piece){.bytes = ""})

/* The state of an exposition that is being written. */
struct exposition {
    struct buf *out;
    const struct metric *metric; /* the line of the metric list */
    struct piece family;         /* its family's name */
    struct piece constant;       /* the labels that all samples of the line have, formatted */
    size_t begin;                /* where the family begins in `out`; the format's own */
    size_t length_size;          /* bytes kept free there; the format's own */
};

/* Appends the label, formatted; the formatted labels of a sample are just put one behind the other.
 * What is not UTF-8 in `value` becomes U+FFFD, since one bad byte would make Prometheus refuse the
 * whole scrape. A value that is NULL or empty appends nothing: to Prometheus it is the same as no
 * label. `name_length` bytes of `name` count. */
typedef void label_add_fn(struct buf *b, const char *name, size_t name_length, const char *value);

struct exposition_format {
    label_add_fn *add_label;
    void (*begin_family)(struct exposition *e);
    /* `labels` and `more` are formatted labels; those of `e->constant` follow. */
    void (*add_sample)(struct exposition *e, struct piece labels, struct piece more,
                       uint64_t value);
    void (*end_family)(struct exposition *e);
    void (*end)(struct exposition *e);
};

extern const struct exposition_format exposition_text;
extern const struct exposition_format exposition_openmetrics;
extern const struct exposition_format exposition_protobuf;

/* Where `most` bytes and a NUL may be written behind the content; NULL once it does not fit. Inline
 * because every sample asks. */
static inline char *exposition_room(struct buf *out, size_t most)
{
    if (out->failed || (most >= out->capacity - out->length && buf_reserve(out, most) < 0))
        return NULL;
    return out->data + out->length;
}

static inline char *piece_put(char *at, struct piece piece)
{
    if (piece.length > 0) /* most samples have no second and third labels */
        memcpy(at, piece.bytes, piece.length);
    return at + piece.length;
}

/* The next character of a label value that does not end at `*at`, and goes past it. */
static inline struct piece label_character(const char **at)
{
    size_t length = text_utf8_length(*at);
    struct piece character = {.bytes = *at, .length = length};
    *at += length > 0 ? length : 1;
    return length > 0 ? character : (struct piece){.bytes = "\xEF\xBF\xBD", .length = 3};
}

#endif
