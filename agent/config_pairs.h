/* Lists of "name: value": headers and labels. Private to the configuration. */
#ifndef WEIR_AGENT_CONFIG_PAIRS_H
#define WEIR_AGENT_CONFIG_PAIRS_H

#include "agent/config_push.h"

#define PAIRS_MAX     64  /* far past any use, and bounded */
#define PAIR_NAME_MAX 128 /* bytes: YAML takes keys of 1024, and each may be escaped by ten */

/* Copies of `name` and `value` at the end. */
void push_pairs_add(struct push_pairs *pairs, const char *name, const char *value);
/* The value of `name`, NULL without. Headers are told apart without regard to case: `is_header`. */
const char *push_pairs_find(const struct push_pairs *pairs, const char *name, bool is_header);
/* By name, bytewise. */
void push_pairs_sort(struct push_pairs *pairs);
bool push_pairs_are_same(const struct push_pairs *a, const struct push_pairs *b);
/* Frees what is in it; it is empty then. */
void push_pairs_done(struct push_pairs *pairs);

#endif
