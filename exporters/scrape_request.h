/* What a scrape says about itself: which metrics it wants and how long it may take. Pure. */
#ifndef WEIR_EXPORTERS_SCRAPE_REQUEST_H
#define WEIR_EXPORTERS_SCRAPE_REQUEST_H

#include <stdint.h>

struct err;

#define SCRAPE_TIMEOUT_HEADER "x-prometheus-scrape-timeout-seconds"
/* The least a scrape waits, whatever it says: its deadline is that of the round, which others have
 * joined, and an impatient one must not cost them their values. */
#define SCRAPE_REQUEST_WAIT_MIN_MS 500

/* The groups (bit per enum metric_group) that the parameters collect[] and exclude[] of a query
 * choose; all without them. 0, or -EINVAL with the sentence of the 400. */
int scrape_request_groups(const char *query, struct err *e, unsigned *ret_groups);
/* How long a scrape may wait for its round: the timeout of its header (NULL for none) less a
 * margin, at least SCRAPE_REQUEST_WAIT_MIN_MS and at most `max_ms`. */
uint64_t scrape_request_wait_ms(const char *timeout, uint64_t max_ms);

#endif
