/* Text: strict number parsing, globs, label names, times. */
#ifndef WEIR_BASE_TEXT_H
#define WEIR_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool text_equal(const char *a, const char *b)
{
    return __builtin_strcmp(a, b) == 0;
}

/* A list of texts; who owns it is said where it is used. */
struct text_list {
    char **items;
    size_t count;
};

/* Frees the texts and the array, all of them allocated; the list is empty then. */
void text_list_done(struct text_list *list);
/* A list of copies, for text_list_done. */
struct text_list text_list_copy(const struct text_list *from);

/* Does `text` begin with `prefix`? */
bool text_starts_with(const char *text, const char *prefix);

/* A whole decimal number of `length` bytes without sign or blanks. 0, -EINVAL (not a number),
 * -ERANGE (past 2^64-1). */
int text_parse_u64(const char *text, size_t length, uint64_t *ret_value);

/* A duration as Prometheus writes it, e.g. "1h30m", "5s", "250ms", "0": each unit (d, h, m, s, ms)
 * at most once and in falling order; a bare "0" is allowed. In ms. 0, -EINVAL, -ERANGE (past 100
 * years). */
int text_parse_duration_ms(const char *text, uint64_t *ret_ms);

/* An RFC 3339 time such as 2026-01-02T03:04:05.123456789Z or ...+08:00 to nanoseconds since 1970.
 * Years before 1970, so also Go's zero time 0001-01-01T00:00:00Z, give -ENODATA. 0, -EINVAL,
 * -ENODATA. */
int text_parse_rfc3339_ns(const char *text, uint64_t *ret_ns);

/* Does the whole of `text` match the glob `pattern` (`*` any run, `?` one byte, `\` takes the next
 * byte literally)? Linear in length(text) * length(pattern). */
bool text_glob(const char *pattern, const char *text);

/* FNV-1a, whose low bits know little of the last bytes. */
uint64_t text_hash(const char *text);
/* 0 to 15; -1 for a character that is no hexadecimal digit. */
int text_hex_digit(char c);

/* How many bytes the UTF-8 sequence at `at` has, which is NUL-terminated; 0 if it is none: no
 * overlong forms, no surrogates, nothing past U+10FFFF (RFC 3629). Stops at the first byte that
 * cannot belong to it. */
size_t text_utf8_length(const char *at);
/* Is all of it UTF-8, as text_utf8_length has it? */
bool text_is_utf8(const char *text);

/* Is it exactly 64 digits of lower-case hex, the full id of a container? */
bool text_is_container_id(const char *text, size_t length);

#endif
