/* The file of --web.config.file and the files it names, looked at while weir runs, on a thread of
 * its own: a slow disk stalls nobody, and certificates rotate without a restart. */
#ifndef WEIR_AGENT_WEB_WATCH_H
#define WEIR_AGENT_WEB_WATCH_H

#include "agent/web_config.h"

struct uv_loop_s;
struct web_watch; /* opaque */

/* A file that was read, and its certificate ready for use. */
struct web_loaded {
    struct web_config config;
    struct tls_context *tls; /* a reference; NULL without TLS */
};

/* Reads `path`; "" is a file that says nothing. 0, or a negative errno with the sentence. */
int web_loaded_read(const char *path, struct err *e, struct web_loaded *ret);
void web_loaded_done(struct web_loaded *l);

/* What it tells, from the loop. */
struct web_watch_events {
    /* Takes over what `loaded` holds; 0, or a negative errno when it could not be put in force: it
     * is told again at the next look. */
    int (*changed)(void *context, struct web_loaded *loaded);
    void (*failed)(void *context, const struct err *e); /* it cannot be used; told at every look */
    void (*well)(void *context);                        /* it is still as it was read last */
    void *context;
};

/* Looks every second at `path`, whose content had `digest` when it was read last. */
struct web_watch *web_watch_new(struct uv_loop_s *loop, const char *path, uint64_t digest,
                                const struct web_watch_events *events);
/* The pointer is invalid at once. NULL is allowed. */
void web_watch_close(struct web_watch *w);

#endif
