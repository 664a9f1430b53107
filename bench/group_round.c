/* What it knows: rounds of the control group reader alone, beside a bare pread of the very
 * descriptors that the reader keeps, in one process. Each byte of standard input is one of them,
 * and a line of nanoseconds and counts answers it; README.md says how the figures are meant. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "collectors/group_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define FILES_MOST   100000               /* kept open: more than any count of groups here needs */
#define FILES_OTHER  100                  /* descriptors for all else: roots, directories, pipes */
#define BUFFER_BYTES (64 * 1024)          /* as the reader's */
#define SCRAPE_NS    (15 * NS_PER_SECOND) /* how often a server usually asks */
#define MOMENT_NS    NS_PER_MS

/* A clock moved on by hand: rounds a scrape interval apart need not be waited for, and what is due
 * after some seconds does not come in between. */
static uint64_t moved_ns(void *context)
{
    const uint64_t *now_ns = context;
    return *now_ns;
}

struct bench {
    struct group_reader *reader;
    uint64_t now_ns;
    char *buffer;
    uint64_t reads; /* of the last sweep */
    uint64_t bytes;
};

static uint64_t cpu_ns(void)
{
    struct timespec now;
    int r = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    assert(r == 0);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static void read_one(struct bench *b, int fd)
{
    if (fd == GROUP_MISSING)
        return;
    ssize_t n = pread(fd, b->buffer, BUFFER_BYTES, 0);
    b->reads++;
    b->bytes += n > 0 ? (uint64_t)n : 0;
}

static void sweep_group(struct bench *b, const struct group *g)
{
    for (enum group_file file = 0; file < GROUP_FILES; file++)
        read_one(b, g->fds[file]);
    read_one(b, g->net_fd);
}

static void sweep(struct bench *b)
{
    b->reads = 0;
    b->bytes = 0;
    sweep_group(b, b->reader->root);
    for (size_t i = 0; i < b->reader->group_count; i++)
        sweep_group(b, b->reader->groups[i]);
}

static int compare_hints(const void *a, const void *b)
{
    return strcmp(((const struct group_hint *)a)->id, ((const struct group_hint *)b)->id);
}

/* As in the light order: an engine has named every container, and no file is asked for names. */
static void name_all(struct bench *b)
{
    const struct group_result *result = group_reader_result(b->reader);
    struct group_hint *hints = alloc_zeroed(result->found_count + 1, sizeof *hints);
    size_t count = 0;
    for (size_t i = 0; i < result->found_count; i++) {
        const struct group_name *name = &result->found[i].name;
        if (!name->hex_id)
            continue;
        memcpy(hints[count].id, name->id, name->id_length);
        hints[count++].named = true;
    }
    if (count > 1)
        qsort(hints, count, sizeof *hints, compare_hints);
    group_reader_hint(b->reader, hints, count);
}

/* One measurement; false for what is no command. */
static bool measure(struct bench *b, int command)
{
    b->now_ns += command == 'l' ? SCRAPE_NS : MOMENT_NS;
    uint64_t wall = clock_monotonic_ns(&clock_system);
    uint64_t cpu = cpu_ns();
    switch (command) {
    case 'b': /* the bare sweep */
        sweep(b);
        break;
    case 'r': /* a round at once */
    case 'l': /* a round a scrape interval later */
        group_reader_run(b->reader);
        break;
    case 'n': /* names, once groups were added */
        group_reader_run(b->reader);
        name_all(b);
        break;
    default:
        return false;
    }
    cpu = cpu_ns() - cpu;
    wall = clock_monotonic_ns(&clock_system) - wall;
    printf("%" PRIu64 " %" PRIu64 " %zu %zu %" PRIu64 " %" PRIu64 "\n", cpu, wall,
           b->reader->group_count, b->reader->kept, b->reads, b->bytes);
    return fflush(stdout) == 0;
}

/* How many files may be kept. Only a few may raise the hard limit, and what it allows may do. */
static size_t raise_descriptor_limit(void)
{
    struct rlimit limit = {.rlim_cur = FILES_MOST, .rlim_max = FILES_MOST};
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return FILES_MOST - FILES_OTHER;
    int r = getrlimit(RLIMIT_NOFILE, &limit);
    assert(r == 0);
    limit.rlim_cur = limit.rlim_max;
    r = setrlimit(RLIMIT_NOFILE, &limit);
    assert(r == 0);
    return limit.rlim_cur > FILES_OTHER ? limit.rlim_cur - FILES_OTHER : 0;
}

int main(void)
{
    struct bench b = {
        .now_ns = clock_monotonic_ns(&clock_system),
        .buffer = alloc_zeroed(BUFFER_BYTES, 1),
    };
    const struct clock moved = {&b.now_ns, moved_ns, moved_ns};
    const struct group_reader_options options = {
        .clock = &moved,
        .procfs = "/proc",
        .sysfs = "/sys",
        .max_files = raise_descriptor_limit(),
        .groups = GROUPS_DEFAULT,
        .files = {.run = "/run"},
    };
    struct err e = {0};
    if (group_reader_new(&options, &e, &b.reader) < 0) {
        fprintf(stderr, "group_round: %s\n", e.text);
        return EXIT_FAILURE;
    }
    int command = getchar();
    while (command != EOF && (command == '\n' || measure(&b, command)))
        command = getchar();
    group_reader_free(b.reader);
    free(b.buffer);
    return EXIT_SUCCESS;
}
