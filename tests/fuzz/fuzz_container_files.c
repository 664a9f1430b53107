/* What it knows: what must hold for any bytes a runtime's file may have. The first byte chooses the
 * parser, the rest is the file. Each is parsed twice: into nothing known, and over what is. */
#include "base/err.h"
#include "base/text.h"
#include "collectors/container_files.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define ID        "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"
#define PID_LIMIT 4194304 /* the kernel's */

typedef int parser(const char *text, size_t length, struct arena *arena, struct err *e,
                   struct container_facts *facts);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse_storage(const char *text, size_t length, struct arena *arena, struct err *e,
                         struct container_facts *facts)
{
    return container_files_parse_storage(text, length, ID, arena, e, facts);
}

static void check_text(const char *text)
{
    assert(!text || *text != '\0');
}

static void check_facts(const struct container_facts *facts)
{
    check_text(facts->name);
    check_text(facts->image);
    check_text(facts->pod);
    check_text(facts->pod_namespace);
    check_text(facts->pod_container);
    check_text(facts->network_mode);
    assert(!facts->sandbox || !facts->pod_container);
    assert(facts->pid <= PID_LIMIT);
    assert(facts->pid > 0 || facts->pid_start_ticks == 0);
    assert(facts->label_count == 0 || facts->labels);
    for (size_t i = 0; i < facts->label_count; i++)
        assert(facts->labels[i].key && facts->labels[i].value);
}

static void check_result(int r, const struct err *e, const struct container_facts *before,
                         const struct container_facts *after)
{
    assert(r == 0 || r == -EBADMSG || r == -ENOENT);
    assert(e->code == r);
    assert((r < 0) == (e->text[0] != '\0'));
    assert(r == 0 || memcmp(before, after, sizeof *after) == 0);
    check_facts(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static parser *const parsers[] = {
        container_files_parse_docker, container_files_parse_docker_host, container_files_parse_runc,
        container_files_parse_crun,   container_files_parse_oci,         parse_storage,
        container_files_parse_crio};
    static const struct raw_label label = {"k", "v"};
    const struct container_facts nothing = {0};
    const struct container_facts all = {"n", "i", &label, 1, "p", "s", "c", false, "m", 1, 2, 3, 4};
    if (size == 0 || data[0] < '0' || (size_t)(data[0] - '0') >= sizeof parsers / sizeof *parsers)
        return 0;
    for (int known = 0; known <= 1; known++) {
        const struct container_facts before = known ? all : nothing;
        struct container_facts facts = before;
        struct arena arena = {0};
        struct err e = {0};
        int r = parsers[data[0] - '0']((const char *)data + 1, size - 1, &arena, &e, &facts);
        check_result(r, &e, &before, &facts);
        if (known) {
            assert(facts.name == before.name && facts.image == before.image);
            assert(facts.labels == before.labels && facts.created_ns == before.created_ns);
            assert(facts.network_mode == before.network_mode);
        }
        arena_done(&arena);
    }
    return 0;
}
