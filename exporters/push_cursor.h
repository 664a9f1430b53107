/* The file that says which records of a queue are done with. Document: docs/QUEUE.md. */
#ifndef WEIR_EXPORTERS_PUSH_CURSOR_H
#define WEIR_EXPORTERS_PUSH_CURSOR_H

#include "exporters/push_segment.h"

#include <stdbool.h>
#include <stdint.h>

#define PUSH_CURSOR_BYTES 576 /* the file's size */

struct push_cursor {
    int fd;              /* owned; -1: not open */
    uint64_t generation; /* of the newest slot */
};

/* Reads what is there: 0; -ENOENT: no file; -EBADMSG: nothing in it is good; or the negative errno.
 * The descriptor is open after 0 and -EBADMSG. `ret_intact`: both slots are good, so none newer was
 * lost. */
int push_cursor_open(struct push_cursor *c, int directory, struct push_position *ret,
                     bool *ret_intact);
/* Makes the file anew, closing the old one. 0 or the negative errno: not open then. */
int push_cursor_make(struct push_cursor *c, int directory, struct push_position at);
/* Overwrites the older slot. 0 or the negative errno: the newer one still holds. */
int push_cursor_write(struct push_cursor *c, struct push_position at);
void push_cursor_close(struct push_cursor *c);

#endif
