/* What it knows: stand-ins for everything a lane calls, each as its header promises. Documents: the
 * headers included. */
#include "tests/unit/fake_push.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "exporters/push_coding.h"
#include "exporters/push_filter.h"
#include "net/timer.h"
#include "net/worker.h"
#include "tests/unit/snapshot_fixture.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TIMERS_MAX 8
#define TEXT_MAX   (1 << 20)

struct fake fake;

/* --- clock --- */

static uint64_t monotonic(void *context)
{
    (void)context;
    return fake.monotonic_ms * NS_PER_MS;
}

static uint64_t realtime(void *context)
{
    (void)context;
    return fake.realtime_ms * NS_PER_MS;
}

static const struct clock fake_clock = {NULL, monotonic, realtime};

/* --- timers --- */

struct timer {
    void (*fire)(void *context);
    void *context;
    uint64_t due_ms; /* monotonic, 0: stopped */
};

static struct timer *timers[TIMERS_MAX];
static size_t timer_count;

struct timer *timer_new(struct uv_loop_s *loop, void (*fire)(void *context), void *context)
{
    (void)loop;
    struct timer *t = alloc_zeroed(1, sizeof *t);
    t->fire = fire;
    t->context = context;
    assert_true(timer_count < TIMERS_MAX);
    timers[timer_count++] = t;
    return t;
}

void timer_start(struct timer *t, uint64_t delay_ms)
{
    t->due_ms = fake.monotonic_ms + delay_ms;
}

void timer_stop(struct timer *t)
{
    t->due_ms = 0;
}

void timer_close(struct timer *t)
{
    for (size_t i = 0; t && i < timer_count; i++)
        if (timers[i] == t)
            timers[i] = timers[--timer_count];
    free(t);
}

/* --- the thread --- */

struct worker {
    void (*work)(void *context);
    void (*done)(void *context);
    void *context;
};

static struct worker *the_worker;
/* A job whose worker was closed under it, and what is to be called after it. */
static struct worker orphan;
static void (*orphan_left)(void *context);
static void *orphan_context;

struct worker *worker_new(struct uv_loop_s *loop)
{
    (void)loop;
    assert_null(the_worker);
    the_worker = alloc_zeroed(1, sizeof *the_worker);
    return the_worker;
}

int worker_start(struct worker *w, void (*work)(void *context), void (*done)(void *context),
                 void *context)
{
    assert_null(w->work);
    if (fake.no_thread)
        return -EAGAIN;
    *w = (struct worker){work, done, context};
    return 0;
}

bool worker_is_busy(const struct worker *w)
{
    return w->work != NULL;
}

void worker_close(struct worker *w, void (*left)(void *context), void *context)
{
    assert_ptr_equal(w, the_worker);
    the_worker = NULL;
    if (w->work) {
        orphan = *w;
        orphan_left = left;
        orphan_context = context;
    } else {
        left(context);
    }
    free(w);
}

static void run_job(const struct worker *w)
{
    w->work(w->context);
    if (fake.steps.length > 0)
        assert_int_equal(buf_add_char(&fake.steps, '|'), 0);
}

void settle(void)
{
    while (the_worker && the_worker->work && !fake.stuck) {
        struct worker job = *the_worker;
        run_job(&job);
        the_worker->work = NULL;
        job.done(job.context);
    }
}

void late_end(void)
{
    assert_non_null(orphan.work);
    run_job(&orphan);
    orphan.work = NULL;
    orphan_left(orphan_context);
}

static void note(const char *what)
{
    if (fake.steps.length > 0 && fake.steps.data[fake.steps.length - 1] != '|')
        assert_int_equal(buf_add_char(&fake.steps, ' '), 0);
    assert_int_equal(buf_add_string(&fake.steps, what), 0);
}

/* --- the encoder: a message is FORMAT/TIME:FIRST-LAST, the samples being numbered --- */

struct message {
    unsigned format;
    uint64_t time_ms;
    uint32_t first, last;
};

/* The number up to `end`, which is passed over. */
static uint64_t read_number(const char **at, char end)
{
    uint64_t value = 0;
    size_t length = strspn(*at, "0123456789");
    assert_int_equal((*at)[length], end);
    assert_int_equal(text_parse_u64(*at, length, &value), 0);
    *at += length + (end != '\0');
    return value;
}

static struct message read_message(const char *body, size_t length)
{
    struct message m;
    char *text = alloc_copy(body, length);
    const char *at = text;
    m.format = (unsigned)read_number(&at, '/');
    m.time_ms = read_number(&at, ':');
    m.first = (uint32_t)read_number(&at, '-');
    m.last = (uint32_t)read_number(&at, '\0');
    free(text);
    return m;
}

static int write_message(struct buf *ret, const struct message *m)
{
    return buf_add_format(ret, "%u/%" PRIu64 ":%" PRIu32 "-%" PRIu32, m->format, m->time_ms,
                          m->first, m->last);
}

int push_encode(enum push_format format, const struct push_encode_options *options,
                const struct push_round *round, struct buf *ret, uint32_t *ret_samples)
{
    (void)options;
    note("encode");
    fake.previous = round->previous ? round->previous->number : 0;
    fake.current = round->current ? round->current->number : 0;
    if (fake.encode_error < 0)
        return fake.encode_error;
    uint64_t until = round->until > 0 && round->until < fake.samples ? round->until : fake.samples;
    if (round->from >= until)
        return -ENODATA;
    *ret_samples = (uint32_t)(until - round->from);
    if (fake.samples_most > 0 && *ret_samples > fake.samples_most)
        return -EMSGSIZE;
    return write_message(ret, &(struct message){format, round->time_ns / NS_PER_MS,
                                                (uint32_t)round->from, (uint32_t)until - 1});
}

int push_encode_metadata(const struct push_filter *filter, size_t *at, size_t most, struct buf *ret)
{
    (void)filter;
    assert_int_equal(most, 256 << 10);
    if (*at >= fake.families)
        return -ENODATA;
    return buf_add_format(ret, "meta:%zu", (*at)++);
}

int push_encode_empty(enum push_format format, struct buf *ret)
{
    return buf_add_format(ret, "probe %d", (int)format);
}

int push_count(enum push_format format, const char *body, size_t length, uint32_t *ret_samples)
{
    struct message m = read_message(body, length);
    assert_int_equal(m.format, format);
    *ret_samples = m.last - m.first + 1;
    return 0;
}

int push_split(enum push_format format, const char *body, size_t length, struct buf *ret_first,
               struct buf *ret_second)
{
    struct message m = read_message(body, length);
    assert_int_equal(m.format, format);
    if (m.first == m.last)
        return -ENODATA;
    uint32_t middle = m.first + (m.last - m.first) / 2;
    (void)write_message(ret_first, &(struct message){m.format, m.time_ms, m.first, middle});
    return write_message(ret_second, &(struct message){m.format, m.time_ms, middle + 1, m.last});
}

int push_convert_2_to_1(const char *body, size_t length, struct buf *ret)
{
    struct message m = read_message(body, length);
    assert_int_equal(m.format, PUSH_REMOTE_WRITE_2);
    if (fake.samples_most > 0 && m.last - m.first + 1 > fake.samples_most)
        return -EMSGSIZE;
    m.format = PUSH_REMOTE_WRITE;
    return write_message(ret, &m);
}

/* Coded: the number of the coding before it. */
int push_coding_check(enum push_coding coding, struct err *e)
{
    (void)coding, (void)e;
    return 0;
}

int push_compress(enum push_coding coding, const char *bytes, size_t length, struct buf *ret)
{
    (void)buf_add_char(ret, (char)('0' + (int)coding));
    return buf_add(ret, bytes, length);
}

int push_decompress(enum push_coding coding, const char *bytes, size_t length, struct buf *ret)
{
    if (length == 0 || bytes[0] != (char)('0' + (int)coding))
        return -EBADMSG;
    return buf_add(ret, bytes + 1, length - 1);
}

/* --- the queue --- */

struct push_queue {
    struct push_queue_options options;
};

static void count_waiting(void)
{
    fake.stats.records = fake.record_count;
    fake.stats.samples = 0;
    for (size_t i = 0; i < fake.record_count; i++)
        fake.stats.samples += fake.records[i].record.samples;
    fake.stats.oldest_ms = fake.record_count > 0 ? fake.records[0].record.time_ms : 0;
}

int push_queue_open(const struct push_queue_options *options, struct err *e,
                    struct push_queue **ret)
{
    if (fake.open_error < 0)
        return err_set(e, fake.open_error, "the queue is in use");
    assert_false(fake.opened);
    fake.opened = true;
    count_waiting();
    *ret = alloc_zeroed(1, sizeof **ret);
    (*ret)->options = *options;
    return 0;
}

int push_queue_append(struct push_queue *q, const struct push_record *record, const char *body,
                      size_t length, struct err *e)
{
    (void)q;
    note("append");
    fake.stats.queued_samples += record->samples;
    if (fake.append_error < 0 && fake.append_gives_up) {
        fake.stats.dropped_records[PUSH_DROP_DISK]++;
        fake.stats.dropped_samples[PUSH_DROP_DISK] += record->samples;
        return err_set(e, fake.append_error, "the disk is full");
    }
    assert_true(fake.record_count < RECORDS_MAX);
    struct fake_record *r = &fake.records[fake.record_count++];
    *r = (struct fake_record){*record, alloc_copy(body, length)};
    r->record.sequence = ++fake.sequence;
    if (fake.append_in_memory)
        fake.stats.memory_bytes += length;
    return fake.append_error < 0 ? err_set(e, fake.append_error, "the disk is full") : 0;
}

int push_queue_peek(struct push_queue *q, struct push_record *ret, struct buf *ret_body,
                    struct err *e)
{
    (void)q;
    note("peek");
    if (fake.peek_error < 0)
        return err_set(e, fake.peek_error, "the segment cannot be read");
    if (fake.record_count == 0)
        return -ENODATA;
    *ret = fake.records[0].record;
    return buf_add_string(ret_body, fake.records[0].body);
}

int push_queue_ack(struct push_queue *q, uint64_t sequence, struct err *e)
{
    (void)q;
    note("ack");
    assert_true(fake.record_count > 0);
    assert_int_equal(sequence, fake.records[0].record.sequence);
    free(fake.records[0].body);
    fake.record_count--;
    memmove(&fake.records[0], &fake.records[1], fake.record_count * sizeof fake.records[0]);
    return fake.ack_error < 0 ? err_set(e, fake.ack_error, "the cursor cannot be written") : 0;
}

void push_queue_expire(struct push_queue *q)
{
    (void)q;
    note("expire");
}

void push_queue_stats(const struct push_queue *q, struct push_queue_stats *ret)
{
    (void)q;
    count_waiting();
    *ret = fake.stats;
}

void push_queue_close(struct push_queue *q)
{
    if (!q)
        return;
    fake.opened = false;
    fake.closed_before_stopped = fake.stopped == 0;
    free(q);
}

void leave_record(enum push_format format, uint64_t time_ms, uint32_t samples, bool doubtful)
{
    struct fake_record *r = &fake.records[fake.record_count++];
    enum push_coding coding = format == PUSH_OTLP ? PUSH_GZIP : PUSH_SNAPPY;
    r->record = (struct push_record){++fake.sequence, time_ms, samples, format, coding, doubtful};
    r->body =
        alloc_format("%d%d/%" PRIu64 ":0-%" PRIu32, (int)coding, (int)format, time_ms, samples - 1);
}

/* --- the secrets --- */

int push_secrets_new(const struct push_secrets_options *options, struct err *e,
                     struct push_secrets **ret)
{
    (void)options, (void)e;
    *ret = fake.authorization ? (struct push_secrets *)alloc_bytes(1) : NULL;
    return 0;
}

int push_secrets_authorization(struct push_secrets *s, struct buf *ret, struct err *e)
{
    assert_non_null(s);
    note("secrets");
    (void)buf_add_string(ret, fake.authorization);
    return fake.secrets_error < 0 ? err_set(e, fake.secrets_error, "the token cannot be read") : 0;
}

void push_secrets_free(struct push_secrets *s)
{
    free(s);
}

/* --- the receiver --- */

struct http_post {
    struct http_post_request request;
};

static struct http_post *the_post;

int http_post_new(struct uv_loop_s *loop, const struct http_post_options *options, struct err *e,
                  struct http_post **ret)
{
    (void)loop, (void)options, (void)e;
    assert_null(the_post);
    the_post = alloc_zeroed(1, sizeof *the_post);
    *ret = the_post;
    return 0;
}

static char *join(const char *const *headers)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    for (size_t i = 0; headers[i]; i++)
        (void)buf_add_format(&b, "%s\n", headers[i]);
    return b.data;
}

void http_post_send(struct http_post *p, const struct http_post_request *request)
{
    assert_false(fake.under_way);
    assert_true(fake.request_count < sizeof fake.requests / sizeof *fake.requests);
    fake.under_way = true;
    p->request = *request;
    fake.requests[fake.request_count++] =
        (struct fake_request){.headers = join(request->headers),
                              .body = alloc_copy(request->body, request->body_length),
                              .timeout_ms = request->timeout_ms};
}

void http_post_cancel(struct http_post *p)
{
    (void)p;
    fake.cancelled += fake.under_way;
    fake.under_way = false;
}

void http_post_close_idle(struct http_post *p)
{
    (void)p;
}

void http_post_close(struct http_post *p)
{
    if (!p)
        return;
    http_post_cancel(p);
    assert_ptr_equal(p, the_post);
    the_post = NULL;
    free(p);
}

struct push_answer push_answer_of(const struct push_question *question,
                                  const struct http_post_result *result, uint64_t now_ms)
{
    (void)result;
    assert_int_equal(now_ms, fake.realtime_ms);
    fake.question = *question;
    return fake.next;
}

void push_answer_words(enum push_format format, const struct http_post_result *result,
                       struct buf *ret)
{
    (void)format;
    (void)buf_add_string(ret, result->reason == REASON_NONE ? result->body : result->text);
}

/* As the header has it, without the spread. */
uint64_t push_pause_ms(unsigned attempt, uint64_t retry_after_ms, uint64_t random)
{
    (void)random;
    assert_true(attempt > 0);
    uint64_t pause = attempt < 8 ? UINT64_C(500) << (attempt - 1) : 60000;
    return pause > retry_after_ms ? pause : retry_after_ms;
}

const struct fake_request *request(void)
{
    assert_true(fake.under_way);
    return &fake.requests[fake.request_count - 1];
}

void answer_with(const struct http_post_result *result, const struct push_answer *judged)
{
    assert_true(fake.under_way);
    struct http_post_request under_way = the_post->request;
    /* The very bytes it was given: they had to stay. */
    assert_memory_equal(under_way.body, request()->body, under_way.body_length);
    fake.under_way = false;
    fake.next = *judged;
    under_way.done(under_way.context, result);
    settle();
}

void answer(int status, enum push_verdict verdict)
{
    const struct http_post_result result = {.status = status,
                                            .text = "",
                                            .body = "words of the receiver",
                                            .body_length = 21,
                                            .samples_written = -1,
                                            .histograms_written = -1,
                                            .exemplars_written = -1,
                                            .duration_ns = 5 * NS_PER_MS};
    answer_with(&result, &(struct push_answer){.verdict = verdict, .reason = PUSH_DROP_REFUSED});
}

void no_answer(void)
{
    const struct http_post_result result = {.reason = REASON_CONNECTION_REFUSED,
                                            .text = "nobody listens there",
                                            .body = "",
                                            .samples_written = -1,
                                            .histograms_written = -1,
                                            .exemplars_written = -1};
    answer_with(&result, &(struct push_answer){.verdict = PUSH_AGAIN});
}

void expect(const char *body, int status, enum push_verdict verdict)
{
    assert_string_equal(request()->body, body);
    answer(status, verdict);
}

void check_header(const char *line)
{
    char *whole = alloc_format("\n%s\n", line);
    char *all = alloc_format("\n%s", request()->headers);
    if (!strstr(all, whole))
        fail_msg("no header \"%s\" in:%s", line, all);
    free(whole);
    free(all);
}

void check_no_header(const char *name)
{
    if (strstr(request()->headers, name))
        fail_msg("a header \"%s\" in:\n%s", name, request()->headers);
}

/* --- the source --- */

static void source_demand(void *context, struct demand *d)
{
    assert_ptr_equal(context, &fake);
    assert_true(fake.demand_count < 2);
    fake.demands[fake.demand_count++] = d;
    fake.asked++;
    fake.asked_ms = fake.realtime_ms;
}

static void source_withdraw(void *context, struct demand *d)
{
    assert_ptr_equal(context, &fake);
    assert_int_equal(fake.demand_count, 1);
    assert_ptr_equal(fake.demands[0], d);
    fake.demand_count = 0;
    fake.withdrawn++;
}

void publish(uint64_t number)
{
    struct snapshot *s = fixture_snapshot(1);
    s->number = number;
    s->realtime_ns = fake.realtime_ms * NS_PER_MS;
    size_t count = fake.demand_count;
    fake.demand_count = 0;
    assert_int_equal(count, 1);
    fake.demands[0]->done(fake.demands[0], s);
    snapshot_unref(s);
    settle();
}

/* --- time --- */

static struct timer *next_timer(uint64_t until_ms)
{
    struct timer *next = NULL;
    for (size_t i = 0; i < timer_count; i++)
        if (timers[i]->due_ms > 0 && timers[i]->due_ms <= until_ms &&
            (!next || timers[i]->due_ms < next->due_ms))
            next = timers[i];
    return next;
}

static void move_to(uint64_t monotonic_ms)
{
    fake.realtime_ms += monotonic_ms - fake.monotonic_ms;
    fake.monotonic_ms = monotonic_ms;
}

/* One timer runs out; false: none does until then. */
static bool fire_next(uint64_t until_ms)
{
    struct timer *t = next_timer(until_ms);
    if (!t)
        return false;
    if (t->due_ms > fake.monotonic_ms)
        move_to(t->due_ms);
    t->due_ms = 0;
    t->fire(t->context);
    settle();
    return true;
}

void advance(uint64_t ms)
{
    uint64_t until_ms = fake.monotonic_ms + ms;
    settle();
    while (fire_next(until_ms))
        continue;
    move_to(until_ms);
}

void step(int64_t ms)
{
    fake.realtime_ms += (uint64_t)ms;
}

void await_demand(uint64_t ms)
{
    uint64_t until_ms = fake.monotonic_ms + ms;
    settle();
    while (fake.demand_count == 0)
        if (!fire_next(until_ms))
            fail_msg("no demand came");
}

void tick(uint64_t number)
{
    await_demand(INTERVAL_MS);
    publish(number);
}

/* --- the lane --- */

static void on_log(void *context, enum push_severity severity, const char *text, const char *detail)
{
    assert_ptr_equal(context, &fake);
    assert_true(fake.line_count < LINES_MAX);
    fake.lines[fake.line_count++] =
        (struct fake_line){severity, alloc_string(text), alloc_string(detail)};
}

struct push_lane_options fake_options(enum push_format format)
{
    static const char *const headers[] = {"X-Scope-OrgID: me", NULL};
    static const struct label labels[] = {{"instance", "host:10142"}, {"job", "weir"}};
    return (struct push_lane_options){
        .clock = &fake_clock,
        .name = "mimir",
        .format = format,
        .coding = format == PUSH_OTLP ? PUSH_GZIP : PUSH_SNAPPY,
        .interval_ms = INTERVAL_MS,
        .timeout_ms = TIMEOUT_MS,
        .headers = headers,
        .user_agent = "weir/1.2.3",
        .queue = {.directory = fake.has_directory ? "/queue" : NULL, .clock = &fake_clock},
        .encode = {.external = labels, .external_count = 2},
        .source = {&fake, source_demand, source_withdraw, NULL},
        .log = on_log,
        .context = &fake,
    };
}

struct push_lane *fake_lane(const struct push_lane_options *options)
{
    struct err e = {0};
    struct push_lane *l = NULL;
    if (push_lane_new(options, &e, &l) < 0)
        fail_msg("%s", e.text);
    settle();
    return l;
}

void fake_stopped(void *context)
{
    assert_ptr_equal(context, &fake);
    fake.stopped++;
}

void fake_end(struct push_lane *l)
{
    push_lane_stop(l, false, 0, fake_stopped, &fake);
    advance(1000);
    assert_int_equal(fake.stopped, 1);
}

int64_t point(const struct push_lane *l, enum agent_metric metric, const char *second)
{
    struct part part = {0};
    int64_t value = -1;
    push_lane_add_points(l, &part);
    for (size_t i = 0; i < part.point_count; i++) {
        const struct point *p = &part.points[i];
        if (p->metric != metric || (second && !text_equal(p->labels[1], second)))
            continue;
        assert_string_equal(p->labels[0], "mimir");
        value = (int64_t)p->value;
    }
    part_done(&part);
    return value;
}

size_t lines_with(const char *words)
{
    size_t count = 0;
    for (size_t i = 0; i < fake.line_count; i++)
        if (strstr(fake.lines[i].text, words) || strstr(fake.lines[i].detail, words))
            count++;
    return count;
}

int fake_setup(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    the_worker = NULL; /* of a test that failed */
    the_post = NULL;
    timer_count = 0;
    fake.monotonic_ms = 1000;
    fake.realtime_ms = START_MS;
    fake.samples = 4;
    fake.has_directory = true;
    buf_init(&fake.steps, TEXT_MAX);
    return 0;
}

int fake_teardown(void **state)
{
    (void)state;
    assert_false(fake.opened);
    assert_null(the_worker);
    assert_null(the_post);
    assert_int_equal(timer_count, 0);
    assert_int_equal(fake.demand_count, 0);
    for (size_t i = 0; i < fake.record_count; i++)
        free(fake.records[i].body);
    for (size_t i = 0; i < fake.request_count; i++) {
        free(fake.requests[i].headers);
        free(fake.requests[i].body);
    }
    for (size_t i = 0; i < fake.line_count; i++) {
        free(fake.lines[i].text);
        free(fake.lines[i].detail);
    }
    buf_done(&fake.steps);
    return 0;
}
