/* A descriptor that is waited for on the loop, for those who must not know libuv. */
#ifndef WEIR_NET_READABLE_H
#define WEIR_NET_READABLE_H

struct uv_loop_s;
struct readable; /* opaque */

/* Calls `ready` on the loop when there is something to read from `descriptor` (not owned; open
 * until the close), once for each readable_start. Keeps no loop alive. NULL where the loop cannot
 * wait for it. */
struct readable *readable_new(struct uv_loop_s *loop, int descriptor, void (*ready)(void *context),
                              void *context);
void readable_start(struct readable *r);
/* The pointer is invalid at once. NULL is allowed. */
void readable_close(struct readable *r);

#endif
