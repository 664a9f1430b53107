/* The bodies of one snapshot, the newest that was asked for: each encoded and compressed once and
 * served to all. Large ones are compressed on a thread of their own. Loop thread only. */
#ifndef WEIR_EXPORTERS_BODY_CACHE_H
#define WEIR_EXPORTERS_BODY_CACHE_H

#include "exporters/prometheus.h"

#include <stdbool.h>
#include <stdint.h>

struct bytes;
struct snapshot;
struct uv_loop_s;
struct body_cache; /* opaque */

/* Bytes of one exposition: some 15 000 containers with a few labels. Past that something is wrong,
 * and a scraper could not take it in either. */
#define BODY_MAX (UINT64_C(256) << 20)

struct body_wanted {
    struct prometheus_options options;
    bool gzip;      /* compressed, unless it is too short for that to pay */
    bool gzip_only; /* with gzip: however short it is */
};

struct body {
    struct bytes *bytes;
    bool gzip; /* it is compressed */
};

/* One who waits for a compression. */
struct body_wait {
    /* Called once, from the loop and never from inside body_cache_get: `body` is valid during the
     * call; NULL when it does not fit. */
    void (*done)(struct body_wait *self, const struct body *body);
    struct body_wait *next; /* the cache's own */
};

struct body_cache *body_cache_new(struct uv_loop_s *loop);
/* The body of `s`. 0: `*ret` is valid until the next call. -EINPROGRESS: it is being compressed and
 * `wait`, which must stay until then, will be told. With `wait` NULL that does not happen: a large
 * body comes as it is, or, where only gzip will do, is compressed at once. -EMSGSIZE: it does not
 * fit into BODY_MAX or into memory. */
int body_cache_get(struct body_cache *c, struct snapshot *s, const struct body_wanted *wanted,
                   struct body_wait *wait, struct body *ret);
/* Lets go of the bodies. Who waits is told all the same. */
void body_cache_clear(struct body_cache *c);
/* The pointer is invalid at once; who waits is not told any more. */
void body_cache_free(struct body_cache *c);

#endif
