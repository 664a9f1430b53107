/* Text helpers of configuration and log: UTF-8, values shown in messages, the nearest known word.
 */
#ifndef WEIR_AGENT_CONFIG_TEXT_H
#define WEIR_AGENT_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* The code point at the start of `text` (`length` bytes, at least 1). Its size in bytes, 0 when the
 * bytes are not UTF-8 as RFC 3629 has it. */
size_t text_utf8_next(const char *text, size_t length, uint32_t *ret_code_point);

#define SHOWN_MAX 80 /* bytes: enough to recognise a value by, short enough for one sentence */

/* A value as a message may show it: control characters and stray bytes as \xNN, cut at SHOWN_MAX.
 */
struct shown {
    char text[SHOWN_MAX];
};
struct shown text_show(const char *value);

/* Appends a duration as text_parse_duration_ms reads it, e.g. 1m30s; "0" for none. */
void text_add_duration(struct buf *b, uint64_t ms);

/* A number of bytes such as 65536, 512kB, 256MB or 256MiB (those with an i are powers of 1024). 0,
 * -EINVAL, -ERANGE (past 2^64-1). */
int text_parse_size(const char *text, uint64_t *ret_bytes);
/* Appends it as text_parse_size reads it, e.g. 256MiB. */
void text_add_size(struct buf *b, uint64_t bytes);

/* The known word that is nearest to a misspelt one. Zero but for `given` before the first offer. */
struct nearest {
    const char *given;
    const char *label; /* of the best so far; NULL: nothing is near */
    size_t distance;
};
/* Offers a known word; `label` is what to suggest for it and must outlive `n`. Case does not count
 * and '.', '_' and '-' are one. */
void nearest_offer(struct nearest *n, const char *word, const char *label);

#define HINT_MAX 96 /* bytes: the words around it and the longest name of an option */

/* " (did you mean PREFIXlabel?)", or "" when nothing is near. */
struct hint {
    char text[HINT_MAX];
};
struct hint nearest_hint(const struct nearest *n, const char *prefix);

#endif
