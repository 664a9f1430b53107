/* Network counters and namespaces through PROCFS/PID, without rights over the process. Blocking.
 * Documents: proc(5), /proc/PID/net/dev, /proc/PID/stat, /proc/PID/cgroup; network_namespaces(7).
 */
#ifndef WEIR_COLLECTORS_PROC_NET_H
#define WEIR_COLLECTORS_PROC_NET_H

#include "base/arena.h"
#include "base/snapshot.h"

#include <stdint.h>

/* /proc/PID/net/dev: every interface but lo and the fallback devices of tunnels that always stand
 * at zero (tunl0, gre0, gretap0, erspan0, ip_vti0, ip6_vti0, sit0, ip6tnl0, ip6gre0): those are
 * left out while all their counters are 0. Names may contain ':' (aliases), and the colon may touch
 * the first number. All eight INTERFACE_ metrics are present in each row; names and rows go into
 * `arena`. `text` is `length` bytes and NUL: the whole file, of which the kernel gives one read no
 * more than a page (some 30 interfaces).
 * Names are valid UTF-8: each byte that is no part of a UTF-8 sequence becomes U+FFFD. No two rows
 * have the same name: interfaces that differ in such bytes alone are one row with their sums, and
 * one that the kernel shows twice (it was renamed meanwhile) counts once. In the order of names.
 * 0 and the rows (none is possible); -ENODATA for an empty file; -EBADMSG for text that is not the
 * kernel's (headers missing, a torn line). */
int proc_net_parse(const char *text, size_t length, struct arena *arena,
                   struct interface_row **ret_rows, size_t *ret_count);

/* Opens PROCFS/PID/net/dev, which stays bound to that network namespace, and tells the namespace by
 * the inode, which equals that of every process in it (no right over the process is needed). The
 * caller closes the descriptor. 0, or the negative errno (-ENOENT: no such process, or it is
 * hidden, or its first thread has ended; -EPERM: hidden by hidepid=1). */
int proc_net_open(const char *procfs, uint32_t pid, int *ret_descriptor, uint64_t *ret_namespace);

/* The inode alone, e.g. of pid 1 for the host's. 0 or the negative errno. */
int proc_net_namespace(const char *procfs, uint32_t pid, uint64_t *ret_namespace);

struct proc_stat {
    uint32_t parent;
    uint64_t start_ticks; /* after boot; field 22: with the pid, exactly which process it is */
};

/* PROCFS/PID/stat. The name may hold blanks and parentheses. 0, -EBADMSG, or the negative errno. */
int proc_stat_read(const char *procfs, uint32_t pid, struct proc_stat *ret);
/* Its parser, for tests and fuzzing; `text` needs no NUL. 0, -EBADMSG. */
int proc_stat_parse(const char *text, size_t length, struct proc_stat *ret);

/* The first process of a container among `pids` (all from its group): the one started first whose
 * parent is not among them, in one tick the lowest pid; hidden and vanished ones and entries 0 are
 * passed over. 0 and *ret_pid; -ENOENT when none is left; another negative errno where one could
 * not be read for weir's own lack (-EMFILE) or is -EBADMSG. */
int proc_pick_first(const char *procfs, const uint32_t pids[], size_t count, uint32_t *ret_pid,
                    uint64_t *ret_start_ticks);

/* The path of process `pid` in the v1 hierarchy that has `controller` ("memory"; NULL: the v2
 * hierarchy), from PROCFS/PID/cgroup: lines are split at their first two colons; NULL when there is
 * no such line, or the group is deleted or outside weir's namespace ("/../"), or the file cannot be
 * read. In `arena`. */
const char *proc_group_of(const char *procfs, uint32_t pid, const char *controller,
                          struct arena *arena);
/* Its parser, for tests and fuzzing; a last line without its end does not count. */
const char *proc_group_parse(const char *text, const char *controller, struct arena *arena);

#endif
