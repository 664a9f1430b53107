/* What OpenTelemetry's variables say to a destination that speaks OTLP. Private to the
 * configuration. */
#ifndef WEIR_AGENT_CONFIG_PUSH_OTEL_H
#define WEIR_AGENT_CONFIG_PUSH_OTEL_H

#include "agent/config.h"

/* Fills in what `d` leaves open. A list of attributes that cannot be read is left out whole, with a
 * notice in `c`. 0, or -EINVAL with the variable, what is wrong and the mend. */
int push_otel_apply(struct push_destination *d, char *const environment[], struct config *c,
                    struct err *e);

#endif
