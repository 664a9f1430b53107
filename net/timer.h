/* A one-shot timer on the loop, for those who must not know libuv. */
#ifndef WEIR_NET_TIMER_H
#define WEIR_NET_TIMER_H

#include <stdint.h>

struct uv_loop_s;
struct timer; /* opaque; owned by whoever made it, freed by timer_close */

/* A stopped timer on `loop`. `fire` is called on the loop with `context` each time it runs out. */
struct timer *timer_new(struct uv_loop_s *loop, void (*fire)(void *context), void *context);
/* Runs out once, `delay_ms` from now; a running one is replaced. */
void timer_start(struct timer *t, uint64_t delay_ms);
/* It will not fire; a stopped one stays stopped. */
void timer_stop(struct timer *t);
/* Stops it and gives it back: the pointer is invalid at once, its memory goes when the loop has
 * closed the handle. NULL is allowed. */
void timer_close(struct timer *t);

#endif
