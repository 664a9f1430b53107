/* What it knows: many hosts that push, in one process: each has a simulated tier with a seed of its
 * own, and every round of it goes through weir's own encoder, compression and client to a real
 * receiver. Standard output gets one JSON line a round; README.md says how the figures are meant.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/metric.h"
#include "base/snapshot.h"
#include "collectors/cascade.h"
#include "exporters/push_coding.h"
#include "exporters/push_encode.h"
#include "net/http_post.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#define LANES_MAX      64
#define INSTANCE_BYTES 32
#define TIMEOUT_MS     60000
#define LABELS_ALLOWED "com.docker.compose.*"

struct host {
    struct cascade *cascade;
    struct snapshot *previous;
    char instance[INSTANCE_BYTES];
};

/* One connection that sends what the next host has to say. */
struct lane {
    struct fleet *fleet;
    struct http_post *post;
    struct buf body;
    uint32_t samples;
};

struct fleet {
    uv_loop_t loop;
    struct host *hosts;
    size_t host_count;
    size_t next; /* the host whose turn it is in this round */
    struct lane lanes[LANES_MAX];
    size_t lane_count;
    size_t busy; /* lanes with a request under way */
    uint64_t round;
    struct {
        uint64_t samples;
        uint64_t failed;
        uint64_t plain_bytes;
        uint64_t sent_bytes;
        uint64_t encode_ns;
        uint64_t compress_ns;
        uint64_t answer_ns;
        uint64_t slowest_ns;
    } sum; /* of this round */
};

static uint64_t now_ns(void)
{
    return clock_monotonic_ns(&clock_system);
}

static void send_next(struct lane *l);

static void sent(void *context, const struct http_post_result *result)
{
    struct lane *l = context;
    struct fleet *f = l->fleet;
    bool well = result->status / 100 == 2;
    f->busy--;
    f->sum.samples += well ? l->samples : 0;
    f->sum.failed += !well;
    f->sum.answer_ns += result->duration_ns;
    if (result->duration_ns > f->sum.slowest_ns)
        f->sum.slowest_ns = result->duration_ns;
    if (!well)
        (void)fprintf(stderr, "fleet: %d %s %.*s\n", result->status, result->text,
                      (int)result->body_length, result->body);
    send_next(l);
}

static void ignore_done(void *context)
{
    (void)context;
}

static struct snapshot *collect(struct fleet *f, struct host *h)
{
    struct round round = {
        .number = f->round, .begun_ns = now_ns(), .deadline_ns = now_ns() + NS_PER_SECOND};
    struct part agent = {0};
    cascade_begin(h->cascade, &round, ignore_done, NULL);
    struct snapshot *s = cascade_seal(h->cascade, &agent);
    part_done(&agent);
    return s;
}

static void encode(struct fleet *f, struct host *h, struct buf *ret, uint32_t *ret_samples)
{
    const struct label external[] = {{"instance", h->instance}, {"job", "weir"}};
    const struct push_encode_options options = {.external = external, .external_count = 2};
    struct snapshot *s = collect(f, h);
    const struct push_round round = {
        .previous = h->previous, .current = s, .time_ns = s->realtime_ns};
    struct buf plain;
    buf_init(&plain, PUSH_BODY_MAX);
    uint64_t begun = now_ns();
    int r = push_encode(PUSH_REMOTE_WRITE, &options, &round, &plain, ret_samples);
    assert(r == 0);
    uint64_t encoded = now_ns();
    r = push_compress(PUSH_SNAPPY, plain.data, plain.length, ret);
    assert(r == 0);
    f->sum.encode_ns += encoded - begun;
    f->sum.compress_ns += now_ns() - encoded;
    f->sum.plain_bytes += plain.length;
    f->sum.sent_bytes += ret->length;
    buf_done(&plain);
    snapshot_unref(h->previous);
    h->previous = s;
}

static void send_next(struct lane *l)
{
    static const char *const headers[] = {
        "Content-Type: application/x-protobuf", "Content-Encoding: snappy",
        "X-Prometheus-Remote-Write-Version: 0.1.0", "User-Agent: weir-fleet", NULL};
    struct fleet *f = l->fleet;
    if (f->next == f->host_count)
        return;
    struct host *h = &f->hosts[f->next++];
    buf_clear(&l->body);
    encode(f, h, &l->body, &l->samples);
    f->busy++;
    http_post_send(l->post, &(struct http_post_request){.headers = headers,
                                                        .body = l->body.data,
                                                        .body_length = l->body.length,
                                                        .timeout_ms = TIMEOUT_MS,
                                                        .context = l,
                                                        .done = sent});
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    int r = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    assert(r == 0);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static double seconds(uint64_t ns)
{
    return (double)ns / (double)NS_PER_SECOND;
}

/* Every host once, as fast as the receiver takes it. */
static void run_round(struct fleet *f)
{
    uint64_t begun = now_ns();
    uint64_t cpu = cpu_ns();
    f->round++;
    f->next = 0;
    memset(&f->sum, 0, sizeof f->sum);
    for (size_t i = 0; i < f->lane_count; i++)
        send_next(&f->lanes[i]);
    while (f->busy > 0)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    (void)printf("{\"round\": %" PRIu64 ", \"seconds\": %.3f, \"cpu\": %.3f, \"samples\": %" PRIu64
                 ", \"failed\": %" PRIu64 ", \"plain_bytes\": %" PRIu64 ", \"sent_bytes\": %" PRIu64
                 ", \"encode\": %.3f, \"compress\": %.3f, \"answer\": %.4f, \"slowest\": %.3f}\n",
                 f->round, seconds(now_ns() - begun), seconds(cpu_ns() - cpu), f->sum.samples,
                 f->sum.failed, f->sum.plain_bytes, f->sum.sent_bytes, seconds(f->sum.encode_ns),
                 seconds(f->sum.compress_ns), seconds(f->sum.answer_ns) / (double)f->host_count,
                 seconds(f->sum.slowest_ns));
    (void)fflush(stdout);
}

static int make_hosts(struct fleet *f, size_t containers, struct err *e)
{
    static char *none[] = {NULL};
    static char simulated[] = "simulated";
    static char compose[] = LABELS_ALLOWED;
    static char *tier[] = {simulated};
    static char *allowed[] = {compose};
    f->hosts = alloc_zeroed(f->host_count, sizeof *f->hosts);
    for (size_t i = 0; i < f->host_count; i++) {
        const struct collector_options options = {
            .loop = &f->loop,
            .clock = &clock_system,
            .environment = none,
            .procfs = "/proc",
            .sysfs = "/sys",
            .state_directory = "",
            .label_allow = {.items = allowed, .count = 1},
            .groups = GROUPS_DEFAULT,
            .simulate_containers = containers,
            .simulate_seed = i + 1,
        };
        int r = cascade_new(&options, &(struct text_list){.items = tier, .count = 1}, e,
                            &f->hosts[i].cascade);
        if (r < 0)
            return r;
        (void)snprintf(f->hosts[i].instance, INSTANCE_BYTES, "host-%06zu:10142", i + 1);
    }
    return 0;
}

static int make_lanes(struct fleet *f, const char *url, struct err *e)
{
    const struct http_post_options options = {.url = url, .proxy = "", .verify = true};
    for (size_t i = 0; i < f->lane_count; i++) {
        f->lanes[i].fleet = f;
        buf_init(&f->lanes[i].body, PUSH_BODY_MAX);
        int r = http_post_new(&f->loop, &options, e, &f->lanes[i].post);
        if (r < 0)
            return r;
    }
    return push_coding_check(PUSH_SNAPPY, e);
}

static uint64_t number_of(const char *text)
{
    uint64_t value = 0;
    return text_parse_u64(text, strlen(text), &value) == 0 ? value : 0;
}

/* Waits for a byte of standard input before each round: who measures says when. */
int main(int argc, char *argv[])
{
    struct fleet f = {0};
    struct err e = {0};
    if (argc != 5) {
        (void)fprintf(stderr, "usage: fleet URL HOSTS CONTAINERS CONNECTIONS\n");
        return 2;
    }
    f.host_count = number_of(argv[2]);
    f.lane_count = number_of(argv[4]);
    assert(f.host_count > 0 && f.lane_count > 0 && f.lane_count <= LANES_MAX);
    (void)uv_loop_init(&f.loop);
    if (make_hosts(&f, number_of(argv[3]), &e) < 0 || make_lanes(&f, argv[1], &e) < 0) {
        (void)fprintf(stderr, "fleet: %s\n", e.text);
        return 1;
    }
    while (getchar() != EOF)
        run_round(&f);
    return 0;
}
