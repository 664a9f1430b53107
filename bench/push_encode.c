/* What it measures: how long a round of 100 containers takes to become a request, for each format;
 * "push_encode FORMAT COUNT" encodes once more and again, for callgrind and perf. */
#include "exporters/push_encode.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS          100
#define REPETITIONS   200
#define DEVICE_VALUES 9 /* of them: reads and writes, by bytes, number and operation */

static struct snapshot *make_snapshot(void)
{
    struct snapshot *s = snapshot_new();
    s->realtime_ns = UINT64_C(1790000000) * NS_PER_SECOND;
    s->row_count = ROWS;
    s->rows = arena_alloc(&s->arena, ROWS * sizeof *s->rows);
    for (unsigned r = 0; r < ROWS; r++) {
        struct identity *i = identity_new("unix:///run/docker.sock", "0123");
        struct container_row *row = &s->rows[r];
        i->cgroup_path = arena_format(&i->arena, "/system.slice/docker-%064x.scope", r * 7919);
        i->name = arena_format(&i->arena, "shop-web-%u", r);
        i->image = "registry.example:5000/shop/web:2026.10.3";
        i->started_ns = UINT64_C(1780000000) * NS_PER_SECOND + r;
        struct label *labels = arena_alloc(&i->arena, 3 * sizeof *labels);
        labels[0] = (struct label){"container_label_com_docker_compose_container_number", "1"};
        labels[1] = (struct label){"container_label_com_docker_compose_project", "shop"};
        labels[2] = (struct label){"container_label_com_docker_compose_service",
                                   arena_format(&i->arena, "web-%u", r)};
        i->labels = labels;
        i->label_count = 3;
        row->identity = i;
        row->state = STATE_RUNNING;
        for (unsigned m = 0; m < 40; m++)
            row_set(row, m, (uint64_t)m * m * 1234567 + r);
        row->interfaces = arena_alloc(&s->arena, sizeof *row->interfaces);
        row->interfaces[0] = (struct interface_row){.name = "eth0", .present = 0xFF};
        row->interface_count = 1;
        row->devices = arena_alloc(&s->arena, sizeof *row->devices);
        row->devices[0] = (struct device_row){.name = "/dev/vda", .major = 254};
        row->devices[0].present = (UINT64_C(1) << DEVICE_VALUES) - 1;
        row->device_count = 1;
        for (unsigned m = 0; m < INTERFACE_METRICS; m++)
            row->interfaces[0].values[m] = row->devices[0].values[m] = UINT64_C(1234567890) * m;
        static const struct point points[] = {
            {.metric = POINT_STATE, .value = 1, .labels = {"running"}},
            {.metric = POINT_TIER, .value = 1, .labels = {"engine"}},
            {.metric = POINT_HEALTH_STATE, .value = 1, .labels = {"healthy"}},
        };
        row_add_points(row, &s->arena, points, 3);
    }
    return s;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_nsec;
}

static void encode(enum push_format format, const struct snapshot *s, unsigned count)
{
    static const struct label external[] = {{"instance", "host.example:10142"}, {"job", "weir"}};
    const struct push_encode_options options = {
        .external = external, .external_count = 2, .agent_started_ms = 1789999999000};
    const struct push_round round = {s, s, s->realtime_ns};
    uint64_t least = UINT64_MAX;
    size_t length = 0;
    uint32_t samples = 0;
    for (unsigned n = 0; n < count; n++) {
        struct buf b;
        uint64_t begin = now_ns();
        buf_init(&b, PUSH_BODY_MAX);
        if (push_encode(format, &options, &round, &b, &samples) < 0)
            abort();
        length = b.length;
        buf_done(&b);
        uint64_t took = now_ns() - begin;
        least = took < least ? took : least;
    }
    (void)printf("format %d: %u samples, %zu bytes, at best %llu us\n", (int)format, samples,
                 length, (unsigned long long)(least / NS_PER_US));
}

int main(int argc, char **argv)
{
    struct snapshot *s = make_snapshot();
    if (argc == 3) {
        encode(argv[1][0] == '2' ? PUSH_REMOTE_WRITE_2 : PUSH_REMOTE_WRITE, s,
               (unsigned)(argv[2][0] - '0'));
    } else {
        encode(PUSH_REMOTE_WRITE, s, REPETITIONS);
        encode(PUSH_REMOTE_WRITE_2, s, REPETITIONS);
    }
    snapshot_unref(s);
    return 0;
}
