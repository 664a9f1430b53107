/* Another configuration while weir serves: read, tried, and then in force as a whole, or not at
 * all. */
#ifndef WEIR_AGENT_RELOAD_H
#define WEIR_AGENT_RELOAD_H

struct config;
struct core;
struct endpoint;
struct http_request;
struct part;
struct push;
struct reload; /* opaque */

struct reload_options {
    struct core *core;
    const struct config *config; /* in force at the start; the caller's */
    int argc;                    /* what config_load was given */
    char *const *argv;
    char *const *environment;
};

/* Waits for reload_begin. */
struct reload *reload_new(const struct reload_options *options);
/* Endpoint and push are there and the first round is over. */
void reload_begin(struct reload *r, struct endpoint *endpoint, struct push *push);
/* Reads the configuration again, once more after one that is under way; `request` (may be NULL) is
 * answered when that is done: 200, or 500 with the reason. */
void reload_ask(struct reload *r, struct http_request *request);
void reload_add_points(const struct reload *r, struct part *part);
/* Breaks off what is under way; none is begun any more. Before push is stopped, and the endpoint
 * and the core are closed. */
void reload_close(struct reload *r);
/* Frees it, once the core is closed: its configuration was in use until then. */
void reload_free(struct reload *r);

#endif
