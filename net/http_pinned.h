/* The memory that answers on their way out hold, and its limit. Private to net. */
#ifndef WEIR_NET_HTTP_PINNED_H
#define WEIR_NET_HTTP_PINNED_H

#include <stdint.h>

struct bytes;
struct http_server;

/* A body that at least one answer still has to send. */
struct http_pin {
    struct http_pin *next;
    struct http_pin *previous;
    struct bytes *body; /* not a reference: those who write have theirs */
    uint32_t writers;
};

struct http_pins {
    struct http_pin *first; /* the newest body: most answers are of that one */
    uint64_t bytes;         /* each body once, and what is queued beside them */
};

/* One more answer sends `body`. */
struct http_pin *http_pin_add(struct http_pins *p, struct bytes *body);
/* One less. NULL is allowed. */
void http_pin_remove(struct http_pins *p, struct http_pin *pin);
/* Cuts off readers until what is pinned fits into the limit, or one is left. */
void http_pinned_enforce(struct http_server *s);

#endif
