/* Sockets that systemd listens on for us. Document: sd_listen_fds(3). */
#ifndef WEIR_AGENT_ACTIVATION_H
#define WEIR_AGENT_ACTIVATION_H

#include <stddef.h>

struct err;

#define ACTIVATION_MAX 8 /* sockets: as many as the server has listeners */

/* The sockets passed to this process ($LISTEN_PID, $LISTEN_FDS), which are its own from now on; the
 * variables are removed. 0, -ENOENT when there are none, -EINVAL, -E2BIG, each with the sentence.
 */
int activation_take(struct err *e, int ret_fds[ACTIVATION_MAX], size_t *ret_count);

#endif
