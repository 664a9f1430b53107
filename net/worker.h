/* One thread of its own for work that may block: one job at a time, done is told on the loop. Not
 * libuv's pool, where a slow disk or a password hash of somebody else's would hold it up. */
#ifndef WEIR_NET_WORKER_H
#define WEIR_NET_WORKER_H

#include <stdbool.h>

struct uv_loop_s;
struct worker; /* opaque */

/* A worker without a thread yet: that starts with the first job. */
struct worker *worker_new(struct uv_loop_s *loop);
/* Runs `work(context)` on the thread, then `done(context)` on the loop. One job at a time: none may
 * be under way. 0, or the negative errno when no thread can be had; then neither is called. */
int worker_start(struct worker *w, void (*work)(void *context), void (*done)(void *context),
                 void *context);
/* Is a job under way, its `done` not called yet? */
bool worker_is_busy(const struct worker *w);
/* Ends it; the pointer is invalid at once. `done` of a job under way is not called; `left(context)`
 * is called instead, on the thread when the job ends, or at once when none is under way: it frees
 * what the job uses. A job that is stuck in the kernel keeps its thread and memory until the
 * process ends. */
void worker_close(struct worker *w, void (*left)(void *context), void *context);

#endif
