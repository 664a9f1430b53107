/* Whether the kernel counts the block I/O of cgroup v1 groups: block_accounting.c says which do. */
#ifndef WEIR_COLLECTORS_BLOCK_ACCOUNTING_H
#define WEIR_COLLECTORS_BLOCK_ACCOUNTING_H

#include <stdbool.h>

enum block_accounting { BLOCK_ACCOUNTING_UNKNOWN, BLOCK_ACCOUNTING_OFF, BLOCK_ACCOUNTING_ON };

/* OFF where the v1 root group (SYSFS/fs/cgroup/blkio/blkio.throttle.io_service_bytes_recursive,
 * else without _recursive) counts nothing while PROCFS/diskstats shows I/O; ON where it counts;
 * UNKNOWN where either cannot be read or no disk has done anything. */
enum block_accounting block_accounting_read(const char *procfs, const char *sysfs);

/* Is a zero in a v1 group's files a number, by the kernel's release (uname -r)? Not where the
 * kernel counts only what a limit of the group asks about. True for a release that cannot be read.
 */
bool block_accounting_zero_counts(const char *release);

#endif
