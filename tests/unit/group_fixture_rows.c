/* What it knows: looking at what a job found, and comparing rows with what they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "group_fixture_rows.h"

#include <fcntl.h>

#define FDS_MOST 1024 /* a test has some dozens open */

const struct group_found *found_at(const struct group_fixture *f, const char *path)
{
    const struct group_result *result = group_reader_result(f->reader);
    const struct group_found *found = NULL;
    for (size_t i = 0; i < result->found_count; i++) {
        if (!text_equal(result->found[i].path, path))
            continue;
        assert_null(found); /* once */
        found = &result->found[i];
    }
    return found;
}

const struct container_row *row_at(const struct group_fixture *f, const char *path)
{
    const struct group_found *found = found_at(f, path);
    if (!found)
        fail_msg("nothing was found at %s", path);
    return &found->row;
}

size_t containers(const struct group_fixture *f)
{
    const struct group_result *result = group_reader_result(f->reader);
    size_t count = 0;
    for (size_t i = 0; i < result->found_count; i++)
        count += result->found[i].kind == IDENTITY_CONTAINER;
    return count;
}

uint64_t point_of(const struct group_fixture *f, enum agent_metric metric)
{
    const struct part *part = &group_reader_result(f->reader)->part;
    for (size_t i = 0; i < part->point_count; i++)
        if (part->points[i].metric == metric)
            return part->points[i].value;
    fail_msg("no point %s", agent_metrics[metric].family);
    return 0;
}

uint64_t problems(const struct group_fixture *f, enum reason reason)
{
    const struct part *part = &group_reader_result(f->reader)->part;
    uint64_t count = 0;
    for (size_t i = 0; i < part->problem_count; i++) {
        assert_true(part->problems[i].text[0] != '\0');
        if (part->problems[i].reason == reason)
            count += part->problems[i].count;
    }
    return count;
}

/* --- rows --- */

void assert_given(const struct container_row *row, enum metric_group group)
{
    assert_int_equal(row->tiers[group], TIER_CGROUP);
    assert_int_equal(row->absent[group], REASON_NONE);
}

void assert_absent(const struct container_row *row, enum metric_group group, enum reason reason)
{
    assert_int_equal(row->tiers[group], TIER_NONE);
    assert_string_equal(reason_name(row->absent[group]), reason_name(reason));
    assert_true(reason != REASON_NONE);
}

static void assert_same_row(const struct container_row *a, const struct container_row *b)
{
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->birth, b->birth);
    assert_memory_equal(a->tiers, b->tiers, sizeof a->tiers);
    assert_memory_equal(a->absent, b->absent, sizeof a->absent);
    assert_true(a->present == b->present);
    assert_true(a->unlimited == b->unlimited);
    assert_memory_equal(a->values, b->values, sizeof a->values);
    assert_int_equal(a->interface_count, b->interface_count);
    assert_int_equal(a->device_count, b->device_count);
    for (size_t i = 0; i < a->interface_count; i++) {
        assert_string_equal(a->interfaces[i].name, b->interfaces[i].name);
        assert_memory_equal(a->interfaces[i].values, b->interfaces[i].values,
                            sizeof a->interfaces[i].values);
    }
    for (size_t i = 0; i < a->device_count; i++) {
        assert_string_equal(a->devices[i].name, b->devices[i].name);
        assert_true(a->devices[i].present == b->devices[i].present);
        assert_memory_equal(a->devices[i].values, b->devices[i].values,
                            sizeof a->devices[i].values);
    }
}

void assert_same_rows(const struct group_result *a, const struct group_result *b)
{
    assert_int_equal(a->found_count, b->found_count);
    for (size_t i = 0; i < a->found_count; i++) {
        assert_string_equal(a->found[i].path, b->found[i].path);
        assert_int_equal(a->found[i].kind, b->found[i].kind);
        assert_same_row(&a->found[i].row, &b->found[i].row);
    }
}

void assert_received(const struct group_fixture *f, const char *path, uint64_t bytes)
{
    const struct container_row *row = row_at(f, path);
    assert_given(row, GROUP_NETWORK);
    assert_int_equal(row->interface_count, 1);
    assert_string_equal(row->interfaces[0].name, "eth0");
    assert_int_equal(row->interfaces[0].values[INTERFACE_RX_BYTES], bytes);
}

void assert_no_network(const struct group_fixture *f, const char *path, enum reason reason)
{
    assert_absent(row_at(f, path), GROUP_NETWORK, reason);
    assert_int_equal(row_at(f, path)->interface_count, 0);
}

size_t open_files(void)
{
    size_t count = 0;
    for (int fd = 0; fd < FDS_MOST; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}
