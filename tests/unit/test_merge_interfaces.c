/* Interfaces that only the kernel lists: whose they are, and that the sums do not depend on the
 * order of the tiers. Document: docs/ARCHITECTURE.md, "The cascade". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "collectors/derive.h"
#include "merge_fixture.h"

#include <string.h>

#define NAMES_MAX 4
#define KERNEL    1000 /* added to the kernel's values: read a little later */

typedef const char *const names[NAMES_MAX + 1];

static uint64_t bits_of(unsigned column)
{
    uint64_t bits = 0;
    for (unsigned m = 0; m < INTERFACE_METRICS; m++)
        if (interface_metrics[m].tiers & column)
            bits |= UINT64_C(1) << m;
    return bits;
}

/* Values tell the interface by its name's last letter, and the metric. */
static uint64_t value_of(const char *name, unsigned metric)
{
    return (uint64_t)name[strlen(name) - 1] * 1000000 + metric * 10000;
}

static struct container_row *add_row(struct part *part, enum tier tier, unsigned column,
                                     const char *const wanted[], uint64_t more)
{
    struct container_row *row = add_local(part, "", "1", "web");
    give(row, tier, GROUP_NETWORK);
    row->cgroup_version = 2;
    row->interfaces = arena_alloc(&part->arena, NAMES_MAX * sizeof *row->interfaces);
    for (size_t i = 0; wanted[i]; i++) {
        struct interface_row *one = &row->interfaces[row->interface_count++];
        *one = (struct interface_row){.name = arena_string(&part->arena, wanted[i]),
                                      .present = bits_of(column)};
        for (unsigned m = 0; m < INTERFACE_METRICS; m++)
            one->values[m] = value_of(wanted[i], m) + more;
    }
    return row;
}

static const struct container_row *merge_two(struct fixture *f, const char *const of_engine[],
                                             const char *const of_kernel[], bool light)
{
    (void)add_row(&f->parts[light ? 1 : 0], TIER_ENGINE, TIERS_E2, of_engine, 0);
    (void)add_row(&f->parts[light ? 0 : 1], TIER_CGROUP, TIERS_C2, of_kernel, KERNEL);
    return merge_one(f, 2);
}

static const struct interface_row *find(const struct container_row *row, const char *name)
{
    const struct interface_row *found = NULL;
    for (size_t i = 0; i < row->interface_count; i++) {
        if (strcmp(row->interfaces[i].name, name) != 0)
            continue;
        assert_null(found); /* once */
        found = &row->interfaces[i];
    }
    return found;
}

static void expect_kernels(const struct container_row *row, const char *name)
{
    const struct interface_row *one = find(row, name);
    assert_non_null(one);
    assert_int_equal(one->present, bits_of(TIERS_C2));
    for (unsigned m = 0; m < INTERFACE_METRICS; m++)
        if ((one->present >> m) & 1)
            assert_int_equal(one->values[m], value_of(name, m) + KERNEL);
}

static void expect_engines(const struct container_row *row, const char *name)
{
    const struct interface_row *one = find(row, name);
    assert_non_null(one);
    assert_int_equal(one->values[INTERFACE_RX_BYTES], value_of(name, INTERFACE_RX_BYTES));
    assert_int_equal(one->values[INTERFACE_TX_BYTES], value_of(name, INTERFACE_TX_BYTES));
}

/* A tunnel that somebody made in the container: the engine does not know of it. */
static void test_beyond_the_engines(void **state)
{
    (void)state;
    struct fixture f = {0};
    const struct container_row *row =
        merge_two(&f, (names){"eth0", "eth1"}, (names){"tun7", "eth1", "wg8", "eth0"}, false);
    assert_int_equal(row->tiers[GROUP_NETWORK], TIER_ENGINE);
    assert_int_equal(row->interface_count, 4);
    expect_engines(row, "eth0");
    expect_engines(row, "eth1");
    expect_kernels(row, "tun7");
    expect_kernels(row, "wg8");
    /* What the engine may not give of its own ones is the kernel's. */
    assert_int_equal(find(row, "eth0")->present, bits_of(TIERS_C2) | bits_of(TIERS_E2));
    end(&f);
}

/* Podman calls its one interface after its network, or "network": another name, the same bytes. */
static void test_other_names(void **state)
{
    (void)state;
    static const struct {
        names engine, kernel;
        size_t count;
    } cases[] = {
        {{"network"}, {"eth0"}, 1},
        {{"network"}, {"eth0", "eth1"}, 1},
        {{"eth0", "shop"}, {"eth0", "eth1"}, 2}, /* one of them is one of the kernel's */
        {{"eth0", "eth1"}, {"eth1"}, 2},         /* one has just gone */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = {0};
        const struct container_row *row = merge_two(&f, cases[i].engine, cases[i].kernel, false);
        assert_int_equal(row->interface_count, cases[i].count);
        for (size_t j = 0; j < cases[i].count; j++)
            expect_engines(row, cases[i].engine[j]);
        end(&f);
    }
}

static void test_light_order(void **state)
{
    (void)state;
    static const struct {
        names engine, kernel;
        size_t count;
    } cases[] = {
        {{"eth0"}, {"eth0", "tun7"}, 2},
        {{"eth0", "eth1"}, {"eth0"}, 1},
        {{"network"}, {"eth0"}, 1},
        {{"eth1", "eth0", "wg8"}, {"eth1", "eth0"}, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = {0};
        const struct container_row *row = merge_two(&f, cases[i].engine, cases[i].kernel, true);
        assert_int_equal(row->tiers[GROUP_NETWORK], TIER_CGROUP);
        assert_int_equal(row->interface_count, cases[i].count);
        for (size_t j = 0; j < cases[i].count; j++)
            expect_kernels(row, cases[i].kernel[j]);
        end(&f);
    }
}

/* An engine that is away, or a kernel that cannot be read: the other's alone. */
static void test_only_one(void **state)
{
    (void)state;
    for (unsigned light = 0; light < 2; light++) {
        struct fixture f = {0};
        struct container_row *away = add_local(&f.parts[light], "", "1", "web");
        away->absent[GROUP_NETWORK] = REASON_TIMEOUT;
        (void)add_row(&f.parts[1 - light], TIER_CGROUP, TIERS_C2, (names){"eth0", "tun7"}, KERNEL);
        const struct container_row *row = merge_one(&f, 2);
        assert_int_equal(row->interface_count, 2);
        expect_kernels(row, "eth0");
        expect_kernels(row, "tun7");
        end(&f);
    }
}

static uint64_t sum_of(const struct container_row *row, enum container_metric metric)
{
    struct container_row copy = *row;
    struct arena arena = {0};
    struct derive *d = derive_new(GROUPS_ALL);
    derive_row(d, &copy, &arena, NS_PER_SECOND, 1);
    derive_free(d);
    arena_done(&arena);
    assert_true(row_has(&copy, metric));
    return copy.values[metric];
}

/* Whoever is asked first: a switch of the order must not look like traffic. */
static void test_sums(void **state)
{
    (void)state;
    static const struct {
        names engine, kernel;
    } cases[] = {
        {{"eth0"}, {"eth0"}},
        {{"eth0"}, {"eth0", "tun7"}},
        {{"eth1", "eth0"}, {"eth0", "tun7", "eth1", "wg8"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t received[2];
        uint64_t sent[2];
        for (unsigned light = 0; light < 2; light++) {
            struct fixture f = {0};
            (void)add_row(&f.parts[light], TIER_ENGINE, TIERS_E2, cases[i].engine, 0);
            (void)add_row(&f.parts[1 - light], TIER_CGROUP, TIERS_C2, cases[i].kernel, 0);
            const struct container_row *row = merge_one(&f, 2);
            received[light] = sum_of(row, CONTAINER_SUM_NETWORK_RECEIVE);
            sent[light] = sum_of(row, CONTAINER_SUM_NETWORK_TRANSMIT);
            end(&f);
        }
        assert_int_equal(received[0], received[1]);
        assert_int_equal(sent[0], sent[1]);
    }
}

/* The kernel's rows came late and give way to an engine that answered: what only the kernel lists
 * stays, or the sum would fall for a round. */
static void test_sums_when_late(void **state)
{
    (void)state;
    uint64_t received[2][2];
    for (unsigned light = 0; light < 2; light++) {
        for (unsigned late = 0; late < 2; late++) {
            struct fixture f = {0};
            (void)add_row(&f.parts[light], TIER_ENGINE, TIERS_E2, (names){"eth0"}, 0);
            add_row(&f.parts[1 - light], TIER_CGROUP, TIERS_C2, (names){"eth0", "tun7"}, 0)
                ->yields = late ? ~(1U << GROUP_SPEC) : 0;
            received[light][late] = sum_of(merge_one(&f, 2), CONTAINER_SUM_NETWORK_RECEIVE);
            end(&f);
        }
    }
    assert_int_equal(received[0][0], received[0][1]);
    assert_int_equal(received[1][0], received[1][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_when_late), cmocka_unit_test(test_beyond_the_engines),
        cmocka_unit_test(test_other_names),    cmocka_unit_test(test_light_order),
        cmocka_unit_test(test_only_one),       cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
