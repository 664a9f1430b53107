/* A lane whose every neighbour is the test's: clock, timers, thread, receiver, queue, encoder. They
 * take the place of the files of the same functions. Time passes when the test says so. */
#ifndef WEIR_TESTS_FAKE_PUSH_H
#define WEIR_TESTS_FAKE_PUSH_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/snapshot.h"
#include "exporters/push_answer.h"
#include "exporters/push_lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define START_MS    UINT64_C(1700000003000) /* since 1970: 8 s after a multiple of 15 s */
#define INTERVAL_MS UINT64_C(15000)
#define TIMEOUT_MS  UINT64_C(10000)
#define RECORDS_MAX 512
#define LINES_MAX   64

/* A request as it arrived. */
struct fake_request {
    char *headers; /* each with a line end */
    char *body;    /* see push_encode of fake_push.c: "1/T:0-3", "meta:0", "probe" */
    uint64_t timeout_ms;
};

struct fake_record {
    struct push_record record;
    char *body;
};

struct fake_line {
    enum push_severity severity;
    char *text;
    char *detail;
};

struct fake {
    uint64_t monotonic_ms;
    uint64_t realtime_ms;

    /* the thread */
    bool stuck;       /* a job does not end */
    bool no_thread;   /* none can be had */
    struct buf steps; /* what the jobs did, e.g. "ack append expire peek secrets|" */

    /* the encoder */
    uint32_t samples;      /* of a round */
    uint32_t samples_most; /* that fit into a request; 0: all */
    int encode_error;
    uint64_t previous; /* number of the snapshot it was given, 0 NULL; newest call */
    uint64_t current;
    unsigned families; /* requests of metadata there are */

    /* the queue: what is in it stays when it is closed */
    struct fake_record records[RECORDS_MAX];
    size_t record_count;
    uint64_t sequence;
    bool opened;
    bool has_directory;
    int open_error, append_error, peek_error, ack_error;
    bool append_gives_up;  /* with append_error */
    bool append_in_memory; /* with append_error */
    struct push_queue_stats stats;
    bool closed_before_stopped;

    /* the secrets */
    const char *authorization; /* NULL: none are asked for */
    int secrets_error;

    /* the receiver */
    struct fake_request requests[RECORDS_MAX * 8];
    size_t request_count;
    bool under_way;
    size_t cancelled;
    struct push_answer next;       /* of push_answer_of, whatever came */
    struct push_question question; /* it was asked */

    /* the source of snapshots */
    struct demand *demands[2];
    size_t demand_count;
    size_t asked;
    uint64_t asked_ms; /* of the wall clock, the newest */
    size_t withdrawn;

    struct fake_line lines[LINES_MAX];
    size_t line_count;
    size_t stopped;
};

extern struct fake fake;

/* Each test begins and ends with these. The end fails if anything is left open. */
int fake_setup(void **state);
int fake_teardown(void **state);

struct push_lane_options fake_options(enum push_format format);
struct push_lane *fake_lane(const struct push_lane_options *options);
void fake_stopped(void *context);
/* Stops it and lets it come to its end. */
void fake_end(struct push_lane *l);

/* Runs the thread until it has nothing to do. */
void settle(void);
/* The job of a thread that was stuck ends after all. */
void late_end(void);
/* Time passes, timers run out, the thread works. */
void advance(uint64_t ms);
/* The wall clock is set. */
void step(int64_t ms);
/* Until the next demand comes, at most `ms`. */
void await_demand(uint64_t ms);
/* The round is sealed: whoever waits gets the snapshot of this number, whose time is now. */
void publish(uint64_t number);
/* Round `number` at the next tick. */
void tick(uint64_t number);
/* Records left by an earlier weir, one of `samples`, of `format`. */
void leave_record(enum push_format format, uint64_t time_ms, uint32_t samples, bool doubtful);

/* The request under way. */
const struct fake_request *request(void);
/* It is answered so. */
void answer(int status, enum push_verdict verdict);
/* The same, with all that an answer may have. */
void answer_with(const struct http_post_result *result, const struct push_answer *judged);
/* No answer comes. */
void no_answer(void);
/* Asserts what is under way and answers it. */
void expect(const char *body, int status, enum push_verdict verdict);
void check_header(const char *line);
void check_no_header(const char *name);

/* The value of a point with these labels; -1 without. `second` NULL: any. */
int64_t point(const struct push_lane *l, enum agent_metric metric, const char *second);
/* Lines of the log that have `words`. */
size_t lines_with(const char *words);

#endif
