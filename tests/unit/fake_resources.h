/* What fake_engine.h's engine has beside containers, for the tests that are about it; in all others
 * calls about it stay open and unseen, as of an engine that is slow with them. And a worker whose
 * jobs run when the test says so, in the place of net/worker.c: fake_resources.c. */
#ifndef WEIR_TESTS_FAKE_RESOURCES_H
#define WEIR_TESTS_FAKE_RESOURCES_H

#include "base/snapshot.h"

#include <stdbool.h>
#include <stdint.h>

/* Set before fake_start, forgotten by fake_end. */
struct fake_resources_options {
    bool shown;      /* its calls are like any other */
    unsigned groups; /* that are wanted; 0: those weir gives by default */
    uint64_t df_interval_ms, size_interval_ms, df_timeout_ms;
    const char *root;                        /* DockerRootDir */
    const char *(*answer)(const char *path); /* by serve(); NULL: it knows nothing of that path */
};
extern struct fake_resources_options fake_resources; /* in fake_engine.c */

/* --- fake_resources.c --- */

/* What it answers. */
struct fake_has {
    unsigned images, dangling, volumes, unused, networks;
    uint64_t layers_bytes;   /* of /system/df */
    const char *size_letter; /* whose containers' sizes are listed, one letter each */
    uint64_t size_bytes;
};
extern struct fake_has fake_has;
/* Shows the calls and lets serve() answer them as fake_has is. */
void fake_resources_show(unsigned groups);

#define IMAGES   "/images/json" /* the next one too */
#define DANGLING "/images/json?"
#define VOLUMES  "/volumes" /* the next one too */
#define UNUSED   "/volumes?"
#define NETWORKS "/networks"
#define USAGE    "/system/df"
#define SIZES    "size=1"

/* The value of a series with these labels; -1: there is none. */
/* The row's points of GROUP_DISK: how many, and the first of them. */
size_t disk_points(const struct container_row *row, const struct point **ret_first);
int64_t resource_point(enum agent_metric metric, const char *first, const char *second);
/* The same of a container's row. */
int64_t size_value(char letter, enum point_metric metric, const char *device);

/* Runs the job under way to its end. */
void worker_run(void);
bool worker_has_job(void);
extern bool worker_refuses; /* to start a thread */

#endif
