/* What is done with an engine: reaching it (engine_setup.c) and knowing its containers
 * (engine_inventory.c, engine_events.c, engine_removed.c). Shared by engine*.c and by nobody else.
 */
#ifndef WEIR_COLLECTORS_ENGINE_STEPS_H
#define WEIR_COLLECTORS_ENGINE_STEPS_H

#include "collectors/engine_state.h"

/* --- engine_setup.c --- */

/* Makes the client. 0, or a negative errno with the sentence. */
int engine_open(struct engine *e, struct err *err);
/* Begins with the version and goes on to READY. */
void engine_connect(struct engine *e);
/* Subscribes to events, then lists. */
void engine_subscribe(struct engine *e);
/* Ends setting up and the subscription: the engine is away, for that reason. Its containers stay,
 * and what was asked about them too. */
void engine_down(struct engine *e, enum reason reason, const char *text);
/* Gives up waiting for it: asks /_ping in the background until it is back. */
void engine_suspect(struct engine *e);
/* It answered: rounds ask it again. */
void engine_trust(struct engine *e);
/* Nobody asks for rounds, or it is over: no more /_ping. */
void engine_stop_probe(struct engine *e);
/* Goes on asking /_ping after engine_stop_probe; nothing where it is going on. */
void engine_resume_probe(struct engine *e);

/* --- engine_inventory.c --- */

/* Reads the list of containers and compares it with what is known. */
void engine_list(struct engine *e);
/* The container called `id`, or NULL. */
struct engine_container *engine_find_container(const struct engine *e, const char *id);
/* The same, made if it is new; NULL where there is no more room or `id` is no id. */
struct engine_container *engine_get_container(struct engine *e, const char *id);
/* It is no more; `c` is freed. The round may end inside. */
void engine_remove_container(struct engine_container *c);
/* Asks who a container is. It must have no call under way. */
void engine_inspect(struct engine_container *c);
/* Drops every container, the removed ones too. No call of theirs may be waited for. */
void engine_forget(struct engine *e);

/* --- engine_events.c --- */

/* One line of the event stream; `context` is the engine. */
void engine_handle_event(void *context, const char *line, size_t length);
/* How many events there were, by kind, once there has been a stream. */
void engine_add_event_points(const struct engine *e, struct part *part);

/* --- engine_removed.c --- */

/* Keeps who it was and how it did for container.linger; takes both out of `c`. One that nobody
 * knew or that is not shown is let go. */
void engine_keep_removed(struct engine_container *c);
/* How the removed container `id` did, or NULL: there is none. */
struct engine_life *engine_find_removed(const struct engine *e, const char *id);
/* It is there after all: puts back into `c` what was kept. */
void engine_restore_removed(struct engine_container *c);
/* A row for each, but not for those whose time is over: they go. */
void engine_add_removed_rows(struct engine *e);
void engine_forget_removed(struct engine *e);

#endif
