/* Rows from recorded and from written answers, for the tests of engine_row. Include after cmocka.h.
 */
#ifndef WEIR_TESTS_ENGINE_ROW_FIXTURE_H
#define WEIR_TESTS_ENGINE_ROW_FIXTURE_H

#include "collectors/engine_row.h"

/* Where everything lives until row_teardown. */
struct arena *row_arena(void);
int row_teardown(void **state);

/* What is known of a Docker 28 and of a Podman on a remote host with 16 GiB. */
struct engine_facts docker(int cgroup_version);
struct engine_facts podman(int cgroup_version, unsigned major, unsigned minor, unsigned patch);
/* A recorded answer, and one written in the test. */
struct engine_stats stats_of(const char *name);
struct engine_stats stats_from(const char *json);
/* What a recorded inspect says. */
struct engine_spec spec_of(const char *name);
/* A value that is there, without limit, absent; a group likewise. */
void assert_value(const struct container_row *row, enum container_metric metric, uint64_t value);
void assert_unlimited(const struct container_row *row, enum container_metric metric);
void assert_absent(const struct container_row *row, enum container_metric metric);
void assert_given(const struct container_row *row, enum metric_group group);
void assert_missing(const struct container_row *row, enum metric_group group, enum reason reason);
/* A row with spec and stats, which is sound: it holds only what the metric list lets an engine
 * give, and a group is given or says why not. */
struct container_row fill(const struct engine_facts *facts, const struct engine_spec *spec,
                          const struct engine_stats *stats);
struct container_row fill_plain(const struct engine_facts *facts, const char *json);
/* A value that must be there. */
uint64_t interface_value(const struct container_row *row, size_t at, enum interface_metric metric);
uint64_t device_value(const struct container_row *row, size_t at, enum device_metric metric);

#endif
