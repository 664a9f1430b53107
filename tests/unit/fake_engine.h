/* An engine that answers when the test says so. It takes the place of the HTTP clients and of the
 * timers below the engine tier: every call is kept until the test answers it, time moves when the
 * test moves it, and timers run out when the test looks. The parsers are the real ones. */
#ifndef WEIR_TESTS_FAKE_ENGINE_H
#define WEIR_TESTS_FAKE_ENGINE_H

#include "base/clock.h"
#include "base/snapshot.h"
#include "collectors/collector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_HOST       "unix:///run/first.sock"
#define FAKE_OTHER_HOST "unix:///run/second.sock"

#define FAKE_CONTAINERS 8

/* A container of the fake engine; its id is 64 times the letter, which must be a hex digit. */
struct fake_container {
    char letter;
    const char *name;
    const char *state;    /* as list and inspect say it */
    unsigned started_s;   /* StartedAt, in seconds after FAKE_EPOCH_S */
    uint64_t cpu_ns;      /* its counter */
    int stats_status;     /* of its stats answer; 0 is 200 */
    const char *stats;    /* its stats answer; NULL: one with values */
    uint64_t read_ago_ns; /* how long before the answer it was read; UINT64_MAX: not said */
    unsigned pid;         /* of its first process, as inspect says it */
    const char *network;  /* its network mode; NULL: bridge */
    int exit_code;
    unsigned finished_s; /* FinishedAt, as started_s; 0: Go's zero time */
    bool oom_killed;
    unsigned restarts;
    const char *health; /* the word of its health check; NULL: it has none */
    unsigned streak;
    const char *ports;  /* NetworkSettings.Ports; NULL: {} */
    const char *mounts; /* Mounts; NULL: [] */
};

#define FAKE_KEEP_STOPPED_MS 3600000
#define FAKE_LINGER_MS       300000

#define FAKE_EPOCH_S UINT64_C(1767225600) /* 2026-01-01, the realtime at the fake clock's 0 */

/* What the fake engine says of itself. */
struct fake {
    uint64_t now_ns; /* both clocks */
    const char *version, *api, *min_api, *cgroup_version;
    bool podman;
    bool events_refused; /* 403 instead of a stream */
    struct fake_container containers[FAKE_CONTAINERS];
    size_t container_count;

    uint32_t max_connections; /* what the tier wants of the HTTP client */
    uint32_t made_plain, made_tls, closed_idle, changes;
    uint64_t round_number;
    struct part part;
    struct inventory *inventory; /* what the tier tells of its containers */
    unsigned done;
    void (*on_done)(void); /* called from inside the round's end */
    struct collector *collector;
};

extern struct fake fake;

/* Sets the fake to Docker 25 without containers and makes the tier for the hosts, NULL-terminated;
 * at least one. */
void fake_start(const char *host, ...) __attribute__((sentinel));
/* The same for one host or, with NULL, for what it finds in that environment; `include` as
 * container.include has it, NULL for all. */
void fake_start_in(char *const environment[], const char *include, const char *host);
/* The same for one host, in the light order: the engine's values are asked for only where the
 * cgroup tier has none. */
void fake_start_light(const char *include, const char *host);
/* Closes the tier; fails the test when a call or a timer is left. */
void fake_end(void);
struct fake_container *fake_add(char letter, const char *name, const char *state);
struct fake_container *fake_get(char letter);
void fake_remove(char letter);

/* A round: begins and ends. */
void round_begin(void);
bool round_is_done(void);
void round_cancel(void);
/* A whole round with everything answered as the fake is. */
void round_whole(void);

/* Calls: `part` is a piece of the path, "" is every call. */
size_t calls_open(const char *part);
size_t calls_made(const char *part); /* since the last calls_forget */
void calls_forget(void);
const char *call_path(size_t index); /* of those made; NULL past the last */
uint64_t call_timeout_ms(const char *part);
const char *stats_of(char letter);
const char *inspect_of(char letter);
#define LIST    "/containers/json"
#define EVENTS  "/events"
#define VERSION "/version"
#define INFO    "/info"
#define PING    "/_ping"
/* Only calls to this host are meant from now on; NULL: to any. */
void calls_at(const char *host);

/* Answers all that is open, and what is asked thereupon, as the fake is, but not the calls held. */
void serve(void);
void hold(const char *part); /* up to four */
void hold_none(void);
/* Answer the one open call whose path has `part`. */
void answer(const char *part, int status, const char *body);
void answer_as_fake(const char *part);
void answer_failure(const char *part, enum reason reason);
/* The n-th open call, in no order that means anything; false where there is nothing to say: a
 * stream that has begun. A status of 0 is a failure of the transport. */
bool answer_nth(size_t n);
void fail_nth(size_t n, enum reason reason, int status, const char *body);
bool events_are_live(void);
void events_head(void);
void event(const char *action, char letter);
/* With Attributes, a JSON object, and timeNano. */
void event_with(const char *action, char letter, const char *attributes, uint64_t time_ns);
/* Nanoseconds since 1970. */
uint64_t fake_now_real_ns(void);
void event_line(const char *line);
void events_end(enum reason reason);

/* Moves the clock; timers run out in timers_run only. */
void advance_ms(uint64_t ms);
void timers_run(void);
uint64_t timer_next_ms(void); /* until the next one runs out; UINT64_MAX: none runs */

/* What the round said. */
const struct container_row *row_of(char letter); /* NULL: none */
const char *problem_text(enum reason reason);    /* NULL: there is none */
int engine_up(const char *host);                 /* -1: not said */
void expect_values(char letter);
void expect_cpu(char letter, uint64_t cpu_ns);
void expect_absent(char letter, enum reason reason);
/* A row in this state that has no values: it says how the container did, and nothing is missing. */
void expect_life_only(char letter, enum container_state state);
void expect_problem(enum reason reason);
void expect_no_problem(void);
/* The value of a point of the row whose first label is `label` (NULL: any); -1: there is none. */
int64_t point_of(char letter, enum point_metric metric, const char *label);
/* How many events of the first host were counted; -1: nothing is said of them. */
int64_t events_counted(const char *type, const char *action);
/* How many containers the first host counts in that state; 0 too where nothing is said. */
uint64_t engine_containers(const char *state);

/* Allocations of the tier so far; false where they cannot be counted. */
bool fake_counts_allocations(void);
size_t fake_allocations(void);
/* A value of the row of a container; fails where it is absent. */
int64_t row_value(char letter, enum container_metric metric);
/* Has the container a row, and that no such value? Fails where it has no row. */
bool row_lacks(char letter, enum container_metric metric);

#endif
