/* What it knows: how the files of a machine are made. Document: machine_fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine_fixture.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define IDS 3

int machine_setup(void **state)
{
    struct machine_fixture *f = alloc_zeroed(1, sizeof *f);
    (void)snprintf(f->top, sizeof f->top, "/tmp/weir-machine-XXXXXX");
    assert_non_null(mkdtemp(f->top));
    (void)snprintf(f->procfs, sizeof f->procfs, "%s/proc", f->top);
    (void)snprintf(f->sysfs, sizeof f->sysfs, "%s/sys", f->top);
    (void)snprintf(f->root, sizeof f->root, "%s/root", f->top);
    f->options = (struct machine_options){
        .procfs = f->procfs,
        .sysfs = f->sysfs,
        .root = f->root,
        .architecture = "x86_64",
        .groups = GROUP_BIT(GROUP_MACHINE) | GROUP_BIT(GROUP_TOPOLOGY),
    };
    f->now_ns = NS_PER_SECOND;
    *state = f;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

int machine_teardown(void **state)
{
    struct machine_fixture *f = *state;
    machine_free(f->machine);
    part_done(&f->part);
    int result = nftw(f->top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return result;
}

void put(struct machine_fixture *f, const char *text, const char *format, ...)
{
    char name[PATH_MAX / 2];
    char path[PATH_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(name, sizeof name, format, args);
    va_end(args);
    (void)snprintf(path, sizeof path, "%s/%s", f->top, name);
    for (char *at = path + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *at = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void drop(struct machine_fixture *f, const char *format, ...)
{
    char name[PATH_MAX / 2];
    char path[PATH_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(name, sizeof name, format, args);
    va_end(args);
    (void)snprintf(path, sizeof path, "%s/%s", f->top, name);
    assert_int_equal(nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void put_cpu(struct machine_fixture *f, unsigned cpu, const char *name, const char *text)
{
    put(f, text, "sys/devices/system/cpu/cpu%u/%s", cpu, name);
}

static void put_number(struct machine_fixture *f, unsigned cpu, const char *name, unsigned number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u\n", number);
    put_cpu(f, cpu, name, text);
}

void put_topology(struct machine_fixture *f, unsigned cpu, unsigned package, unsigned core,
                  const char *threads)
{
    put_number(f, cpu, "topology/physical_package_id", package);
    put_number(f, cpu, "topology/core_id", core);
    if (threads)
        put_cpu(f, cpu, "topology/thread_siblings_list", threads);
}

void put_cache(struct machine_fixture *f, unsigned cpu, unsigned index, const char *type,
               unsigned level, const char *size, const char *shared)
{
    static const char *const names[] = {"type", "size", "shared_cpu_list"};
    const char *const texts[] = {type, size, shared};
    char name[64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[64];
        (void)snprintf(name, sizeof name, "cache/index%u/%s", index, names[i]);
        (void)snprintf(text, sizeof text, "%s\n", texts[i]);
        put_cpu(f, cpu, name, text);
    }
    (void)snprintf(name, sizeof name, "cache/index%u/level", index);
    put_number(f, cpu, name, level);
}

void again(struct machine_fixture *f)
{
    machine_free(f->machine);
    f->machine = NULL;
}

static size_t labels_of(const struct metric *metric)
{
    size_t count = 1;
    for (const char *at = metric->labels; (at = strchr(at, ',')); at++)
        count++;
    return count;
}

static void check_labels(const struct point *p)
{
    const size_t count = labels_of(&agent_metrics[p->metric]);
    for (size_t i = 0; i < POINT_LABELS_MAX; i++) {
        bool there = p->labels[i] != NULL;
        if (there != (i < count))
            fail_msg("%s: label %zu of %zu", agent_metrics[p->metric].family, i, count);
    }
}

static bool alike(const struct point *a, const struct point *b)
{
    if (a->metric != b->metric)
        return false;
    for (size_t i = 0; i < POINT_LABELS_MAX && a->labels[i]; i++)
        if (strcmp(a->labels[i], b->labels[i]) != 0)
            return false;
    return true;
}

void run(struct machine_fixture *f, unsigned seconds)
{
    f->now_ns += seconds * NS_PER_SECOND;
    if (!f->machine)
        f->machine = machine_new(&f->options);
    f->cpus = machine_begin(f->machine, f->now_ns);
    part_reset(&f->part);
    machine_add_points(f->machine, NULL, NULL, &f->part);
    for (size_t i = 0; i < f->part.point_count; i++) {
        check_labels(&f->part.points[i]);
        for (size_t k = 0; k < i; k++)
            assert_false(alike(&f->part.points[i], &f->part.points[k]));
    }
}

uint64_t value_of(const struct machine_fixture *f, enum agent_metric metric, const char *labels)
{
    for (size_t i = 0; i < f->part.point_count; i++) {
        const struct point *p = &f->part.points[i];
        char joined[256] = "";
        size_t length = 0;
        if (p->metric != metric)
            continue;
        for (size_t l = IDS; l < POINT_LABELS_MAX && p->labels[l]; l++)
            length += (size_t)snprintf(joined + length, sizeof joined - length, "%s%s",
                                       l > IDS ? "/" : "", p->labels[l]);
        if (strcmp(joined, labels) == 0)
            return p->value;
    }
    return NOTHING;
}

size_t count_of(const struct machine_fixture *f, enum agent_metric metric)
{
    size_t count = 0;
    for (size_t i = 0; i < f->part.point_count; i++)
        count += f->part.points[i].metric == metric;
    return count;
}
