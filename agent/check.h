/* `weir check`: one round, then a line for everything weir needs. */
#ifndef WEIR_AGENT_CHECK_H
#define WEIR_AGENT_CHECK_H

#include <stdbool.h>

struct buf;
struct config;
struct err;

/* Appends the lines to `ret`: ok, warn or fail, what was looked at, what was found and the mend;
 * text of foreign origin without control characters. `ret_well`: none is a failure. 0, or a
 * negative errno with the sentence in `e` when no round could be made; `ret` is the caller's to
 * free in any case. */
int check_run(const struct config *config, char *const environment[], struct buf *ret,
              bool *ret_well, struct err *e);

#endif
