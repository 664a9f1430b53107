/* What weir costs its host: the process_* metrics. */
#ifndef WEIR_AGENT_PROCESS_STATS_H
#define WEIR_AGENT_PROCESS_STATS_H

#include <stdint.h>

struct part;

/* Adds process_* points about this process; what cannot be read is left out. `started_ms` is when
 * the agent began, in ms since 1970. Sources: getrusage(2), getrlimit(2), /proc/self/statm,
 * /proc/self/fd, /proc/self/status (proc(5)). */
void process_stats_add(struct part *part, uint64_t started_ms);

#endif
