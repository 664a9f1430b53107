/* An empty request to a destination, for `weir check`. */
#ifndef WEIR_EXPORTERS_PUSH_PROBE_H
#define WEIR_EXPORTERS_PUSH_PROBE_H

#include "exporters/push_lane.h"

struct push_probe; /* opaque */

/* Sends the smallest request there is, with the lane's headers and secrets; the queue is not
 * touched. `done` is called once, from the loop: `well` and a sentence that says what the receiver
 * answered, and the mend; it frees the probe. 0, or a negative errno with the sentence. */
int push_probe_start(const struct push_lane_options *options,
                     void (*done)(void *context, bool well, const char *text), void *context,
                     struct err *e);

#endif
