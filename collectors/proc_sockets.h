/* Sockets and TCP counters of a network namespace: PROCFS/PID/net/tcp, tcp6, udp, udp6, snmp,
 * netstat. Documents: Documentation/networking/proc_net_tcp.rst and snmp_counter.rst; proc(5);
 * net/ipv4/udp.c, udp4_format_sock. */
#ifndef WEIR_COLLECTORS_PROC_SOCKETS_H
#define WEIR_COLLECTORS_PROC_SOCKETS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROC_SOCKETS_MOST 200000 /* of one table: some 30 MB of text and 0.3 s; past it -E2BIG */
/* Of UDP's the kernel walks to where it stopped for each page of text: 20000 take it 0.4 s, 100000
 * take 18 s. */
#define PROC_UDP_MOST      20000
#define PROC_SOCKET_VALUES 11 /* most of a kind: TCP's states */

enum proc_socket_kind { PROC_TCP, PROC_UDP };

/* What a table says, so far. Zero but for `kind` at first. */
struct proc_sockets {
    enum proc_socket_kind kind;
    bool headed; /* the heading was read */
    uint64_t count;
    uint64_t values[PROC_SOCKET_VALUES]; /* as proc_socket_words has them */
};

/* cAdvisor's word for each value: of TCP how many sockets are in that state (a new request for a
 * connection is "synrecv" too), of UDP how many there are ("listen"), packets "dropped", bytes
 * "rxqueued" and "txqueued". How many there are goes to `ret_count`. */
const char *const *proc_socket_words(enum proc_socket_kind kind, size_t *ret_count);

/* Takes the whole lines of the next piece of a table; `ret_used` bytes of it, the rest is to come
 * again in front of the next piece. 0; -EBADMSG: not the kernel's text; -E2BIG. */
int proc_sockets_take(struct proc_sockets *table, const char *text, size_t length,
                      size_t *ret_used);
/* Reads a whole table, piece by piece. 0; -EBADMSG also for a torn one; -E2BIG; the negative errno
 * (-ENOENT: the kernel has no such file, or the process is gone). */
int proc_sockets_read(const char *path, enum proc_socket_kind kind, struct proc_sockets *ret);

struct proc_counter {
    const char *name; /* the kernel's in lower case, in the arena */
    int64_t value;
};

struct proc_counters {
    struct proc_counter *items; /* in the arena */
    size_t count;
};

/* Appends the counters of a protocol ("Tcp", "TcpExt") in snmp or netstat: a line of names and a
 * line of values. No two have one name: of two the first stays. One past INT64_MAX is left out.
 * `text` is `length` bytes and NUL. 0; -ENODATA: there are none of that protocol; -EBADMSG;
 * -E2BIG. */
int proc_counters_parse(const char *text, size_t length, const char *protocol, struct arena *arena,
                        struct proc_counters *counters);

#endif
