/* What listens and answers: the server, the guard before it, the scrapes, and the file that
 * protects them. */
#ifndef WEIR_AGENT_ENDPOINT_H
#define WEIR_AGENT_ENDPOINT_H

#include "exporters/exporter.h"

struct config;
struct core;
struct endpoint; /* opaque */
struct err;
struct http_request;
struct part;

struct endpoint_options {
    struct core *core;           /* loop and log; must outlive it */
    const struct config *config; /* until endpoint_commit gives another */
    struct snapshot_source source;
    void (*reload)(void *context, struct http_request *request); /* for POST /-/reload */
    void *context;
};

/* Reads the protecting file and listens. 0, or a negative errno with the sentence; nothing is left
 * then but handles that the loop closes. */
int endpoint_new(const struct endpoint_options *options, struct err *e, struct endpoint **ret);
/* The pointer is invalid at once; who waits is answered 503. */
void endpoint_close(struct endpoint *p);
/* What it counted. */
void endpoint_add_points(const struct endpoint *p, struct part *part);

/* The first step of a reload: reads the file of `next`, listens on its new addresses. 0, or a
 * negative errno with the sentence, and nothing has changed. */
int endpoint_prepare(struct endpoint *p, const struct config *next, struct err *e);
/* The second one: all of `next` is in force, with values from `source`; or, with a negative errno
 * and the sentence, nothing has changed and endpoint_abandon is to be called. */
int endpoint_commit(struct endpoint *p, const struct snapshot_source *source, struct err *e);
/* The other second one: takes the first one back. */
void endpoint_abandon(struct endpoint *p);

#endif
