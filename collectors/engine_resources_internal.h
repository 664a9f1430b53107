/* All that is known of what an engine has beside containers. Shared by engine_resources*.c and by
 * nobody else. */
#ifndef WEIR_COLLECTORS_ENGINE_RESOURCES_INTERNAL_H
#define WEIR_COLLECTORS_ENGINE_RESOURCES_INTERNAL_H

#include "collectors/engine_parse_resources.h"
#include "collectors/engine_resources.h"
#include "collectors/engine_round.h"

/* Each is one call. Those before RESOURCE_COUNTED are cheap, and asked for in one pass, one after
 * the other; those from there on may take an engine minutes. */
enum resource {
    RESOURCE_IMAGES,
    RESOURCE_IMAGES_DANGLING,
    RESOURCE_VOLUMES,
    RESOURCE_VOLUMES_UNUSED,
    RESOURCE_NETWORKS,
    RESOURCE_COUNTED,
    RESOURCE_USAGE = RESOURCE_COUNTED,
    RESOURCE_SIZES,
    RESOURCES,
};

/* Something that went wrong, until a round has reported it. */
struct notice {
    enum reason reason; /* REASON_NONE: the last time went well */
    char text[ERR_TEXT_MAX];
};

struct resource_call {
    struct engine_resources *owner;
    struct http_exchange *exchange; /* NULL: none is under way */
    uint64_t due_ns;                /* CLOCK_MONOTONIC before which it is not made again */
    struct notice failure;
};

struct engine_resources {
    struct engine *engine;
    struct resource_call calls[RESOURCES];
    unsigned remaining; /* bit per enum resource: what the pass under way has to ask for yet */
    bool pass_changed;  /* something is not as it was before that pass */
    uint64_t pass_ns;   /* CLOCK_MONOTONIC when the last pass began, 0 never */
    bool stirred;       /* an event came since */
    struct maybe counts[RESOURCE_COUNTED];
    struct engine_images images;
    struct arena images_arena;
    struct engine_usage usage;
    uint64_t usage_ms; /* realtime when it was counted; 0: it is not known */
    struct engine_sizes sizes;
    struct arena sizes_arena;
    uint64_t sizes_ns; /* CLOCK_MONOTONIC when they were counted; 0: they are not known */
    struct disk *disk; /* engine_resources_disk.c; NULL: nobody wants it */
};

/* Does anybody want one of these groups? */
bool resources_want(const struct engine_resources *r, unsigned groups);
/* Reports a failure in this round, else in the next one; what that still has to say. */
void resources_notice(struct engine_resources *r, struct notice *n, enum reason reason,
                      const char *text);
void resources_tell(struct engine_resources *r, struct notice *n);

/* engine_resources_ask.c: asks for what is due; ends every call. */
void resources_ask(struct engine_resources *r);
void resources_cancel(struct engine_resources *r);

/* engine_resources_take.c: keeps what a body says; `ret_changed`: it said something else before.
 * 0, or the parser's error. And of what could not be had: true when something was forgotten. */
int resources_take(struct engine_resources *r, enum resource what, const struct http_result *result,
                   struct err *e, bool *ret_changed);
bool resources_forget(struct engine_resources *r, enum resource what);

/* engine_resources_disk.c: looks at the file system if that is due. */
void resources_look(struct engine_resources *r);
void resources_disk_down(struct engine_resources *r);
void resources_disk_free(struct engine_resources *r);

#endif
