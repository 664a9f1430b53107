/* What it knows: what cAdvisor says of itself, said of weir, and in which rounds something may be
 * missing. Documents: collectors/compat.h; os-release(5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "collectors/compat.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define HERE   "unix:///run/docker.sock"
#define OTHER  "unix:///run/podman/podman.sock"
#define AWAY   "tcp://192.0.2.7:2375"
#define ABSENT (-1)

enum { FIRST, SECOND, THIRD, PARTS };

struct round {
    char top[64]; /* a temporary directory: the mount */
    struct part parts[PARTS];
    size_t count;
    struct part own;
    unsigned groups;
};

static int setup(void **state)
{
    struct round *r = alloc_zeroed(1, sizeof *r);
    (void)snprintf(r->top, sizeof r->top, "/tmp/weir-compat-XXXXXX");
    assert_non_null(mkdtemp(r->top));
    r->groups = GROUPS_DEFAULT;
    *state = r;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    struct round *r = *state;
    for (size_t i = 0; i < PARTS; i++)
        part_done(&r->parts[i]);
    part_done(&r->own);
    int result = nftw(r->top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(r);
    return result;
}

/* Another round, of no tier yet. */
static void begin(struct round *r)
{
    for (size_t i = 0; i < PARTS; i++) {
        part_reset(&r->parts[i]);
        r->parts[i].sees_host = false;
    }
    r->count = 0;
}

static struct part *tier(struct round *r, const char *name)
{
    struct part *p = &r->parts[r->count++];
    part_add_point(p, AGENT_COLLECTOR_SUCCESS, 1, (const char *const[]){name, NULL});
    return p;
}

static void engine(struct part *p, const char *key, uint64_t up)
{
    part_add_point(p, AGENT_ENGINE_UP, up, (const char *const[]){key, NULL});
}

static void groups(struct round *r, bool sees_host)
{
    struct part *p = tier(r, "cgroup");
    p->sees_host = sees_host;
    part_add_point(p, AGENT_MACHINE_CORES, 4, (const char *const[]){"", "", "", NULL});
    part_add_point(p, AGENT_MACHINE_MEMORY, 1, (const char *const[]){"", "", "", NULL});
}

static void failed_groups(struct round *r, enum reason reason)
{
    struct part *p = tier(r, "cgroup");
    part_add_problem(p, reason, "cgroup", "it failed");
}

static const struct point *find(const struct round *r, enum agent_metric metric)
{
    for (size_t i = 0; i < r->own.point_count; i++)
        if (r->own.points[i].metric == metric)
            return &r->own.points[i];
    return NULL;
}

static int value(const struct round *r, enum agent_metric metric)
{
    const struct point *p = find(r, metric);
    return p ? (int)p->value : ABSENT;
}

static void say(struct round *r, const struct part *agent)
{
    const struct part *parts[PARTS];
    struct compat *c = compat_new(r->groups, r->top);
    for (size_t i = 0; i < PARTS; i++)
        parts[i] = &r->parts[i];
    part_reset(&r->own);
    compat_add_points(c, parts, r->count, agent, &r->own);
    compat_free(c);
}

/* container_scrape_error of the round. */
static int lacks(struct round *r)
{
    say(r, NULL);
    return value(r, AGENT_SCRAPE_ERROR);
}

/* --- containers --- */

static void test_engine_alone(void **state)
{
    struct round *r = *state;
    engine(tier(r, "engine"), HERE, 1);
    assert_int_equal(lacks(r), 0);
    engine(&r->parts[FIRST], AWAY, 1);
    assert_int_equal(lacks(r), 0);
    engine(&r->parts[FIRST], OTHER, 0);
    assert_int_equal(lacks(r), 1);
    begin(r);
    engine(tier(r, "engine"), HERE, 0);
    assert_int_equal(lacks(r), 1);
    begin(r);
    engine(tier(r, "engine"), AWAY, 0);
    assert_int_equal(lacks(r), 1);
    begin(r);
    engine(tier(r, "engine"), AWAY, 1);
    assert_int_equal(lacks(r), 0);
    begin(r);
    (void)tier(r, "engine"); /* no engine at all */
    assert_int_equal(lacks(r), 1);
    assert_int_equal(value(r, AGENT_MACHINE_ERROR), ABSENT);
}

static void test_second_way(void **state)
{
    struct round *r = *state;
    struct part *p = tier(r, "engine");
    engine(p, HERE, 1);
    engine(p, OTHER, 0);
    assert_int_equal(lacks(r), 1);
    part_add_problem(p, REASON_SAME_ENGINE, OTHER, "it is the one that the other is");
    assert_int_equal(lacks(r), 0);
    part_add_problem(p, REASON_TIMEOUT, HERE, "one container's values are late");
    assert_int_equal(lacks(r), 0);
    part_add_problem(p, REASON_TOO_MANY, HERE, "its list is too long");
    assert_int_equal(lacks(r), 1);
}

static void test_groups_alone(void **state)
{
    static const enum reason failures[] = {REASON_STUCK, REASON_PERMISSION_DENIED,
                                           REASON_NO_HIERARCHY, REASON_TOO_MANY};
    struct round *r = *state;
    groups(r, true);
    assert_int_equal(lacks(r), 0);
    begin(r);
    groups(r, false); /* the top of a container's own hierarchy */
    assert_int_equal(lacks(r), 1);
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        begin(r);
        failed_groups(r, failures[i]);
        assert_int_equal(lacks(r), 1);
    }
}

/* The kernel makes up for the engines of this host, and for no other. */
static void test_both_host_seen(void **state)
{
    struct round *r = *state;
    for (uint64_t up = 0; up <= 1; up++) {
        begin(r);
        engine(tier(r, "engine"), HERE, up);
        groups(r, true);
        assert_int_equal(lacks(r), 0);
        begin(r);
        groups(r, true);
        engine(tier(r, "engine"), "tcp://127.0.0.1:2375", up);
        assert_int_equal(lacks(r), 0);
        begin(r);
        engine(tier(r, "engine"), AWAY, up);
        groups(r, true);
        assert_int_equal(lacks(r), up == 0);
    }
    begin(r);
    (void)tier(r, "engine");
    groups(r, true);
    assert_int_equal(lacks(r), 0);
}

/* Engines make up for a tier that cannot see the host, not for one that failed. */
static void test_both_host_not_seen(void **state)
{
    struct round *r = *state;
    engine(tier(r, "engine"), HERE, 1);
    groups(r, false);
    assert_int_equal(lacks(r), 0);
    engine(&r->parts[FIRST], OTHER, 0);
    assert_int_equal(lacks(r), 1);
    begin(r);
    engine(tier(r, "engine"), HERE, 1);
    failed_groups(r, REASON_STUCK);
    assert_int_equal(lacks(r), 1);
    begin(r);
    engine(tier(r, "engine"), HERE, 1);
    failed_groups(r, REASON_DUPLICATE_ID); /* a group was left out, no container */
    assert_int_equal(lacks(r), 0);
    begin(r);
    engine(tier(r, "engine"), AWAY, 1); /* it knows nothing of this host */
    groups(r, false);
    assert_int_equal(lacks(r), 1);
    begin(r);
    (void)tier(r, "engine");
    groups(r, false);
    assert_int_equal(lacks(r), 1);
}

static void test_simulated(void **state)
{
    struct round *r = *state;
    part_add_point(tier(r, "simulated"), AGENT_SIMULATED, 1, NULL);
    assert_int_equal(lacks(r), 0);
    assert_int_equal(value(r, AGENT_MACHINE_ERROR), ABSENT);
    begin(r);
    engine(tier(r, "engine"), HERE, 0);
    failed_groups(r, REASON_NO_HIERARCHY);
    part_add_point(tier(r, "simulated"), AGENT_SIMULATED, 1, NULL);
    assert_int_equal(lacks(r), 0);
}

/* --- the machine --- */

static void test_machine(void **state)
{
    struct round *r = *state;
    groups(r, true);
    say(r, NULL);
    assert_int_equal(value(r, AGENT_MACHINE_ERROR), 0);
    for (unsigned metric = 0; metric < 2; metric++) {
        begin(r);
        struct part *p = tier(r, "cgroup");
        part_add_point(p, metric == 0 ? AGENT_MACHINE_CORES : AGENT_MACHINE_MEMORY, 4, NULL);
        say(r, NULL);
        assert_int_equal(value(r, AGENT_MACHINE_ERROR), 1);
    }
    begin(r);
    failed_groups(r, REASON_STUCK);
    say(r, NULL);
    assert_int_equal(value(r, AGENT_MACHINE_ERROR), 1);
    r->groups = GROUPS_DEFAULT & ~GROUP_BIT(GROUP_MACHINE);
    say(r, NULL);
    assert_int_equal(value(r, AGENT_MACHINE_ERROR), 0);
}

/* --- who it is --- */

static void check_version(struct round *r, const struct part *agent, const char *docker,
                          const char *version, const char *revision)
{
    struct utsname kernel;
    assert_int_equal(uname(&kernel), 0);
    say(r, agent);
    const struct point *p = find(r, AGENT_VERSION_INFO);
    assert_non_null(p);
    assert_int_equal(p->value, 1);
    assert_string_equal(agent_metrics[AGENT_VERSION_INFO].labels,
                        "kernelVersion,osVersion,dockerVersion,cadvisorVersion,cadvisorRevision");
    assert_string_equal(p->labels[0], kernel.release);
    assert_string_equal(p->labels[2], docker);
    assert_string_equal(p->labels[3], version);
    assert_string_equal(p->labels[4], revision);
    assert_null(p->labels[5]);
}

static void add_info(struct part *p, const char *product, const char *version)
{
    part_add_point(p, AGENT_ENGINE_INFO, 1,
                   (const char *const[]){HERE, product, version, "1.43", "2", NULL});
}

static void test_version(void **state)
{
    struct round *r = *state;
    struct part agent = {0};
    check_version(r, NULL, "", "", "");
    check_version(r, &agent, "", "", "");
    part_add_point(&agent, AGENT_BUILD_INFO, 1,
                   (const char *const[]){"0.1.0", "abcdef", "GNU 12", NULL});
    check_version(r, &agent, "", "weir-0.1.0", "abcdef");
    struct part *p = tier(r, "engine");
    add_info(p, "podman", "4.3.1");
    check_version(r, &agent, "4.3.1", "weir-0.1.0", "abcdef");
    add_info(p, "podman", "5.0.0");
    check_version(r, &agent, "4.3.1", "weir-0.1.0", "abcdef");
    add_info(p, "docker", "28.0.1");
    add_info(p, "docker", "20.10.5");
    check_version(r, &agent, "28.0.1", "weir-0.1.0", "abcdef");
    part_done(&agent);
}

/* --- the operating system --- */

static void put(struct round *r, const char *directory, const char *name, const char *text)
{
    char path[256];
    for (const char *at = directory; at; at = strchr(at + 1, '/')) {
        (void)snprintf(path, sizeof path, "%s/%.*s", r->top, (int)(at - directory), directory);
        (void)mkdir(path, 0700);
    }
    (void)snprintf(path, sizeof path, "%s/%s", r->top, directory);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof path, "%s/%s/%s", r->top, directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char *system_of(struct round *r)
{
    say(r, NULL);
    return find(r, AGENT_VERSION_INFO)->labels[1];
}

static void test_system(void **state)
{
    static const struct {
        const char *file;
        const char *name;
    } cases[] = {
        {"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian\"\n",
         "Debian GNU/Linux 12 (bookworm)"},
        {"NAME=x\nPRETTY_NAME='Void Linux'", "Void Linux"},
        {"PRETTY_NAME=Alpine\\ Linux\\ v3.20\n", "Alpine Linux v3.20"},
        {"PRETTY_NAME=\"a \\\"b\\\" \\$c\"\n", "a \"b\" $c"},
        {"PRETTY_NAME='a \\b \"c\"'\n", "a \\b \"c\""},
        {"PRETTY_NAME=one\nPRETTY_NAME=two\n", "two"},
        {"PRETTY_NAME=\"Windows-ended\"\r\n", "Windows-ended"},
        {"#PRETTY_NAME=no\nX_PRETTY_NAME=no\nPRETTY_NAME=\"t\xc3\xbcr\"\n", "t\xc3\xbcr"},
        {"PRETTY_NAME=\"t\xfcr\"\n", ""}, /* no UTF-8 */
        {"PRETTY_NAME=\"\"\n", ""},
        {"NAME=x\n", "Linux"}, /* os-release(5)'s own default */
    };
    struct round *r = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put(r, "etc", "os-release", cases[i].file);
        assert_string_equal(system_of(r), cases[i].name);
    }
}

static void test_whose_system(void **state)
{
    struct round *r = *state;
    char own[300];
    (void)snprintf(own, sizeof own, "%s", system_of(r)); /* nothing is mounted: its own */
    put(r, "usr/lib", "os-release", "PRETTY_NAME=\"Host at usr\"\n");
    assert_string_equal(system_of(r), "Host at usr");
    put(r, "etc", "os-release", "PRETTY_NAME=\"Host\"\n");
    assert_string_equal(system_of(r), "Host");
    put(r, "proc", "meminfo", "");
    assert_string_equal(system_of(r), "Host");
    char path[128];
    (void)snprintf(path, sizeof path, "%s/etc/os-release", r->top);
    assert_int_equal(remove(path), 0);
    (void)snprintf(path, sizeof path, "%s/usr/lib/os-release", r->top);
    assert_int_equal(remove(path), 0);
    assert_string_equal(system_of(r), ""); /* a host without the file: not the image's */
    (void)snprintf(path, sizeof path, "%s/proc/meminfo", r->top);
    assert_int_equal(remove(path), 0);
    (void)snprintf(path, sizeof path, "%s/proc", r->top);
    assert_int_equal(remove(path), 0);
    assert_string_equal(system_of(r), own);
}

static void test_long_name(void **state)
{
    struct round *r = *state;
    char text[2000] = "PRETTY_NAME=\"";
    size_t length = strlen(text);
    memset(text + length, 'a', sizeof text - length - 1);
    text[sizeof text - 1] = '\0';
    put(r, "etc", "os-release", text);
    assert_int_equal(strlen(system_of(r)), 256);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_engine_alone),
        TEST(test_second_way),
        TEST(test_groups_alone),
        TEST(test_both_host_seen),
        TEST(test_both_host_not_seen),
        TEST(test_simulated),
        TEST(test_machine),
        TEST(test_version),
        TEST(test_system),
        TEST(test_whose_system),
        TEST(test_long_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
