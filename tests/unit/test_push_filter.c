/* Which families and containers a destination gets: push_filter.h, with the rules of
 * --container.include. */
#include "exporters/push_filter.h"

#include "base/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LIST(...)                                                                 \
    {                                                                             \
        (char *[]){__VA_ARGS__}, sizeof((char *[]){__VA_ARGS__}) / sizeof(char *) \
    }
#define TEXT(text) ((char[]){text})

static bool has_family(const struct push_filter_options *options, const char *family)
{
    struct push_filter *f = push_filter_new(options);
    bool has = push_filter_has_family(f, family);
    push_filter_free(f);
    return has;
}

static bool has(const struct push_filter_options *options, const struct identity *who)
{
    struct push_filter *f = push_filter_new(options);
    bool result = push_filter_has_container(f, who);
    push_filter_free(f);
    return result;
}

static void test_none(void **state)
{
    (void)state;
    static const struct push_filter_options nothing;
    static const struct identity who = {.name = "web"};
    assert_null(push_filter_new(&nothing));
    assert_true(push_filter_has_family(NULL, "up"));
    assert_true(push_filter_has_container(NULL, &who));
    push_filter_free(NULL);
}

static void test_families(void **state)
{
    (void)state;
    const struct push_filter_options include = {
        .metrics_include = LIST(TEXT("container_cpu_*"), TEXT("machine_memory_bytes"))};
    assert_true(has_family(&include, "container_cpu_usage_seconds_total"));
    assert_true(has_family(&include, "machine_memory_bytes"));
    assert_false(has_family(&include, "machine_memory_bytes_x"));
    assert_false(has_family(&include, "weir_rounds_total"));
    const struct push_filter_options exclude = {.metrics_exclude = LIST(TEXT("*_total"))};
    assert_false(has_family(&exclude, "weir_rounds_total"));
    assert_true(has_family(&exclude, "machine_memory_bytes"));
    const struct push_filter_options both = {.metrics_include = LIST(TEXT("weir_*")),
                                             .metrics_exclude = LIST(TEXT("*_total"))};
    assert_false(has_family(&both, "weir_rounds_total"));
    assert_true(has_family(&both, "weir_build_info"));
    assert_false(has_family(&both, "machine_memory_bytes"));
}

static const struct label labels[] = {
    {"container_label_com_example_a_b", "front"},
    {"pod", "x"},
};
static const struct identity web = {
    .name = "web-1", .image = "registry:5000/shop/web:2", .labels = labels, .label_count = 2};

/* Is `web` taken with one rule to include? */
static bool included(char *rule)
{
    const struct push_filter_options options = {.containers_include = LIST(rule)};
    return has(&options, &web);
}

static void test_containers(void **state)
{
    (void)state;
    assert_true(included(TEXT("name=web-*")));
    assert_false(included(TEXT("name=web")));
    assert_true(included(TEXT("image=*/shop/*")));
    assert_false(included(TEXT("image=shop")));
    assert_true(included(TEXT("label.com.example.a-b=fr?nt")));
    assert_true(included(TEXT("label.com.example/a_b=front"))); /* the same name */
    assert_false(included(TEXT("label.com.example.a-b=back")));
    assert_false(included(TEXT("label.com.example.a=*")));
    assert_false(included(TEXT("label.pod=*"))); /* no label of the container */
    assert_false(included(TEXT("nonsense")));
    const struct push_filter_options both = {.containers_include =
                                                 LIST(TEXT("name=db"), TEXT("image=registry*")),
                                             .containers_exclude = LIST(TEXT("name=web-2"))};
    assert_true(has(&both, &web)); /* one rule is enough */
    const struct push_filter_options excluded = {.containers_include = LIST(TEXT("name=web-*")),
                                                 .containers_exclude = LIST(TEXT("name=*-1"))};
    assert_false(has(&excluded, &web));
}

static void test_unknown(void **state)
{
    (void)state;
    static const struct identity who;
    const struct push_filter_options name = {.containers_include = LIST(TEXT("name=?*"))};
    const struct push_filter_options image = {.containers_exclude = LIST(TEXT("image=?*"))};
    const struct push_filter_options label = {.containers_include = LIST(TEXT("label.a=*"))};
    assert_false(has(&name, &who));
    assert_true(has(&image, &who));
    assert_false(has(&label, &who));
}

static void test_no_containers(void **state)
{
    (void)state;
    static const enum identity_kind kinds[] = {IDENTITY_SERVICE, IDENTITY_HOST};
    const struct push_filter_options include = {.containers_include = LIST(TEXT("name=*"))};
    const struct push_filter_options exclude = {.containers_exclude = LIST(TEXT("name=*"))};
    for (size_t i = 0; i < 2; i++) {
        const struct identity who = {.kind = kinds[i], .name = "ssh.service"};
        assert_false(has(&include, &who));
        assert_true(has(&exclude, &who));
    }
}

/* What the options point to may go: the filter has its own. */
static void test_copies(void **state)
{
    (void)state;
    char family[] = "weir_*";
    char rule[] = "label.k=v*";
    static const struct label k[] = {{"container_label_k", "v1"}};
    static const struct identity who = {.labels = k, .label_count = 1};
    const struct push_filter_options options = {.metrics_include = LIST(family),
                                                .containers_include = LIST(rule)};
    struct push_filter *f = push_filter_new(&options);
    family[0] = rule[0] = rule[6] = rule[8] = 'x';
    assert_true(push_filter_has_family(f, "weir_build_info"));
    assert_true(push_filter_has_container(f, &who));
    push_filter_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),          cmocka_unit_test(test_families),
        cmocka_unit_test(test_containers),    cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_no_containers), cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
