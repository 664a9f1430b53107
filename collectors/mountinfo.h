/* One line of mountinfo. Document: proc(5), /proc/PID/mountinfo. Pure. */
#ifndef WEIR_COLLECTORS_MOUNTINFO_H
#define WEIR_COLLECTORS_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field as it stands in the text; paths have some bytes escaped. */
struct mountinfo_field {
    const char *text;
    size_t length;
};

struct mountinfo_line {
    uint32_t major, minor; /* of the file system */
    struct mountinfo_field root, point, type, source;
    struct mountinfo_field options; /* of the super block */
};

/* Splits the `length` bytes of a line, without its end, into `ret`. False where it is none. */
bool mountinfo_split(const char *text, size_t length, struct mountinfo_line *ret);
bool mountinfo_field_is(const struct mountinfo_field *field, const char *text);
/* Writes the field, unescaped, and a NUL into `ret`, which has room for its length and one more. */
void mountinfo_decode(const struct mountinfo_field *field, char ret[]);

#endif
