/* One log line a cause. cascade_problem is this file's own: a round has the problems a test lists.
 */
#include "agent/problems.h"

#include "agent/log.h"
#include "base/snapshot.h"
#include "collectors/cascade.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PROBLEMS_OF_A_ROUND (PROBLEMS_MAX + 32)
#define LOG_BUFFER_BYTES    (256 * 1024) /* every line of a round with all problems */

/* The round just sealed. */
static struct {
    struct problem problems[PROBLEMS_OF_A_ROUND];
    const char *collectors[PROBLEMS_OF_A_ROUND];
    size_t count;
} sealed;

const struct problem *cascade_problem(const struct cascade *c, size_t index,
                                      const char **ret_collector)
{
    (void)c;
    if (index >= sealed.count)
        return NULL;
    *ret_collector = sealed.collectors[index];
    return &sealed.problems[index];
}

struct fixture {
    struct problems problems;
    struct log log; /* into a file without a name */
};

static void start(struct fixture *f)
{
    *f = (struct fixture){.log = {.level = LOG_LEVEL_INFO, .fd = memfd_create("log", MFD_CLOEXEC)}};
    assert_true(f->log.fd >= 0);
    sealed.count = 0;
}

static void end(struct fixture *f)
{
    problems_done(&f->problems);
    assert_int_equal(f->problems.count, 0);
    assert_int_equal(close(f->log.fd), 0);
}

static void fails(const char *collector, const char *source, enum reason reason, const char *text)
{
    assert_true(sealed.count < PROBLEMS_OF_A_ROUND);
    sealed.collectors[sealed.count] = collector;
    sealed.problems[sealed.count++] =
        (struct problem){.reason = reason, .source = source, .text = text, .count = 1};
}

/* What the round that was put together since the last call makes the log say. */
struct said {
    size_t new_lines;   /* warnings */
    size_t over_lines;  /* of level info */
    size_t works_again; /* those of them that say so */
    char last[1024];
};

static struct said told(struct fixture *f)
{
    static char lines[LOG_BUFFER_BYTES];
    struct said said = {0};
    problems_log(&f->problems, NULL, &f->log);
    sealed.count = 0;
    ssize_t got = pread(f->log.fd, lines, sizeof lines - 1, 0);
    assert_true(got >= 0 && (size_t)got < sizeof lines - 1);
    assert_int_equal(ftruncate(f->log.fd, 0), 0);
    assert_int_equal(lseek(f->log.fd, 0, SEEK_SET), 0);
    lines[got] = '\0';
    char *end = NULL;
    for (char *line = lines; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        bool over = strstr(line, "level=info") != NULL;
        assert_true(over || strstr(line, "level=warn"));
        said.works_again += strstr(line, "it works again") != NULL;
        said.over_lines += over;
        said.new_lines += !over;
        assert_true(strlen(line) < sizeof said.last);
        memcpy(said.last, line, strlen(line) + 1);
    }
    return said;
}

static void test_told_once(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    fails("engine", "unix:///run/docker.sock", REASON_TIMEOUT, "it sleeps");
    struct said said = told(&f);
    assert_int_equal(said.new_lines, 1);
    assert_non_null(strstr(said.last, "it sleeps"));
    assert_non_null(strstr(said.last, "collector=engine"));
    assert_non_null(strstr(said.last, "source=unix:///run/docker.sock"));
    assert_non_null(strstr(said.last, "reason=timeout"));
    for (unsigned i = 0; i < 3; i++) {
        fails("engine", "unix:///run/docker.sock", REASON_TIMEOUT, "it sleeps, in other words");
        said = told(&f);
        assert_int_equal(said.new_lines + said.over_lines, 0);
    }
    end(&f);
}

static void test_told_when_over(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    fails("engine", "e", REASON_TIMEOUT, "it sleeps");
    (void)told(&f);
    struct said said = told(&f);
    assert_int_equal(said.new_lines, 0);
    assert_int_equal(said.over_lines, 1);
    assert_non_null(strstr(said.last, "collector=engine"));
    assert_non_null(strstr(said.last, "source=e"));
    assert_non_null(strstr(said.last, "reason=timeout"));
    said = told(&f);
    assert_int_equal(said.new_lines + said.over_lines, 0);
    fails("engine", "e", REASON_TIMEOUT, "it sleeps"); /* another time: told again */
    said = told(&f);
    assert_int_equal(said.new_lines, 1);
    end(&f);
}

static void test_nothing_to_tell(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct said said = told(&f);
    assert_int_equal(said.new_lines + said.over_lines, 0);
    end(&f);
}

/* Collector, source and reason make a cause. */
static void test_causes_are_told_apart(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    for (unsigned i = 0; i < 2; i++) {
        fails("engine", "e", REASON_TIMEOUT, "a");
        fails("engine", "f", REASON_TIMEOUT, "b");
        fails("engine", "e", REASON_TLS, "c");
        fails("cgroup", "e", REASON_TIMEOUT, "d");
        struct said said = told(&f);
        assert_int_equal(said.new_lines, i == 0 ? 4 : 0);
        assert_int_equal(said.over_lines, 0);
    }
    fails("engine", "e", REASON_TIMEOUT, "a");
    fails("cgroup", "e", REASON_TIMEOUT, "d");
    struct said said = told(&f);
    assert_int_equal(said.new_lines, 0);
    assert_int_equal(said.over_lines, 2);
    assert_int_equal(said.works_again, 1); /* f; e goes on failing */
    end(&f);
}

/* One reason turns into another: the first is over, the second is new. */
static void test_reason_changes(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    fails("engine", "e", REASON_TIMEOUT, "a");
    (void)told(&f);
    fails("engine", "e", REASON_CONNECTION_REFUSED, "b");
    struct said said = told(&f);
    assert_int_equal(said.new_lines, 1);
    assert_int_equal(said.over_lines, 1);
    assert_int_equal(said.works_again, 0);
    end(&f);
}

/* The source's text goes with the round: what is remembered is a copy. */
static void test_sources_are_copied(void **state)
{
    (void)state;
    struct fixture f;
    char source[] = "first";
    start(&f);
    fails("engine", source, REASON_TIMEOUT, "a");
    (void)told(&f);
    memcpy(source, "other", sizeof source);
    fails("engine", source, REASON_TIMEOUT, "a");
    struct said said = told(&f);
    assert_int_equal(said.new_lines, 1);
    assert_int_equal(said.over_lines, 1);
    assert_non_null(strstr(said.last, "source=first"));
    end(&f);
}

static void fail_many(size_t count)
{
    static char sources[PROBLEMS_OF_A_ROUND][32];
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(sources[i], sizeof sources[i], "source-%zu", i);
        fails("engine", sources[i], REASON_TIMEOUT, "many");
    }
}

/* Those beyond what is remembered are told in every round rather than never. */
static void test_more_causes_than_are_remembered(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    const size_t beyond = 6;
    fail_many(PROBLEMS_MAX + beyond);
    struct said said = told(&f);
    assert_int_equal(said.new_lines, PROBLEMS_MAX + beyond);
    fail_many(PROBLEMS_MAX + beyond);
    said = told(&f);
    assert_int_equal(said.new_lines, beyond);
    assert_int_equal(said.over_lines, 0);
    said = told(&f); /* all over: of those remembered it is told */
    assert_int_equal(said.new_lines, 0);
    assert_int_equal(said.over_lines, PROBLEMS_MAX);
    fail_many(PROBLEMS_MAX); /* and there is room again */
    said = told(&f);
    assert_int_equal(said.new_lines, PROBLEMS_MAX);
    fail_many(PROBLEMS_MAX);
    said = told(&f);
    assert_int_equal(said.new_lines + said.over_lines, 0);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_once),
        cmocka_unit_test(test_told_when_over),
        cmocka_unit_test(test_nothing_to_tell),
        cmocka_unit_test(test_causes_are_told_apart),
        cmocka_unit_test(test_reason_changes),
        cmocka_unit_test(test_sources_are_copied),
        cmocka_unit_test(test_more_causes_than_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
