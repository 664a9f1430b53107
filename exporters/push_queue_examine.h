/* The place of a queue, for `weir check`: looked at, never touched. Blocking. */
#ifndef WEIR_EXPORTERS_PUSH_QUEUE_EXAMINE_H
#define WEIR_EXPORTERS_PUSH_QUEUE_EXAMINE_H

#include <stdint.h>

struct err;

struct push_queue_place {
    uint64_t used_bytes; /* of its segments; the queue may be in use */
    uint64_t free_bytes; /* on its file system, for this user: statvfs(3), f_bavail */
};

/* Can this user keep a queue in the directory, or make it where it is not there? Nothing is made,
 * locked or changed, so another process may have it. 0, or a negative errno with the sentence. */
int push_queue_examine(const char *directory, struct push_queue_place *ret, struct err *e);

#endif
