/* Looking at what a job found, and saying what it should be. Included after cmocka. */
#ifndef WEIR_TESTS_UNIT_GROUP_FIXTURE_ROWS_H
#define WEIR_TESTS_UNIT_GROUP_FIXTURE_ROWS_H

#include "group_fixture.h"

/* What the last job found at a path, NULL nothing. */
const struct group_found *found_at(const struct group_fixture *f, const char *path);
/* The same, and it must be there. */
const struct container_row *row_at(const struct group_fixture *f, const char *path);
/* A value about the source in the last job's part. */
uint64_t point_of(const struct group_fixture *f, enum agent_metric metric);
/* How often the last job reported that reason. */
uint64_t problems(const struct group_fixture *f, enum reason reason);
size_t containers(const struct group_fixture *f);
#define assert_value(row, metric, value)                                        \
    do {                                                                        \
        assert_true(row_has(row, CONTAINER_##metric));                          \
        assert_false(row_is_unlimited(row, CONTAINER_##metric));                \
        assert_int_equal((row)->values[CONTAINER_##metric], (uint64_t)(value)); \
        assert_given(row, container_metrics[CONTAINER_##metric].group);         \
    } while (0)
#define assert_no_value(row, metric) assert_false(row_has(row, CONTAINER_##metric))
#define assert_unlimited(row, metric)                           \
    do {                                                        \
        assert_true(row_has(row, CONTAINER_##metric));          \
        assert_true(row_is_unlimited(row, CONTAINER_##metric)); \
    } while (0)
void assert_given(const struct container_row *row, enum metric_group group);
/* The group of values is absent for that reason, and none of them is there. */
void assert_absent(const struct container_row *row, enum metric_group group, enum reason reason);
/* The rows of two readers say the same; paths too. */
void assert_same_rows(const struct group_result *a, const struct group_result *b);

/* fixture_new and fixture_done for cmocka: legacy, unified, hybrid. */
int fixture_setup_1(void **state);
int fixture_setup_2(void **state);
int fixture_setup_hybrid(void **state);
int fixture_teardown(void **state);
#define V1(test)     cmocka_unit_test_setup_teardown(test, fixture_setup_1, fixture_teardown)
#define V2(test)     cmocka_unit_test_setup_teardown(test, fixture_setup_2, fixture_teardown)
#define HYBRID(test) cmocka_unit_test_setup_teardown(test, fixture_setup_hybrid, fixture_teardown)

/* Of its own: one interface, eth0, with so many bytes received. */
void assert_received(const struct group_fixture *f, const char *path, uint64_t bytes);
/* No interface, for that reason. */
void assert_no_network(const struct group_fixture *f, const char *path, enum reason reason);
/* Descriptors that this process has open. */
size_t open_files(void);

#endif
