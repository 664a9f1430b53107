/* What is still told of a container when it has ended: when it was seen last, and how often it ran
 * out of memory. Works on the merged rows of a round and knows no source. */
#ifndef WEIR_COLLECTORS_AFTERLIFE_H
#define WEIR_COLLECTORS_AFTERLIFE_H

#include "base/snapshot.h"

#include <stddef.h>
#include <stdint.h>

/* Containers remembered, live and ended: as many as an inventory may hold. */
#define AFTERLIFE_MAX 20000

struct afterlife; /* opaque */

/* A container is remembered for `linger_ms` after it was seen last; as long as somebody has a row
 * of it, its OOM kills are too. At most `most` are. */
struct afterlife *afterlife_new(uint64_t linger_ms, size_t most);
void afterlife_free(struct afterlife *a);

/* To be called once per round, when the rows are derived. Rows of containers that ended get the
 * time they were seen last, for as long as it lingers; those without a row get one with that alone
 * and their OOM kills.
 *
 * OOM_KILLS becomes the kills of all instances seen: the kernel counts those of a control group
 * while it lives; what an engine told of after the kernel was read last is added once the group is
 * gone, and one where nobody counted any and State.OOMKilled says so. It never falls. */
void afterlife_apply(struct afterlife *a, struct snapshot *s);

/* It is not to be shown any more: nothing is told of it but what its own rows say. */
void afterlife_forget(struct afterlife *a, const struct identity *identity);

/* How many were given up before their time because there were too many. */
uint64_t afterlife_dropped(const struct afterlife *a);

#endif
