/* What it knows: memory.numa_stat as v1 and v2 write it. Documents:
 * Documentation/admin-guide/cgroup-v1/memory.rst, 5.6; cgroup-v2.rst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collectors/group_parse_numa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST 16

static struct group_numa nodes[MOST];

/* In a block of its own: a read past the end is seen. */
static int parse_some(const char *text, size_t length, size_t most)
{
    char *copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy, text, length);
    copy[length] = '\0';
    int result = group_parse_numa(copy, length, most, nodes);
    free(copy);
    return result;
}

static int parse(const char *text)
{
    return parse_some(text, strlen(text), MOST);
}

static void assert_node(size_t i, enum group_numa_kind kind, bool hierarchy, uint32_t node,
                        uint64_t value)
{
    assert_int_equal(nodes[i].kind, kind);
    assert_int_equal(nodes[i].hierarchy, hierarchy);
    assert_int_equal(nodes[i].node, node);
    assert_int_equal(nodes[i].value, value);
}

static const char text_1[] = "total=7000 N0=6000 N1=1000\nfile=35 N0=30 N1=5\n"
                             "anon=374 N0=374 N1=0\nunevictable=6591 N0=5596 N1=995\n"
                             "hierarchical_total=93744 N0=93744 N1=0\n"
                             "hierarchical_file=83798 N0=83797 N1=1\n"
                             "hierarchical_anon=3355 N0=3353 N1=2\n"
                             "hierarchical_unevictable=6591 N0=6588 N1=3\n";
static const char text_2[] =
    "anon N0=4096 N1=8192\nfile N0=12288 N1=16384\n"
    "kernel_stack N0=1 N1=2\nfile_mapped N0=3 N1=4\nunevictable N0=0 N1=5\n"
    "workingset_refault_file N0=6 N1=7\n";

static void test_1(void **state)
{
    (void)state;
    assert_int_equal(parse(text_1), 12);
    assert_node(0, GROUP_NUMA_FILE, false, 0, 30);
    assert_node(1, GROUP_NUMA_FILE, false, 1, 5);
    assert_node(2, GROUP_NUMA_ANON, false, 0, 374);
    assert_node(3, GROUP_NUMA_ANON, false, 1, 0);
    assert_node(5, GROUP_NUMA_UNEVICTABLE, false, 1, 995);
    assert_node(6, GROUP_NUMA_FILE, true, 0, 83797);
    assert_node(8, GROUP_NUMA_ANON, true, 0, 3353);
    assert_node(11, GROUP_NUMA_UNEVICTABLE, true, 1, 3);
}

static void test_2(void **state)
{
    (void)state;
    assert_int_equal(parse(text_2), 6);
    assert_node(0, GROUP_NUMA_ANON, false, 0, 4096);
    assert_node(3, GROUP_NUMA_FILE, false, 1, 16384);
    assert_node(4, GROUP_NUMA_UNEVICTABLE, false, 0, 0);
    assert_node(5, GROUP_NUMA_UNEVICTABLE, false, 1, 5);
}

static void test_odd(void **state)
{
    (void)state;
    assert_int_equal(parse("file N3=9223372036854775807\n"), 1);
    assert_node(0, GROUP_NUMA_FILE, false, 3, INT64_MAX);
    assert_int_equal(parse("later\nfile=0\n"), 0); /* no node is online there */
    assert_int_equal(parse_some(text_2, strlen(text_2), 6), 6);
    assert_int_equal(parse_some(text_2, strlen(text_2), 5), -E2BIG);
    assert_int_equal(parse_some(text_2, strlen(text_2), 0), -E2BIG);
}

static void test_bad(void **state)
{
    static const char *const bad[] = {
        "\n",
        "garbage\n",
        "file",
        "file=1 N0=1", /* torn */
        "total=1 N0=1\n",
        "file=\n",
        "file=x N0=1\n",
        "file=1N0=1\n",
        "file N0\n",
        "file N0=\n",
        "file N0=-1\n",
        "file N0=1.5\n",
        "file N=1\n",
        "file 0=1\n",
        "file  N0=1\n",
        "file N0=1 \n",
        "file N4294967296=1\n",
        "file N0=9223372036854775808\n",
        "anon N0=1\nfile N0=x\n",
    };
    (void)state;
    assert_int_equal(parse(""), -ENODATA);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i]), -EBADMSG);
}

/* However it is cut, what is found is in the whole too. */
static void test_torn(void **state)
{
    struct group_numa whole[MOST];
    (void)state;
    assert_int_equal(parse(text_1), 12);
    memcpy(whole, nodes, sizeof whole);
    for (size_t cut = 1; cut < strlen(text_1); cut++) {
        int count = parse_some(text_1, cut, MOST);
        assert_true((count >= 0) ==
                    (text_1[cut - 1] == '\n' && cut > strlen("total=7000 N0=6000 N1=1000\n")));
        for (int i = 0; i < count; i++)
            assert_node((size_t)i, whole[i].kind, whole[i].hierarchy, whole[i].node,
                        whole[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_1),   cmocka_unit_test(test_2),    cmocka_unit_test(test_odd),
        cmocka_unit_test(test_bad), cmocka_unit_test(test_torn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
