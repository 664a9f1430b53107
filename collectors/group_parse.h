/* The text formats of control group files, /proc/meminfo and pressure files. Pure: bytes in,
 * numbers out. `text` is `length` bytes followed by NUL, as read in one go. Where not said
 * otherwise: 0; -ENODATA for an empty file; -EBADMSG for anything that cannot be what the kernel
 * writes, torn lines among it. `ret` is written on success only. Documents:
 * Documentation/admin-guide/cgroup-v2.rst, cgroup-v1 (memory.rst, cpuacct.rst,
 * blkio-controller.rst), Documentation/scheduler/sched-bwc.rst, Documentation/accounting/psi.rst;
 * proc(5). */
#ifndef WEIR_COLLECTORS_GROUP_PARSE_H
#define WEIR_COLLECTORS_GROUP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GROUP_NO_LIMIT UINT64_MAX

/* One number and a newline: cpuacct.usage, memory.current, pids.current. A torn file (no newline)
 * is -EBADMSG. */
int group_parse_number(const char *text, size_t length, uint64_t *ret);

/* A limit: a number, "max" (v2) or -1 (v1 quotas), and v1's largest values (LONG_MAX rounded down
 * to a page of 4, 16 or 64 KiB, so anything from 2^62 on): GROUP_NO_LIMIT. memory.max, pids.max,
 * memory.limit_in_bytes, cpu.cfs_quota_us. */
int group_parse_limit(const char *text, size_t length, uint64_t *ret);

/* cpu.max: "max 100000" or "10000 100000", in microseconds; one number alone has the period 100000.
 * GROUP_NO_LIMIT for "max"; a period of 0 is -EBADMSG. */
int group_parse_cpu_max(const char *text, size_t length, uint64_t *ret_quota_us,
                        uint64_t *ret_period_us);

/* Lines "key value": memory.stat, cpu.stat, memory.events, cpuacct.stat, memory.oom_control,
 * cgroup.events, pids.events. `keys` (`count` of them, no two alike, in any order) are looked for;
 * `ret[i]` gets the number of keys[i] and bit i of the result is set. A key may be anywhere; others
 * are skipped, lines that are no "key number" too; a key's first number counts. Bit set of what was
 * found, 0 when nothing was; the last line counts only with its newline. `count` at most 64. */
uint64_t group_parse_keys(const char *text, size_t length, const char *const keys[], size_t count,
                          uint64_t ret[]);

/* /proc/meminfo: as group_parse_keys with lines "Key:   123 kB"; values in bytes ("kB" is 1024),
 * those without a unit as they are. Keys without the colon. */
uint64_t group_parse_meminfo(const char *text, size_t length, const char *const keys[],
                             size_t count, uint64_t ret[]);

/* cpu.pressure, memory.pressure, io.pressure: the total= of the lines some and full, in
 * microseconds. A kernel without full for cpu has one line only: *ret_full_given false, total 0. */
int group_parse_pressure(const char *text, size_t length, uint64_t *ret_some_us,
                         bool *ret_full_given, uint64_t *ret_full_us);

/* The first `most` pids of cgroup.procs, without entries 0 (tasks of another pid namespace); what
 * is behind them is not read. Returns how many (0: empty file); -EBADMSG: `ret` is undefined. */
int group_parse_procs(const char *text, size_t length, size_t most, uint32_t ret[]);

#endif
