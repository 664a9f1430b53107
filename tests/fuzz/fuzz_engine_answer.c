/* What it knows: what must hold for any bytes an engine may answer. The first byte chooses the
 * parser, the rest is the answer; what was parsed goes on to where it is used. */
#include "base/err.h"
#include "base/text.h"
#include "collectors/container_identity.h"
#include "collectors/engine_life.h"
#include "collectors/engine_row.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define ID "589def48f99de698a49d166066adfa22748cca0e4a5a2bd25d15d6760aa4b83d"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct engine_facts some_facts(int cgroup_version, bool podman)
{
    return (struct engine_facts){
        .version = {.podman = podman, .version = "", .release = {4, 3, 1}},
        .info = {.cgroup_version = cgroup_version, .cgroup_driver = "", .id = ""},
    };
}

static void check_row(const struct engine_facts *facts, const struct container_row *row)
{
    unsigned tier = facts->info.cgroup_version == 2 ? TIERS_E2 : TIERS_E1;
    for (unsigned m = 0; m < CONTAINER_METRICS; m++)
        if (row_has(row, m))
            assert(container_metrics[m].tiers & tier);
    assert((row->unlimited & ~row->present) == 0);
    for (unsigned g = 0; g < GROUP_COUNT; g++)
        if (g != GROUP_LIFE && g != GROUP_DISK) /* of the inventory, not of stats */
            assert((row->tiers[g] == TIER_ENGINE) == (row->absent[g] == REASON_NONE));
    assert(row->tiers[GROUP_PRESSURE] == TIER_NONE); /* no engine has it */
    assert(tier == TIERS_E2 || row->tiers[GROUP_BLOCK_IO] == TIER_NONE);
    for (size_t i = 0; i < row->interface_count; i++)
        assert(row->interfaces[i].name && row->interfaces[i].present);
    for (size_t i = 0; i < row->device_count; i++)
        assert(row->devices[i].name && row->devices[i].present);
}

static void use_stats(const struct engine_spec *spec, const struct engine_stats *stats,
                      struct arena *arena)
{
    for (int version = 1; version <= 2; version++) {
        for (int podman = 0; podman <= 1; podman++) {
            struct engine_facts facts = some_facts(version, podman);
            struct container_row row = {0};
            engine_fill_spec(&facts, spec, &row);
            engine_fill_stats(&facts, spec, stats, arena, &row);
            check_row(&facts, &row);
        }
    }
}

static int fuzz_stats(const char *json, size_t size, struct arena *arena, struct err *e)
{
    struct engine_stats stats = {0};
    struct engine_spec spec = {.nano_cpus = 1};
    int r = engine_parse_stats(json, size, arena, e, &stats);
    if (r == 0)
        use_stats(&spec, &stats, arena);
    return r;
}

/* What becomes labels is no longer than labels are, and the same again for the same. */
static void use_texts(const struct engine_inspect *inspect, struct arena *arena)
{
    const char *(*const makers[])(const struct engine_inspect *, struct arena *) = {
        engine_life_ports, engine_life_mounts, engine_life_network};
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        const char *text = makers[i](inspect, arena);
        assert(strlen(text) <= LABEL_VALUE_MAX);
        assert(text_equal(text, makers[i](inspect, arena)));
    }
}

static void use_inspect(const struct engine_inspect *inspect, struct arena *arena)
{
    static char any[] = "*";
    static char label[] = "label.a=*";
    char *const globs[] = {any};
    char *const filters[] = {label};
    struct label_drops drops = {0};
    struct engine_stats stats = {.empty = true};
    struct engine_spec spec = engine_spec_from_inspect(inspect);
    use_stats(&spec, &stats, arena);
    use_texts(inspect, arena);
    struct identity *identity = identity_new("engine", inspect->id);
    identity_set_labels(identity, inspect->labels, inspect->label_count, globs, 1, &drops);
    for (size_t i = 0; i < identity->label_count; i++) {
        const char *name = identity->labels[i].name;
        assert(strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
               strlen(name));
        assert(*identity->labels[i].value != '\0');
        assert(i == 0 || strcmp(identity->labels[i - 1].name, name) < 0);
    }
    identity_unref(identity);
    (void)identity_is_wanted(inspect, filters, 1, filters, 1);
    for (int podman = 0; podman <= 1; podman++) {
        (void)identity_path_from_driver("systemd", inspect->cgroup_parent, podman, ID, arena);
        const char *path =
            identity_path_from_driver("cgroupfs", inspect->cgroup_parent, podman, ID, arena);
        assert(path && *path == '/');
    }
}

static int fuzz_inspect(const char *json, size_t size, struct arena *arena, struct err *e)
{
    struct engine_inspect inspect = {0};
    int r = engine_parse_inspect(json, size, arena, e, &inspect);
    if (r == 0)
        use_inspect(&inspect, arena);
    return r;
}

static int fuzz_version(const char *json, size_t size, struct arena *arena, struct err *e)
{
    struct engine_version version = {0};
    int r = engine_parse_version(json, size, arena, e, &version);
    assert(r < 0 || version.version);
    return r;
}

static int fuzz_info(const char *json, size_t size, struct arena *arena, struct err *e)
{
    struct engine_info info = {0};
    int r = engine_parse_info(json, size, arena, e, &info);
    assert(r < 0 || (info.id && info.cgroup_driver));
    return r;
}

static int fuzz_list(const char *json, size_t size, struct arena *arena, struct err *e)
{
    struct engine_list_entry *entries = NULL;
    size_t count = 0;
    int r = engine_parse_list(json, size, arena, e, &entries, &count);
    for (size_t i = 0; i < count; i++)
        assert(text_is_container_id(entries[i].id, strlen(entries[i].id)) && entries[i].name);
    return r;
}

static int fuzz_event(const char *json, size_t size, struct arena *arena, struct err *e)
{
    struct engine_event event = {0};
    int r = engine_parse_event(json, size, arena, e, &event);
    assert(r < 0 || (event.type && event.action && event.id));
    if (r == 0)
        assert(engine_event_kind(&event) < ENGINE_EVENT_KINDS);
    return r;
}

static void fuzz_message(const char *json, size_t size, struct arena *arena)
{
    const char *message = engine_parse_message(json, size, arena);
    assert(strlen(message) <= 200 && !strchr(message, '\n'));
}

static void fuzz_cgroup(const char *bytes, size_t size, struct arena *arena)
{
    const char *path = identity_path_from_proc(arena_copy(arena, bytes, size), ID, arena);
    assert(!path || (*path == '/' && strstr(path, ID)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int (*const parsers[])(const char *, size_t, struct arena *, struct err *) = {
        fuzz_version, fuzz_info, fuzz_list, fuzz_inspect, fuzz_event, fuzz_stats};
    const size_t parser_count = sizeof parsers / sizeof parsers[0];
    struct arena arena = {0};
    struct err e = {0};
    if (size == 0)
        return 0;
    const char *answer = (const char *)data + 1;
    size_t which = (size_t)(data[0] - '0');
    if (which < parser_count) {
        int r = parsers[which](answer, size - 1, &arena, &e);
        assert(r == 0 || r == -EBADMSG || r == -ENODATA);
        assert((r < 0) == (e.text[0] != '\0'));
    } else if (which == parser_count) {
        fuzz_message(answer, size - 1, &arena);
    } else {
        fuzz_cgroup(answer, size - 1, &arena);
    }
    arena_done(&arena);
    return 0;
}
