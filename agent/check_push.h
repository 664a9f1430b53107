/* What `weir check` says of the destinations: each is sent an empty request. */
#ifndef WEIR_AGENT_CHECK_PUSH_H
#define WEIR_AGENT_CHECK_PUSH_H

struct check_push; /* opaque */
struct check_sink;
struct config;
struct core;

/* Asks all of them at once. `done` is called once, from the loop and never from inside this, when
 * every one has answered or its time is over. */
struct check_push *check_push_new(struct core *core, const struct config *config,
                                  char *const environment[], void (*done)(void *context),
                                  void *context);
/* A line for each, once it is done. */
void check_push_say(const struct check_push *p, const struct check_sink *sink);
/* After it is done. */
void check_push_free(struct check_push *p);

#endif
