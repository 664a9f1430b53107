/* What it knows: which groups are to be found, and when: every pattern of tests/fixtures/groups,
 * what comes and goes between rounds, what an engine hints at, and the three scopes. Document:
 * docs/ARCHITECTURE.md, "The cgroup tier". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "group_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATHS      WEIR_SOURCE_DIR "/tests/fixtures/groups/paths.txt"
#define PATHS_MOST 512
#define WALK       60 /* seconds between looks at every directory */
#define POD        "/kubepods.slice/kubepods-pod7a3c24c5_9f0e_4f6b_8d5f_0d8e8f3c2b1a.slice"
#define IN_POD(id) POD "/cri-containerd-" id ".scope"
#define UNWATCHED  "/foo.slice/foo-bar.slice"
#define ELSEWHERE  UNWATCHED "/docker-" ID_2 ".scope"

/* --- every pattern --- */

struct line {
    char *kind, *runtime, *id, *path;
};

struct lines {
    char text[128 * 1024];
    struct line lines[PATHS_MOST];
    size_t count;
};

static char *cut(char **at, char end)
{
    char *begin = *at;
    char *stop = strchr(begin, end);
    assert_non_null(stop);
    *stop = '\0';
    *at = stop + 1;
    return begin;
}

static struct lines *read_lines(void)
{
    struct lines *all = calloc(1, sizeof *all);
    assert_non_null(all);
    FILE *file = fopen(PATHS, "re");
    assert_non_null(file);
    size_t length = fread(all->text, 1, sizeof all->text - 1, file);
    assert_int_equal(fclose(file), 0);
    assert_true(length > 0 && length < sizeof all->text - 1);
    for (char *at = all->text; *at != '\0';) {
        char *line = cut(&at, '\n');
        if (line[0] == '\0' || line[0] == '#')
            continue;
        assert_true(all->count < PATHS_MOST);
        struct line *l = &all->lines[all->count++];
        *l = (struct line){.kind = cut(&line, '\t')};
        l->runtime = cut(&line, '\t');
        l->id = cut(&line, '\t');
        l->path = line;
    }
    assert_true(all->count > 250);
    return all;
}

/* The kinds that a scope shows; others must not be found. */
static bool is_expected(enum collect_scope scope, const char *kind)
{
    return text_equal(kind, "container") ||
           (text_equal(kind, "service") && scope != SCOPE_CONTAINERS) ||
           (text_equal(kind, "inner") && scope == SCOPE_ALL);
}

static void check_line(const struct group_fixture *f, const struct line *l)
{
    const struct group_found *found = found_at(f, l->path);
    if (!is_expected(f->options.scope, l->kind)) {
        if (found)
            fail_msg("found: %s", l->path);
        return;
    }
    if (!found)
        fail_msg("not found: %s", l->path);
    bool container = text_equal(l->kind, "container");
    assert_int_equal(found->kind, container ? IDENTITY_CONTAINER : IDENTITY_SERVICE);
    if (!container)
        return;
    assert_int_equal(found->name.id_length, strlen(l->id));
    assert_memory_equal(found->name.id, l->id, strlen(l->id));
    assert_string_equal(group_runtime_name(found->name.runtime),
                        text_equal(l->runtime, "-") ? "" : l->runtime);
}

/* In the round after a walk, and when nothing changed, the same is found. */
static void check_paths(struct group_fixture *f, enum collect_scope scope)
{
    struct lines *all = read_lines();
    size_t wanted = 0;
    f->options.scope = scope;
    for (size_t i = 0; i < all->count; i++) {
        put_group(f, all->lines[i].path);
        if (f->mode == GROUP_MODE_UNIFIED)
            put_file(f, "", all->lines[i].path, "cgroup.events", "populated 1\nfrozen 0\n");
        wanted += text_equal(all->lines[i].kind, "container");
    }
    for (unsigned round = 0; round < 4; round++) {
        assert_true(fixture_run(f, round == 3 ? WALK : 1)->complete);
        for (size_t i = 0; i < all->count; i++)
            check_line(f, &all->lines[i]);
        assert_int_equal(containers(f), wanted);
    }
    free(all);
}

static void test_paths(void **state)
{
    check_paths(*state, SCOPE_CONTAINERS);
}

static void test_paths_of_services(void **state)
{
    check_paths(*state, SCOPE_SERVICES);
}

static void test_paths_of_all(void **state)
{
    check_paths(*state, SCOPE_ALL);
}

/* --- coming and going --- */

static void test_new_in_a_watched_parent(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_container(f, IN_POD(ID_3));
    (void)fixture_run(f, 0);
    assert_int_equal(containers(f), 2);
    put_container(f, PATH_2);
    put_container(f, IN_POD(ID_("0004")));
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 4);
    assert_non_null(found_at(f, PATH_2));
    assert_value(row_at(f, IN_POD(ID_("0004"))), MEMORY_USAGE, 104857600);
}

#define NEW_POD "/kubepods.slice/kubepods-pod11111111_9f0e_4f6b_8d5f_0d8e8f3c2b1a.slice"

static void test_new_in_a_new_pod(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, IN_POD(ID));
    (void)fixture_run(f, 0);
    put_container(f, NEW_POD "/cri-containerd-" ID_2 ".scope");
    (void)fixture_run(f, 1);
    assert_non_null(found_at(f, NEW_POD "/cri-containerd-" ID_2 ".scope"));
    put_container(f, NEW_POD "/cri-containerd-" ID_3 ".scope");
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 3);
}

/* The kubelet makes a pod's directory a while before its containers; a round may come between. */
static void test_a_pod_is_empty_at_first(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, IN_POD(ID));
    (void)fixture_run(f, 0);
    put_group(f, NEW_POD);
    (void)fixture_run(f, 1);
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 1);
    put_container(f, NEW_POD "/cri-containerd-" ID_2 ".scope");
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 2);
}

/* A pod whose containers have all ended and come back. */
static void test_a_pod_is_empty_for_a_while(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, IN_POD(ID));
    (void)fixture_run(f, 0);
    drop_container(f, IN_POD(ID));
    (void)fixture_run(f, WALK);
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 0);
    put_container(f, IN_POD(ID_2));
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 1);
}

/* The first container of a host: nothing was watched but "/". */
static void test_the_first(void **state)
{
    struct group_fixture *f = *state;
    (void)fixture_run(f, 0);
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 0);
    put_container(f, PATH);
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 1);
}

static void test_in_an_unwatched_place(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_group(f, UNWATCHED);
    (void)fixture_run(f, 0);
    (void)fixture_run(f, 1);
    put_container(f, ELSEWHERE);
    (void)fixture_run(f, WALK);
    assert_non_null(found_at(f, ELSEWHERE));
    /* And from then on it is watched. */
    put_container(f, UNWATCHED "/docker-" ID_3 ".scope");
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 3);
}

static void test_hint_of_an_unwatched_place(void **state)
{
    struct group_fixture *f = *state;
    struct group_hint hints[] = {{.id = ID, .path = (char[]){PATH}},
                                 {.id = ID_2, .path = (char[]){ELSEWHERE}},
                                 {.id = ID_3, .path = (char[]){PATH_3}}};
    put_container(f, PATH);
    put_group(f, UNWATCHED);
    (void)fixture_run(f, 0);
    (void)fixture_run(f, 1);
    put_container(f, ELSEWHERE);
    hint(f, 3, hints);
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 2);
    assert_value(row_at(f, ELSEWHERE), MEMORY_USAGE, 104857600);
    for (unsigned i = 0; i < 3; i++) {
        (void)fixture_run(f, i == 2 ? WALK : 1);
        assert_non_null(found_at(f, ELSEWHERE));
    }
}

/* An engine tells of a container before its group is made, and once more when it runs. */
static void test_hint_comes_first(void **state)
{
    struct group_fixture *f = *state;
    struct group_hint hints[] = {{.id = ID_2, .path = (char[]){ELSEWHERE}}};
    put_container(f, PATH);
    put_group(f, UNWATCHED);
    (void)fixture_run(f, 0);
    (void)fixture_run(f, 1);
    hint(f, 1, hints);
    (void)fixture_run(f, 1);
    assert_null(found_at(f, ELSEWHERE));
    put_container(f, ELSEWHERE);
    hint(f, 1, hints);
    (void)fixture_run(f, 1);
    assert_non_null(found_at(f, ELSEWHERE));
}

/* What an engine inside a container runs is counted in that container; and no hint leads out of the
 * hierarchy or to what is no container. */
static void test_hints_that_lead_astray(void **state)
{
    static const char *const astray[] = {
        PATH "/docker/" ID_2,
        "/docker/../docker/" ID_3,
        "/docker//" ID_3,
        "/docker/./" ID_3,
        "/docker/" ID_3 "/",
        "docker/" ID_3,
        "/../../../proc/" ID_3,
        "/docker",
        "/",
        "",
        "/lxc.monitor.web/" ID_3,
    };
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_container(f, PATH "/docker/" ID_2);
    put_container(f, "/lxc.monitor.web/" ID_3);
    put_directory(f, "proc/" ID_3);
    (void)fixture_run(f, 0);
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 1);
    put_container(f, PATH_3);
    for (size_t i = 0; i < sizeof astray / sizeof astray[0]; i++) {
        struct group_hint h = {.id = ID_2, .path = strdup(astray[i])};
        hint(f, 1, &h);
        free(h.path);
        for (unsigned round = 0; round < 2; round++) {
            (void)fixture_run(f, 1);
            assert_int_equal(containers(f), 2);
            assert_non_null(found_at(f, PATH));
            assert_non_null(found_at(f, PATH_3));
        }
    }
}

static void test_removal(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_container(f, PATH_2);
    put_container(f, PATH_3);
    (void)fixture_run(f, 0);
    assert_int_equal(containers(f), 3);
    drop_container(f, PATH_2);
    assert_true(fixture_run(f, 1)->complete);
    assert_int_equal(containers(f), 2);
    assert_null(found_at(f, PATH_2));
    drop(f, "%s/docker", tree(f, "memory"));
    assert_true(fixture_run(f, 1)->complete);
    assert_int_equal(containers(f), 0);
    put_container(f, PATH);
    (void)fixture_run(f, WALK);
    assert_int_equal(containers(f), 1);
}

static void check_births(struct group_fixture *f, size_t max_files)
{
    f->options.max_files = max_files;
    put_container(f, PATH);
    (void)fixture_run(f, 0);
    uint64_t birth = row_at(f, PATH)->birth;
    (void)fixture_run(f, 1);
    assert_int_equal(row_at(f, PATH)->birth, birth);
    renew_container(f, PATH);
    put_file(f, "memory", PATH,
             f->mode == GROUP_MODE_UNIFIED ? "memory.current" : "memory.usage_in_bytes", "4096\n");
    (void)fixture_run(f, 1);
    assert_int_not_equal(row_at(f, PATH)->birth, birth);
    assert_value(row_at(f, PATH), MEMORY_USAGE, 4096); /* not of the descriptors kept before */
    assert_int_equal(containers(f), 1);
}

static void test_births(void **state)
{
    check_births(*state, 10000);
}

static void test_births_without_files(void **state)
{
    check_births(*state, 0);
}

/* A container of a container is counted in it, wherever it is. */
static void test_nested(void **state)
{
    struct group_fixture *f = *state;
    put_container(f, PATH);
    put_container(f, PATH "/docker/" ID_2);
    put_container(f, PATH "/kubepods/besteffort/podx/" ID_3);
    f->options.scope = SCOPE_ALL;
    (void)fixture_run(f, 0);
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 1);
    assert_null(found_at(f, PATH "/docker"));
    drop_container(f, PATH);
    (void)fixture_run(f, 1);
    assert_int_equal(containers(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        V1(test_paths),
        V2(test_paths),
        HYBRID(test_paths),
        V1(test_paths_of_services),
        V2(test_paths_of_services),
        V2(test_paths_of_all),
        V1(test_new_in_a_watched_parent),
        V2(test_new_in_a_watched_parent),
        V2(test_new_in_a_new_pod),
        V2(test_a_pod_is_empty_at_first),
        V2(test_a_pod_is_empty_for_a_while),
        V2(test_the_first),
        V1(test_in_an_unwatched_place),
        V2(test_hint_of_an_unwatched_place),
        V2(test_hint_comes_first),
        V2(test_hints_that_lead_astray),
        V1(test_removal),
        V1(test_births),
        V2(test_births),
        HYBRID(test_births),
        V2(test_births_without_files),
        V1(test_nested),
        V2(test_nested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
