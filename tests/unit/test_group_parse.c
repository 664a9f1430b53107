/* What it knows: files of control groups as kernels write them, whole, cut at every byte and
 * spoilt. The texts of cgroup v1 are from a Linux 6.18, those of v2 follow the kernel's
 * Documentation/admin-guide/cgroup-v2.rst and Documentation/accounting/psi.rst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/text.h"
#include "collectors/group_parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)
#define COUNT(a)  (sizeof(a) / sizeof(a)[0])

static const char memory_stat_v1[] =
    "cache 13225984\nrss 10764288\nrss_huge 0\nshmem 13082624\nmapped_file 10039296\ndirty 16384\n"
    "writeback 0\nworkingset_refault_anon 0\nworkingset_refault_file 0\nswap 0\nswapcached 0\n"
    "pgpgin 77938\npgpgout 72081\npgfault 115593\npgmajfault 1\ninactive_anon 532480\n"
    "active_anon 999424\ninactive_file 135168\nactive_file 8192\nunevictable 22315008\n"
    "hierarchical_memory_limit 9223372036854771712\nhierarchical_memsw_limit 9223372036854771712\n"
    "total_cache 303644672\ntotal_rss 31481856\ntotal_rss_huge 0\ntotal_shmem 13168640\n"
    "total_mapped_file 19611648\ntotal_dirty 3805184\ntotal_writeback 0\n"
    "total_workingset_refault_anon 0\ntotal_workingset_refault_file 0\ntotal_swap 0\n"
    "total_swapcached 0\ntotal_pgpgin 172292723\ntotal_pgpgout 172216341\n"
    "total_pgfault 226787759\ntotal_pgmajfault 1691\ntotal_inactive_anon 21069824\n"
    "total_active_anon 1089536\ntotal_inactive_file 182628352\ntotal_active_file 107847680\n"
    "total_unevictable 22315008\n";

static const char memory_stat_v2[] =
    "anon 10764288\nfile 13225984\nkernel 4915200\nkernel_stack 98304\npagetables 299008\n"
    "sec_pagetables 0\npercpu 3456\nsock 4096\nvmalloc 8192\nshmem 13082624\nzswap 0\nzswapped 0\n"
    "file_mapped 10039296\nfile_dirty 16384\nfile_writeback 0\nswapcached 0\nanon_thp 0\n"
    "file_thp 0\nshmem_thp 0\ninactive_anon 23363584\nactive_anon 999424\ninactive_file 135168\n"
    "active_file 8192\nunevictable 22315008\nslab_reclaimable 1466464\n"
    "slab_unreclaimable 2984080\nslab 4450544\nworkingset_refault_anon 0\n"
    "workingset_refault_file 120\nworkingset_activate_anon 0\npgscan 2048\npgsteal 1984\n"
    "pgfault 115593\npgmajfault 1\npgrefill 312\npgactivate 2041\nthp_fault_alloc 0\n";

static const char meminfo[] =
    "MemTotal:       24682416 kB\nMemFree:        24137240 kB\nMemAvailable:   24228248 kB\n"
    "Buffers:            1420 kB\nActive(anon):       1068 kB\nSwapTotal:             0 kB\n"
    "VmallocTotal:   34359738367 kB\nHugePages_Total:       3\nHugepagesize:       2048 kB\n";

static const char pressure[] = "some avg10=0.92 avg60=0.63 avg300=3.87 total=3908200123\n"
                               "full avg10=0.00 avg60=0.00 avg300=0.00 total=2221867233\n";

/* Calls `test` with every beginning of `text`, in memory of exactly its length, so that a sanitizer
 * sees a byte read behind it. */
static void for_each_cut(const char *text, void (*test)(const char *cut, size_t length, bool whole))
{
    size_t length = strlen(text);
    for (size_t cut = 0; cut <= length; cut++) {
        char *copy = alloc_copy(text, cut);
        test(copy, cut, cut == length);
        free(copy);
    }
}

static int number(const char *text, uint64_t *ret)
{
    *ret = UNTOUCHED;
    return group_parse_number(text, strlen(text), ret);
}

static void test_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0\n", 0},
        {"7929673118003\n", UINT64_C(7929673118003)},
        {"4294967295\n", UINT32_MAX},
        {"4294967296\n", UINT64_C(4294967296)},
        {"18446744073709551615\n", UINT64_MAX},
    };
    static const char *const bad[] = {
        "\n",
        "-1\n",
        "+1\n",
        " 1\n",
        "1 \n",
        "1\n\n",
        "1\n2\n",
        "0x10\n",
        "1.5\n",
        "1,\n",
        "max\n",
        "abc\n",
        "18446744073709551616\n",
        "1\r\n",
        "7",
        "",
        "1e3\n",
        "--1\n",
        "99999999999999999999999999999999999\n",
    };
    uint64_t value = 0;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(number(good[i].text, &value), 0);
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(number(bad[i], &value), *bad[i] ? -EBADMSG : -ENODATA);
        assert_int_equal(value, UNTOUCHED);
    }
    assert_int_equal(group_parse_number("1\n\0", 3, &value), -EBADMSG);
    assert_int_equal(group_parse_number("1\0002\n", 4, &value), -EBADMSG);
}

static void number_cut(const char *cut, size_t length, bool whole)
{
    uint64_t value = UNTOUCHED;
    int r = group_parse_number(cut, length, &value);
    assert_int_equal(r, whole ? 0 : length == 0 ? -ENODATA : -EBADMSG);
    assert_int_equal(value, whole ? UINT64_C(7929673118003) : UNTOUCHED);
}

static void test_number_torn(void **state)
{
    (void)state;
    for_each_cut("7929673118003\n", number_cut);
}

static int limit(const char *text, uint64_t *ret)
{
    *ret = UNTOUCHED;
    return group_parse_limit(text, strlen(text), ret);
}

static void test_limit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0\n", 0},
        {"10000\n", 10000},
        {"67108864\n", 67108864},
        {"4611686018427387903\n", (UINT64_C(1) << 62) - 1},
        {"4611686018427387904\n", GROUP_NO_LIMIT},
        {"max\n", GROUP_NO_LIMIT},
        {"-1\n", GROUP_NO_LIMIT},
        {"9223372036854771712\n", GROUP_NO_LIMIT}, /* pages of 4 KiB */
        {"9223372036854759424\n", GROUP_NO_LIMIT}, /* 16 KiB */
        {"9223372036854710272\n", GROUP_NO_LIMIT}, /* 64 KiB */
        {"9223372036854775807\n", GROUP_NO_LIMIT}, /* before 3.19 */
        {"18446744073709551615\n", GROUP_NO_LIMIT},
        {"8796093018112\n", UINT64_C(8796093018112)}, /* none on 32 bits; the caller knows memory */
    };
    static const char *const bad[] = {
        "\n",     "-2\n",   "-10\n",      "-1",
        "max",    "maxi\n", "Max\n",      "max 100000\n",
        " max\n", "max \n", "max\nmax\n", "67108864",
        "-\n",    "-1\n\n", "",           "18446744073709551616\n",
    };
    uint64_t value = 0;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(limit(good[i].text, &value), 0);
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(limit(bad[i], &value), *bad[i] ? -EBADMSG : -ENODATA);
        assert_int_equal(value, UNTOUCHED);
    }
    assert_int_equal(group_parse_limit("max\n\0", 5, &value), -EBADMSG);
}

static int cpu_max(const char *text, uint64_t *ret_quota, uint64_t *ret_period)
{
    *ret_quota = *ret_period = UNTOUCHED;
    return group_parse_cpu_max(text, strlen(text), ret_quota, ret_period);
}

static void test_cpu_max(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t quota;
        uint64_t period;
    } good[] = {
        {"max 100000\n", GROUP_NO_LIMIT, 100000},
        {"10000 100000\n", 10000, 100000},
        {"150000 50000\n", 150000, 50000},
        {"max 1000000\n", GROUP_NO_LIMIT, 1000000},
        {"20000\n", 20000, 100000},
        {"max\n", GROUP_NO_LIMIT, 100000},
    };
    static const char *const bad[] = {
        "\n",
        "max",
        "max 100000",
        "10000 100000",
        "10000 0\n",
        "max 0\n",
        "max max\n",
        "-1 100000\n",
        "10000 -1\n",
        "max  1000\n",
        "max 1 2\n",
        "10000 100000 \n",
        "maximum 1\n",
        "10000\t100\n",
        " 1 1\n",
        "1 1\n1 1\n",
        "",
        "x 1\n",
        "18446744073709551616 100000\n",
    };
    uint64_t quota = 0;
    uint64_t period = 0;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(cpu_max(good[i].text, &quota, &period), 0);
        assert_int_equal(quota, good[i].quota);
        assert_int_equal(period, good[i].period);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(cpu_max(bad[i], &quota, &period), *bad[i] ? -EBADMSG : -ENODATA);
        assert_int_equal(quota, UNTOUCHED);
        assert_int_equal(period, UNTOUCHED);
    }
}

static void cpu_max_cut(const char *cut, size_t length, bool whole)
{
    uint64_t quota = 0;
    uint64_t period = 0;
    int r = group_parse_cpu_max(cut, length, &quota, &period);
    assert_int_equal(r, whole ? 0 : length == 0 ? -ENODATA : -EBADMSG);
}

static void test_cpu_max_torn(void **state)
{
    (void)state;
    for_each_cut("10000 100000\n", cpu_max_cut);
    for_each_cut("max 100000\n", cpu_max_cut);
}

static const char *const v1_keys[] = {
    "total_rss",         "total_cache",         "hierarchical_memory_limit", "cache",
    "total_swap",        "total_inactive_file", "total_active_file",         "total_unevictable",
    "total_pgfault",     "total_pgmajfault",    "total_mapped_file",         "total_dirty",
    "total_active_anon", "total_inactive_anon",
};
static const uint64_t v1_values[] = {
    31481856,  303644672, UINT64_C(9223372036854771712),
    13225984,  0,         182628352,
    107847680, 22315008,  226787759,
    1691,      19611648,  3805184,
    1089536,   21069824,
};
_Static_assert(COUNT(v1_keys) == COUNT(v1_values), "one value a key");

static void test_keys_v1(void **state)
{
    (void)state;
    uint64_t values[COUNT(v1_keys)] = {0};
    uint64_t found =
        group_parse_keys(memory_stat_v1, strlen(memory_stat_v1), v1_keys, COUNT(v1_keys), values);
    assert_int_equal(found, (1u << COUNT(v1_keys)) - 1);
    for (size_t i = 0; i < COUNT(v1_keys); i++)
        assert_int_equal(values[i], v1_values[i]);
}

static void v1_keys_cut(const char *cut, size_t length, bool whole)
{
    uint64_t values[COUNT(v1_keys)];
    (void)memset(values, 0x5a, sizeof values);
    uint64_t found = group_parse_keys(cut, length, v1_keys, COUNT(v1_keys), values);
    for (size_t i = 0; i < COUNT(v1_keys); i++) {
        char line[100];
        (void)snprintf(line, sizeof line, "%s%s %llu\n", i == 3 ? "" : "\n", v1_keys[i],
                       (unsigned long long)v1_values[i]);
        bool there = strstr(cut, line) != NULL;
        assert_int_equal(found >> i & 1, there);
        assert_int_equal(values[i], there ? v1_values[i] : UNTOUCHED);
        assert_true(there || !whole);
    }
}

static void test_keys_torn(void **state)
{
    (void)state;
    for_each_cut(memory_stat_v1, v1_keys_cut);
}

/* Each key of the file alone, so every one is told from all the others. */
static void find_each_key(const char *text)
{
    size_t lines = 0;
    for (const char *line = text; *line; line = strchr(line, '\n') + 1, lines++) {
        char *key = alloc_copy(line, strcspn(line, " "));
        const char *digits = line + strlen(key) + 1;
        const char *const keys[] = {key};
        uint64_t expected = 0;
        uint64_t value = UNTOUCHED;
        assert_int_equal(text_parse_u64(digits, strcspn(digits, "\n"), &expected), 0);
        assert_int_equal(group_parse_keys(text, strlen(text), keys, 1, &value), 1);
        assert_int_equal(value, expected);
        free(key);
    }
    assert_true(lines > 30);
}

static void test_keys_each(void **state)
{
    (void)state;
    find_each_key(memory_stat_v1);
    find_each_key(memory_stat_v2);
}

static void test_keys_missing(void **state)
{
    (void)state;
    static const char *const keys[] = {"usage_usec", "nr_throttled", "total_rs", "total_rss_",
                                       "otal_rss",   "rss 10764288", "rs"};
    uint64_t values[COUNT(keys)];
    (void)memset(values, 0x5a, sizeof values);
    assert_int_equal(
        group_parse_keys(memory_stat_v1, strlen(memory_stat_v1), keys, COUNT(keys), values), 0);
    assert_int_equal(group_parse_keys("", 0, keys, COUNT(keys), values), 0);
    for (size_t i = 0; i < COUNT(keys); i++)
        assert_int_equal(values[i], UNTOUCHED);
    assert_int_equal(group_parse_keys(memory_stat_v1, strlen(memory_stat_v1), NULL, 0, NULL), 0);
}

/* Keys of which a kernel has some: the throttle of a v2 group without the cpu controller. */
static void test_keys_some(void **state)
{
    (void)state;
    static const char *const keys[] = {"nr_throttled", "usage_usec", "throttled_usec",
                                       "system_usec"};
    static const char text[] = "usage_usec 7957214816\nuser_usec 6571903479\n"
                               "system_usec 1385311337\nnice_usec 479248734\n";
    uint64_t values[COUNT(keys)] = {UNTOUCHED, 0, UNTOUCHED, 0};
    assert_int_equal(group_parse_keys(text, strlen(text), keys, COUNT(keys), values), 2 | 8);
    assert_int_equal(values[0], UNTOUCHED);
    assert_int_equal(values[1], UINT64_C(7957214816));
    assert_int_equal(values[2], UNTOUCHED);
    assert_int_equal(values[3], 1385311337);
}

static void test_keys_small_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *key;
        uint64_t value;
    } files[] = {
        {"user 654915\nsystem 138051\n", "system", 138051},
        {"oom_kill_disable 0\nunder_oom 0\noom_kill 7\n", "oom_kill", 7},
        {"oom_kill_disable 0\nunder_oom 1\noom_kill 7\n", "under_oom", 1},
        {"low 0\nhigh 0\nmax 120\noom 3\noom_kill 2\noom_group_kill 1\n", "max", 120},
        {"low 0\nhigh 0\nmax 120\noom 3\noom_kill 2\noom_group_kill 1\n", "oom", 3},
        {"low 0\nhigh 0\nmax 120\noom 3\noom_kill 2\noom_group_kill 1\n", "oom_kill", 2},
        {"populated 1\nfrozen 1\n", "frozen", 1},
        {"max 9\n", "max", 9},
        {"nr_periods 0\nnr_throttled 0\nthrottled_time 18446744073709551615\n", "throttled_time",
         UINT64_MAX},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        uint64_t value = UNTOUCHED;
        const char *keys[] = {files[i].key};
        assert_int_equal(group_parse_keys(files[i].text, strlen(files[i].text), keys, 1, &value),
                         1);
        assert_int_equal(value, files[i].value);
    }
}

/* Lines that are no "key number" are skipped, and the line behind them counts. */
static void test_keys_odd_lines(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "oom_kill -1\n",
        "oom_kill\n",
        "oom_kill \n",
        "oom_kill  1\n",
        "oom_kill 1 \n",
        " oom_kill 1\n",
        "oom_kill 1 2\n",
        "\n",
        " \n",
        "oom_kill 1x\n",
        "oom_kill\t1\n",
        "oom_kill max\n",
        "garbage\n",
        " 1\n",
        "oom_kill 1\r\n",
        "oom_kill: 1\n",
        "oom_kill N0=1\n",
        "oom_kill +1\n",
        "oom_kill 18446744073709551616\n",
    };
    static const char *const keys[] = {"oom_kill"};
    for (size_t i = 0; i < COUNT(odd); i++) {
        char text[100];
        uint64_t value = UNTOUCHED;
        assert_int_equal(group_parse_keys(odd[i], strlen(odd[i]), keys, 1, &value), 0);
        assert_int_equal(value, UNTOUCHED);
        (void)snprintf(text, sizeof text, "%soom_kill 5\noom_kill 6\n", odd[i]);
        assert_int_equal(group_parse_keys(text, strlen(text), keys, 1, &value), 1);
        assert_int_equal(value, 5);
    }
    uint64_t value = UNTOUCHED;
    assert_int_equal(group_parse_keys("oom\0kill 1\noom_kill 2\0\n", 23, keys, 1, &value), 0);
    assert_int_equal(value, UNTOUCHED);
}

static void test_keys_twice(void **state)
{
    (void)state;
    static const char *const keys[] = {"oom", "max"};
    static const char text[] = "oom 1\noom 2\nmax 3\n";
    uint64_t values[2] = {0};
    assert_int_equal(group_parse_keys(text, strlen(text), keys, 2, values), 3);
    assert_int_equal(values[0], 1);
    assert_int_equal(values[1], 3);
}

/* As many keys as there may be, in a file in which each is once among many others. */
static void test_keys_most(void **state)
{
    (void)state;
    enum { KEYS = 64, LINES = 20000 };
    char *names[KEYS];
    uint64_t values[KEYS] = {0};
    char *text = alloc_bytes((size_t)LINES * 32);
    size_t length = 0;
    for (size_t i = 0; i < KEYS; i++)
        names[i] = alloc_format("key_%zu", i * 300);
    for (size_t i = 0; i < LINES; i++)
        length += (size_t)snprintf(text + length, 32, "key_%zu %zu\n", i, i + 7);
    assert_int_equal(group_parse_keys(text, length, (const char *const *)names, KEYS, values),
                     UINT64_MAX);
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(values[i], i * 300 + 7);
        free(names[i]);
    }
    free(text);
}

static void test_keys_long_line(void **state)
{
    (void)state;
    const size_t size = 1 << 20;
    static const char tail[] = "\nanon 5\n";
    static const char *const keys[] = {"anon"};
    char *text = alloc_bytes(size + sizeof tail);
    (void)memset(text, 'x', size);
    (void)memcpy(text + size, tail, sizeof tail);
    uint64_t value = 0;
    assert_int_equal(group_parse_keys(text, size + strlen(tail), keys, 1, &value), 1);
    assert_int_equal(value, 5);
    free(text);
}

static const char *const meminfo_keys[] = {"MemTotal",   "SwapTotal",       "Active(anon)",
                                           "MemNothing", "HugePages_Total", "Hugepagesize"};
static const uint64_t meminfo_values[] = {UINT64_C(25274793984), 0, 1093632, UNTOUCHED, 3, 2097152};

static void meminfo_cut(const char *cut, size_t length, bool whole)
{
    uint64_t values[COUNT(meminfo_keys)];
    (void)memset(values, 0x5a, sizeof values);
    uint64_t found = group_parse_meminfo(cut, length, meminfo_keys, COUNT(meminfo_keys), values);
    for (size_t i = 0; i < COUNT(meminfo_keys); i++) {
        const char *key = strstr(cut, meminfo_keys[i]);
        bool there = key && strchr(key, '\n');
        assert_int_equal(found >> i & 1, there);
        assert_int_equal(values[i], there ? meminfo_values[i] : UNTOUCHED);
    }
    assert_true(!whole || found == (1 | 2 | 4 | 16 | 32));
}

static void test_meminfo(void **state)
{
    (void)state;
    for_each_cut(meminfo, meminfo_cut);
}

static void test_meminfo_odd_lines(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "MemTotal: 1 MB\n",
        "MemTotal: 1 kb\n",
        "MemTotal: 1kB\n",
        "MemTotal: 1 kB \n",
        "MemTotal: -1 kB\n",
        "MemTotal:\n",
        "MemTotal: kB\n",
        "MemTotal 1 kB\n",
        "MemTotal : 1 kB\n",
        "MemTotal: 1  kB\n",
        "MemTotal: 1 kB",
        ": 1 kB\n",
        "MemTotal: 1 k\n",
        "MemTotal: 18014398509481984 kB\n",
        "MemTotal: 18446744073709551616\n",
    };
    static const char *const keys[] = {"MemTotal"};
    uint64_t value = UNTOUCHED;
    for (size_t i = 0; i < COUNT(odd); i++) {
        assert_int_equal(group_parse_meminfo(odd[i], strlen(odd[i]), keys, 1, &value), 0);
        assert_int_equal(value, UNTOUCHED);
    }
    static const char largest[] = "MemTotal: 18014398509481983 kB\n";
    assert_int_equal(group_parse_meminfo(largest, strlen(largest), keys, 1, &value), 1);
    assert_int_equal(value, UINT64_MAX - 1023);
    static const char close[] = "MemTotal:1 kB\n";
    assert_int_equal(group_parse_meminfo(close, strlen(close), keys, 1, &value), 1);
    assert_int_equal(value, 1024);
}

struct pressure {
    uint64_t some;
    bool full_given;
    uint64_t full;
};

static int parse_pressure(const char *text, struct pressure *ret)
{
    *ret = (struct pressure){.some = UNTOUCHED};
    return group_parse_pressure(text, strlen(text), &ret->some, &ret->full_given, &ret->full);
}

static void test_pressure(void **state)
{
    (void)state;
    struct pressure p;
    assert_int_equal(parse_pressure(pressure, &p), 0);
    assert_int_equal(p.some, UINT64_C(3908200123));
    assert_true(p.full_given);
    assert_int_equal(p.full, UINT64_C(2221867233));
    assert_int_equal(parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n", &p), 0);
    assert_int_equal(p.some, 5);
    assert_false(p.full_given);
    assert_int_equal(p.full, 0);
    assert_int_equal(parse_pressure("full avg10=0.00 total=0\nsome avg10=0.00 total=1\n"
                                    "more avg10=0.00 total=x\n",
                                    &p),
                     0);
    assert_int_equal(p.some, 1);
    assert_true(p.full_given);
}

static void test_pressure_odd(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "\n",
        "garbage",
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=-1\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=1x\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=18446744073709551616\n",
        "some total=1\nsome total=2\n",
        "some total=1\nfull avg10=0.00\n",
        "some\n",
        "some \ntotal=1\n",
        "something total=1\n",
    };
    struct pressure p;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(parse_pressure(bad[i], &p), *bad[i] ? -EBADMSG : -ENODATA);
        assert_int_equal(p.some, UNTOUCHED);
    }
}

/* Between its lines a cut file looks like one of a kernel without full. */
static void pressure_cut(const char *cut, size_t length, bool whole)
{
    struct pressure p;
    int r = parse_pressure(cut, &p);
    bool one_line = length == (size_t)(strchr(pressure, '\n') + 1 - pressure);
    assert_int_equal(r, whole || one_line ? 0 : length == 0 ? -ENODATA : -EBADMSG);
    assert_int_equal(p.some, r == 0 ? UINT64_C(3908200123) : UNTOUCHED);
    assert_int_equal(p.full_given, whole);
}

static void test_pressure_torn(void **state)
{
    (void)state;
    for_each_cut(pressure, pressure_cut);
}

static void test_procs(void **state)
{
    (void)state;
    uint32_t pids[4] = {0};
    static const char text[] = "1\n0\n4194304\n0\n77\n2147483647\n";
    assert_int_equal(group_parse_procs(text, strlen(text), 4, pids), 4);
    assert_int_equal(pids[0], 1);
    assert_int_equal(pids[1], 4194304);
    assert_int_equal(pids[2], 77);
    assert_int_equal(pids[3], INT32_MAX);
    assert_int_equal(group_parse_procs("", 0, 4, pids), 0);
    assert_int_equal(group_parse_procs("0\n0\n", 4, 4, pids), 0);
    pids[1] = 5;
    assert_int_equal(group_parse_procs("8\n9\nnot read", 12, 1, pids), 1);
    assert_int_equal(pids[0], 8);
    assert_int_equal(pids[1], 5);
    assert_int_equal(group_parse_procs(text, strlen(text), 0, NULL), 0);
}

static void test_procs_odd(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\n",  "1",     "1\n2", "1\n\n2\n",     "-1\n", "1 2\n",
        "x\n", "1\r\n", "1\nx", "2147483648\n", " 1\n", "18446744073709551617\n"};
    uint32_t pids[4] = {0};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(group_parse_procs(bad[i], strlen(bad[i]), 4, pids), -EBADMSG);
    assert_int_equal(group_parse_procs("1\n\0002\n", 5, 4, pids), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_number_torn),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_cpu_max),
        cmocka_unit_test(test_cpu_max_torn),
        cmocka_unit_test(test_keys_v1),
        cmocka_unit_test(test_keys_torn),
        cmocka_unit_test(test_keys_each),
        cmocka_unit_test(test_keys_missing),
        cmocka_unit_test(test_keys_some),
        cmocka_unit_test(test_keys_small_files),
        cmocka_unit_test(test_keys_odd_lines),
        cmocka_unit_test(test_keys_twice),
        cmocka_unit_test(test_keys_most),
        cmocka_unit_test(test_keys_long_line),
        cmocka_unit_test(test_meminfo),
        cmocka_unit_test(test_meminfo_odd_lines),
        cmocka_unit_test(test_pressure),
        cmocka_unit_test(test_pressure_odd),
        cmocka_unit_test(test_pressure_torn),
        cmocka_unit_test(test_procs),
        cmocka_unit_test(test_procs_odd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
