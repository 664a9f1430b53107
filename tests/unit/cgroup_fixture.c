/* What it knows: running the cgroup tier's rounds to their end, and looking at what they brought.
 * Document: collectors/collector.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/text.h"
#include "cgroup_fixture.h"
#include "collectors/cgroup.h"

#include <stdio.h>
#include <stdlib.h>

static char everything[] = "*";
static char *every_label[] = {everything};

static int setup(void **state, enum group_mode mode)
{
    struct kernel_tier *t = alloc_zeroed(1, sizeof *t);
    fixture_new(&t->f, mode);
    if (uv_loop_init(&t->loop) < 0)
        return -1;
    (void)snprintf(t->docker_root, sizeof t->docker_root, "%s/docker", t->f.top);
    (void)snprintf(t->exec_root, sizeof t->exec_root, "%s/exec", t->f.top);
    t->docker_roots[0] = t->docker_root;
    t->exec_roots[0] = t->exec_root;
    t->inventory = inventory_new();
    t->options = (struct collector_options){.loop = &t->loop,
                                            .groups = GROUPS_DEFAULT,
                                            .clock = &t->f.clock,
                                            .procfs = t->f.procfs,
                                            .sysfs = t->f.sysfs,
                                            .label_allow = {every_label, 1},
                                            .inventory = t->inventory,
                                            .scope = SCOPE_CONTAINERS,
                                            .group_max_files = 1000,
                                            .state_directory = "",
                                            .docker_roots = {t->docker_roots, 1},
                                            .docker_exec_roots = {t->exec_roots, 1}};
    *state = t;
    return 0;
}

int tier_setup_1(void **state)
{
    return setup(state, GROUP_MODE_LEGACY);
}

int tier_setup_2(void **state)
{
    return setup(state, GROUP_MODE_UNIFIED);
}

int tier_teardown(void **state)
{
    struct kernel_tier *t = *state;
    if (t->collector)
        t->collector->kind->close(t->collector);
    (void)uv_run(&t->loop, UV_RUN_DEFAULT);
    int r = uv_loop_close(&t->loop); /* fails where a handle is left */
    part_done(&t->part);
    inventory_free(t->inventory);
    fixture_done(&t->f);
    free(t);
    return r;
}

static void ended(void *context)
{
    ((struct kernel_tier *)context)->done++;
}

void tier_begin(struct kernel_tier *t, unsigned seconds)
{
    struct err e = {0};
    if (!t->collector && group_collector_new(&t->options, &e, &t->collector) < 0)
        fail_msg("no tier: %s", e.text);
    if (seconds > 0) /* a thread may be looking */
        t->f.now_ns += seconds * NS_PER_SECOND;
    t->round.number++;
    t->round.begun_ns = t->f.now_ns;
    t->round.deadline_ns = t->f.now_ns + NS_PER_SECOND;
    t->done = 0;
    part_reset(&t->part);
    t->collector->kind->collect(t->collector, &t->round, &t->part, ended, t);
    assert_int_equal(t->done, 0); /* never from inside */
}

void tier_wait(struct kernel_tier *t)
{
    (void)uv_run(&t->loop, UV_RUN_DEFAULT);
}

void tier_cancel(struct kernel_tier *t)
{
    t->collector->kind->cancel(t->collector);
}

void tier_round(struct kernel_tier *t, unsigned seconds)
{
    tier_begin(t, seconds);
    tier_wait(t);
    assert_int_equal(t->done, 1);
}

const struct container_row *tier_row(const struct kernel_tier *t, const char *id)
{
    const struct container_row *row = NULL;
    for (size_t i = 0; i < t->part.row_count; i++) {
        if (!text_equal(t->part.rows[i].identity->container_id, id))
            continue;
        assert_null(row); /* one */
        row = &t->part.rows[i];
    }
    return row;
}

uint64_t tier_problems(const struct kernel_tier *t, enum reason reason)
{
    uint64_t count = 0;
    for (size_t i = 0; i < t->part.problem_count; i++) {
        assert_true(t->part.problems[i].text[0] != '\0');
        if (t->part.problems[i].reason == reason)
            count += t->part.problems[i].count;
    }
    return count;
}

void tier_tell(struct kernel_tier *t, const char *id, const char *path, uint32_t pid,
               uint64_t started_ns)
{
    struct identity *identity = identity_new("unix:///run/docker.sock", id);
    identity->local = true;
    identity->name = "web";
    identity->cgroup_path = arena_string(&identity->arena, path);
    identity->started_ns = started_ns;
    const struct inventory_telling telling = {.identity = identity,
                                              .source = INVENTORY_ENGINE,
                                              .pid = pid,
                                              .network = REASON_NONE,
                                              .now_ns = t->f.now_ns};
    assert_true(inventory_tell(t->inventory, &telling));
    identity_unref(identity);
}
