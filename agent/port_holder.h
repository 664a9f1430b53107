/* Who listens on a TCP port of this host. */
#ifndef WEIR_AGENT_PORT_HOLDER_H
#define WEIR_AGENT_PORT_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#define PROCESS_NAME_MAX 16 /* bytes with its NUL: TASK_COMM_LEN of the kernel */

struct port_holder {
    uint32_t pid;                /* 0: a process that this one may not look into */
    char name[PROCESS_NAME_MAX]; /* its comm, as it is */
};

/* Looks into /proc: slow, for a check by hand. */
struct port_holder port_holder_find(uint16_t port);
/* Another process called `name`; `pid` 0 where there is none. */
struct port_holder port_holder_by_name(const char *name);

#endif
