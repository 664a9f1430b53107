/* Kernels count block I/O of cgroup v1 groups only once a throttle limit exists somewhere.
 * Document: the kernel's block/blk-throttle.c;
 * Documentation/admin-guide/cgroup-v1/blkio-controller.rst. */
#ifndef WEIR_COLLECTORS_BLOCK_ACCOUNTING_H
#define WEIR_COLLECTORS_BLOCK_ACCOUNTING_H

enum block_accounting { BLOCK_ACCOUNTING_UNKNOWN, BLOCK_ACCOUNTING_OFF, BLOCK_ACCOUNTING_ON };

/* OFF where the v1 root group (SYSFS/fs/cgroup/blkio/blkio.throttle.io_service_bytes_recursive,
 * else without _recursive) counts nothing while PROCFS/diskstats shows I/O; ON where it counts;
 * UNKNOWN where either cannot be read or no disk has done anything. */
enum block_accounting block_accounting_read(const char *procfs, const char *sysfs);

#endif
