/* sd_notify(3): tells systemd READY=1, STATUS=, STOPPING=1, WATCHDOG=1 over $NOTIFY_SOCKET. */
#ifndef WEIR_AGENT_NOTIFY_H
#define WEIR_AGENT_NOTIFY_H

#include <stdint.h>

struct err;

/* Sends one datagram, e.g. "READY=1\nSTATUS=3 containers". 0 also without $NOTIFY_SOCKET; a
 * negative errno with `e`, -EAGAIN when the service manager does not read. */
int notify_send(const char *state, struct err *e);
/* How often the watchdog wants a sign, in ms: half of $WATCHDOG_USEC where $WATCHDOG_PID is this
 * process or not set; 0 none. */
uint64_t notify_watchdog_interval_ms(void);

#endif
