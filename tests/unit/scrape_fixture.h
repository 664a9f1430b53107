/* The HTTP surface with the real server on a loopback port and a source of snapshots that does as
 * the test says. */
#ifndef WEIR_TESTS_SCRAPE_FIXTURE_H
#define WEIR_TESTS_SCRAPE_FIXTURE_H

#include "base/buf.h"
#include "exporters/scrape.h"
#include "net/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <uv.h>

#include <cmocka.h>

#define WAIT_MS     10000     /* longest wait for something that happens at once */
#define ANSWER_MAX  (1 << 20) /* bytes */
#define DEMANDS_MAX 8
#define TIMEOUT_MS  5000 /* scrape_options.max_timeout_ms */

/* One that gives out snapshots. */
struct fake_source {
    struct demand *demands[DEMANDS_MAX];
    size_t demand_count;
    size_t withdrawn;
    struct snapshot *current; /* a reference */
};

struct fixture {
    uv_loop_t loop;
    struct http_server *server;
    struct scrape *scrape;
    struct fake_source source;
};

struct snapshot_source fake_source(struct fake_source *source);
/* Seals: whoever waits gets `s`. */
void publish(struct fake_source *source, struct snapshot *s);
/* A snapshot of one container with `threads` threads. */
struct snapshot *numbered(uint64_t number, uint64_t threads);
/* Publishes such a one and lets go of it. */
void publish_numbered(struct fixture *f, uint64_t number, uint64_t threads);

/* Options with the fixture's source, for telemetry at `path`. */
struct scrape_options fixture_options(struct fixture *f, const char *path);
void start_with(struct fixture *f, const struct scrape_options *options);
void start(struct fixture *f, const char *telemetry_path);
void stop(struct fixture *f);

/* Sends a request whose connection ends with its answer; `headers` are whole lines or "". */
int ask(const struct fixture *f, const char *method, const char *path, const char *headers);
/* Runs the loop until `count` demands are waiting. */
void await_demands(struct fixture *f, size_t count);
/* Runs the loop until the server closes the connection; the whole answer is in `ret`, to be freed
 * with buf_done. */
void await_answer(struct fixture *f, int fd, struct buf *ret);
/* Runs it for whatever is there. */
void turn(struct fixture *f);
uint64_t now_ms(void);

int status_of(const struct buf *answer);
/* What follows the head; a body of text ends with a NUL. */
const char *body_of(const struct buf *answer);
size_t body_length(const struct buf *answer);
/* Is the line, without its end, in the head? */
bool has_header(const struct buf *answer, const char *line);
/* Asserts the status and that `text` is in the answer. */
void check_ask(struct fixture *f, const char *method, const char *path, const char *headers,
               int status, const char *text);
void check_get(struct fixture *f, const char *path, int status, const char *text);

#endif
