/* collectors/names_keeper.h: when names are written and when not, and what is said where that does
 * not work. */
#include "collectors/names_keeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/snapshot.h"
#include "collectors/inventory.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define ID_OF(tail) "4f0c2f7be7e0b8f8a8b6c1d2e3f40516273849a0b1c2d3e4f5061728394a" tail
#define PERIOD      10 /* seconds: the most often that names are written */

struct names {
    char top[64];
    char directory[80]; /* of the state; not there at first */
    uint64_t now_ns;
    struct clock clock;
    uv_loop_t loop;
    struct inventory *inventory;
    struct collector_options options;
    struct names_keeper *keeper;
    struct part part;
};

static uint64_t now(void *context)
{
    return ((struct names *)context)->now_ns;
}

static int drop_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)st;
    (void)kind;
    (void)place;
    return remove(path);
}

static int setup(void **state)
{
    struct names *n = alloc_zeroed(1, sizeof *n);
    (void)snprintf(n->top, sizeof n->top, "/tmp/weir-names-XXXXXX");
    assert_non_null(mkdtemp(n->top));
    (void)snprintf(n->directory, sizeof n->directory, "%s/state", n->top);
    n->now_ns = 1000 * NS_PER_SECOND;
    n->clock = (struct clock){n, now, now};
    assert_int_equal(uv_loop_init(&n->loop), 0);
    n->inventory = inventory_new();
    n->options = (struct collector_options){.loop = &n->loop,
                                            .clock = &n->clock,
                                            .procfs = n->top,
                                            .sysfs = n->top,
                                            .inventory = n->inventory,
                                            .state_directory = n->directory};
    *state = n;
    return 0;
}

static void close_keeper(struct names *n)
{
    names_keeper_close(n->keeper);
    n->keeper = NULL;
    assert_int_equal(uv_run(&n->loop, UV_RUN_DEFAULT), 0);
}

static int teardown(void **state)
{
    struct names *n = *state;
    if (n->keeper)
        close_keeper(n);
    int r = uv_loop_close(&n->loop);
    inventory_free(n->inventory);
    part_done(&n->part);
    (void)nftw(n->top, drop_one, 8, FTW_DEPTH | FTW_PHYS);
    free(n);
    return r;
}

static void make_directory(const struct names *n)
{
    assert_int_equal(mkdir(n->directory, 0700), 0);
}

static void tell(struct names *n, const char *id, const char *name)
{
    struct identity *identity = identity_new("", id);
    identity->local = true;
    identity->name = arena_string(&identity->arena, name);
    assert_true(inventory_tell(n->inventory, &(struct inventory_telling){.identity = identity,
                                                                         .source = INVENTORY_ENGINE,
                                                                         .now_ns = n->now_ns}));
    identity_unref(identity);
}

/* A round begins, `seconds` after the last one; what it writes may be under way. */
static void begin(struct names *n, unsigned seconds)
{
    n->now_ns += seconds * NS_PER_SECOND;
    part_reset(&n->part);
    names_keeper_round(n->keeper, &n->part);
}

static void wait_for_end(struct names *n)
{
    (void)uv_run(&n->loop, UV_RUN_DEFAULT); /* it keeps no loop alive that has nothing to write */
}

static void round_of(struct names *n, unsigned seconds)
{
    begin(n, seconds);
    wait_for_end(n);
}

/* What another weir finds there: the name of the container, in `ret`; "" where it is not. */
static const char *remembered(const struct names *n, const char *id, char ret[64])
{
    struct names other = {.now_ns = n->now_ns};
    assert_int_equal(uv_loop_init(&other.loop), 0);
    struct inventory *inventory = inventory_new();
    struct collector_options options = n->options;
    options.loop = &other.loop;
    options.inventory = inventory;
    options.names_read_only = true;
    struct names_keeper *keeper = names_keeper_new(&options);
    const struct inventory_entry *entry = inventory_find(inventory, id);
    (void)snprintf(ret, 64, "%s", entry ? entry->identity->name : "");
    names_keeper_close(keeper);
    (void)uv_run(&other.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&other.loop), 0);
    inventory_free(inventory);
    return ret;
}

#define expect_remembered(n, tail, name)                             \
    do {                                                             \
        char text[64];                                               \
        assert_string_equal(remembered(n, ID_OF(tail), text), name); \
    } while (0)

static size_t files(const struct names *n)
{
    size_t count = 0;
    DIR *directory = opendir(n->directory);
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    (void)closedir(directory);
    return count;
}

/* The only problem, told of names, with what to do. */
static void expect_problem(const struct names *n, enum reason reason)
{
    assert_int_equal(n->part.problem_count, 1);
    assert_int_equal(n->part.problems[0].reason, reason);
    assert_string_equal(n->part.problems[0].source, "names");
    assert_non_null(strstr(n->part.problems[0].text, n->directory));
}

static void test_written_when_changed(void **state)
{
    struct names *n = *state;
    make_directory(n);
    n->keeper = names_keeper_new(&n->options);
    round_of(n, 0);
    assert_int_equal(files(n), 0); /* nothing is known */
    tell(n, ID_OF("0001"), "web");
    round_of(n, PERIOD);
    expect_remembered(n, "0001", "web");
    tell(n, ID_OF("0002"), "db");
    round_of(n, PERIOD - 1);
    expect_remembered(n, "0002", ""); /* too soon */
    round_of(n, 1);
    expect_remembered(n, "0001", "web");
    expect_remembered(n, "0002", "db");
    assert_int_equal(n->part.problem_count, 0);
    assert_int_equal(files(n), 1);
}

static void test_not_written_when_the_same(void **state)
{
    struct names *n = *state;
    char path[PATH_MAX];
    make_directory(n);
    n->keeper = names_keeper_new(&n->options);
    tell(n, ID_OF("0001"), "web");
    round_of(n, 0);
    DIR *directory = opendir(n->directory);
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        if (entry->d_name[0] != '.')
            (void)snprintf(path, sizeof path, "%s/%s", n->directory, entry->d_name);
    (void)closedir(directory);
    assert_int_equal(unlink(path), 0);
    for (unsigned i = 0; i < 3; i++)
        round_of(n, PERIOD);
    close_keeper(n);
    assert_int_equal(files(n), 0);
}

/* The directory is not there: each attempt says so, until one succeeds. */
static void test_tried_again(void **state)
{
    struct names *n = *state;
    n->keeper = names_keeper_new(&n->options);
    tell(n, ID_OF("0001"), "web");
    round_of(n, 0);
    assert_int_equal(n->part.problem_count, 0); /* not known yet */
    round_of(n, 1);
    expect_problem(n, REASON_STATE_FILE);
    for (unsigned i = 0; i < 3; i++) {
        round_of(n, PERIOD - 1);
        assert_int_equal(n->part.problem_count, 0);
        round_of(n, 1);
        expect_problem(n, REASON_STATE_FILE);
    }
    make_directory(n);
    round_of(n, PERIOD); /* nothing has changed since, and yet */
    expect_remembered(n, "0001", "web");
    round_of(n, 1);
    assert_int_equal(n->part.problem_count, 0);
}

static void test_said_once_an_attempt(void **state)
{
    struct names *n = *state;
    n->keeper = names_keeper_new(&n->options);
    tell(n, ID_OF("0001"), "web");
    round_of(n, 0);
    round_of(n, 1);
    expect_problem(n, REASON_STATE_FILE);
    for (unsigned i = 2; i < PERIOD; i++) {
        round_of(n, 1);
        assert_int_equal(n->part.problem_count, 0);
    }
    round_of(n, 1);
    round_of(n, 1);
    expect_problem(n, REASON_STATE_FILE);
}

static void test_written_at_close(void **state)
{
    struct names *n = *state;
    make_directory(n);
    n->keeper = names_keeper_new(&n->options);
    tell(n, ID_OF("0001"), "web");
    round_of(n, 0);
    tell(n, ID_OF("0002"), "db");
    round_of(n, 1); /* too soon */
    expect_remembered(n, "0002", "");
    close_keeper(n);
    expect_remembered(n, "0001", "web");
    expect_remembered(n, "0002", "db");
}

/* Before any round, and after one that failed. */
static void test_first_written_at_close(void **state)
{
    struct names *n = *state;
    n->keeper = names_keeper_new(&n->options);
    tell(n, ID_OF("0001"), "web");
    round_of(n, 0);
    make_directory(n);
    close_keeper(n);
    expect_remembered(n, "0001", "web");
    n->keeper = names_keeper_new(&n->options);
    tell(n, ID_OF("0002"), "db");
    close_keeper(n);
    expect_remembered(n, "0001", "web");
    expect_remembered(n, "0002", "db");
}

/* It ends while an older state is being written. */
static void test_changed_before_close(void **state)
{
    struct names *n = *state;
    make_directory(n);
    n->keeper = names_keeper_new(&n->options);
    tell(n, ID_OF("0001"), "web");
    begin(n, 0); /* the loop has not heard of its end */
    tell(n, ID_OF("0002"), "db");
    close_keeper(n);
    expect_remembered(n, "0001", "web");
    expect_remembered(n, "0002", "db");
}

static void test_read_only(void **state)
{
    struct names *n = *state;
    make_directory(n);
    n->keeper = names_keeper_new(&n->options);
    tell(n, ID_OF("0001"), "web");
    round_of(n, 0);
    close_keeper(n);
    inventory_free(n->inventory);
    n->options.inventory = n->inventory = inventory_new();
    n->options.names_read_only = true;
    n->keeper = names_keeper_new(&n->options);
    assert_string_equal(inventory_find(n->inventory, ID_OF("0001"))->identity->name, "web");
    tell(n, ID_OF("0002"), "db");
    for (unsigned i = 0; i < 3; i++) {
        round_of(n, PERIOD);
        assert_int_equal(n->part.problem_count, 0);
    }
    close_keeper(n);
    expect_remembered(n, "0001", "web");
    expect_remembered(n, "0002", "");
    assert_int_equal(files(n), 1);
}

static void test_read_only_and_nothing_there(void **state)
{
    struct names *n = *state;
    make_directory(n);
    n->options.names_read_only = true;
    n->keeper = names_keeper_new(&n->options);
    tell(n, ID_OF("0001"), "web");
    round_of(n, PERIOD);
    close_keeper(n);
    assert_int_equal(files(n), 0);
}

/* "" is the word for not remembering. */
static void test_no_directory(void **state)
{
    struct names *n = *state;
    n->options.state_directory = "";
    n->keeper = names_keeper_new(&n->options);
    tell(n, ID_OF("0001"), "web");
    for (unsigned i = 0; i < 3; i++) {
        round_of(n, PERIOD);
        assert_int_equal(n->part.problem_count, 0);
    }
    close_keeper(n);
    assert_int_equal(access(n->directory, F_OK), -1);
}

static void spoil(const struct names *n)
{
    char path[PATH_MAX] = "";
    DIR *directory = opendir(n->directory);
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        if (entry->d_name[0] != '.')
            (void)snprintf(path, sizeof path, "%s/%s", n->directory, entry->d_name);
    (void)closedir(directory);
    assert_int_equal(truncate(path, 20), 0);
}

/* A file that was cut short: said once, and written anew. */
static void test_broken_file(void **state)
{
    struct names *n = *state;
    make_directory(n);
    n->keeper = names_keeper_new(&n->options);
    tell(n, ID_OF("0001"), "web");
    close_keeper(n);
    spoil(n);
    inventory_free(n->inventory);
    n->options.inventory = n->inventory = inventory_new();
    n->keeper = names_keeper_new(&n->options);
    assert_int_equal(inventory_count(n->inventory), 0);
    round_of(n, 0);
    expect_problem(n, REASON_STATE_FILE);
    for (unsigned i = 0; i < 3; i++) {
        round_of(n, PERIOD);
        assert_int_equal(n->part.problem_count, 0);
    }
    tell(n, ID_OF("0002"), "db");
    round_of(n, PERIOD);
    expect_remembered(n, "0002", "db");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_written_when_changed),
        TEST(test_not_written_when_the_same),
        TEST(test_tried_again),
        TEST(test_said_once_an_attempt),
        TEST(test_written_at_close),
        TEST(test_first_written_at_close),
        TEST(test_changed_before_close),
        TEST(test_read_only),
        TEST(test_read_only_and_nothing_there),
        TEST(test_no_directory),
        TEST(test_broken_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
