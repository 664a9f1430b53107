/* The form of container rules, and the names of container labels (the Prometheus data model,
 * "Metric names and labels"). Which containers a rule takes is tested where it is asked. */
#include "base/container_rule.h"

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_fields(void **state)
{
    (void)state;
    struct container_rule rule;
    assert_true(container_rule_parse("name=web-*", &rule));
    assert_int_equal(rule.field, CONTAINER_FIELD_NAME);
    assert_string_equal(rule.glob, "web-*");
    assert_true(container_rule_parse("image=", &rule));
    assert_int_equal(rule.field, CONTAINER_FIELD_IMAGE);
    assert_string_equal(rule.glob, "");
    assert_true(container_rule_parse("label.com.example/a-b=x=y", &rule));
    assert_int_equal(rule.field, CONTAINER_FIELD_LABEL);
    assert_int_equal(rule.key_length, strlen("com.example/a-b"));
    assert_memory_equal(rule.key, "com.example/a-b", rule.key_length);
    assert_string_equal(rule.glob, "x=y");
}

static void test_no_rules(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",        "name",       "=x",         "nam=x",  "names=x",
                                        "label=x", "labels.a=x", "xlabel.a=x", "Name=x", "label.a"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct container_rule rule = {.glob = "untouched"};
        assert_false(container_rule_parse(wrong[i], &rule));
        assert_string_equal(rule.glob, "untouched");
    }
}

static void test_label_names(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"com.docker.compose.project", "container_label_com_docker_compose_project"},
        {"a-b/c:d e", "container_label_a_b_c_d_e"},
        {"Z9_", "container_label_Z9_"},
        {"\xC3\xA4\xE6\xB0\xB4", "container_label___"}, /* one for each character */
        {"", "container_label_"},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(container_label_name(names[i][0], strlen(names[i][0]), &arena),
                            names[i][1]);
    assert_string_equal(container_label_name("ab.c", 2, &arena), "container_label_ab");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_no_rules),
        cmocka_unit_test(test_label_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
