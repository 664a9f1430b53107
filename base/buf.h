/* A growable byte buffer, born with its maximum. */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `data[length]` is always NUL once anything was appended. After a failed append `failed` is set
 * and all later appends do nothing, so a long run of appends needs one check at its end. */
struct buf {
    char *data; /* owned; NULL while empty */
    size_t length;
    size_t capacity;
    size_t maximum; /* bytes of content it will never pass */
    bool failed;
};

/* An empty buffer that holds at most `maximum` bytes. Allocates nothing. */
void buf_init(struct buf *b, size_t maximum);
/* Frees the content; the buffer is empty and usable again with the same maximum. */
void buf_done(struct buf *b);
/* Empties it and keeps the memory. */
void buf_clear(struct buf *b);
/* Makes room for `more` bytes after the content. 0, -EMSGSIZE past the maximum, -ENOMEM. */
int buf_reserve(struct buf *b, size_t more);

/* Appends; 0, -EMSGSIZE past the maximum, -ENOMEM; nothing is appended on an error. */
int buf_add(struct buf *b, const char *bytes, size_t length);
int buf_add_string(struct buf *b, const char *text);
int buf_add_char(struct buf *b, char c);
int buf_add_u64(struct buf *b, uint64_t value);
int buf_add_i64(struct buf *b, int64_t value);
int buf_add_format(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
