/* The lines of /proc/diskstats. Pure. Document: Documentation/admin-guide/iostats.rst. */
#ifndef WEIR_COLLECTORS_GROUP_PARSE_DISKS_H
#define WEIR_COLLECTORS_GROUP_PARSE_DISKS_H

#include <stddef.h>
#include <stdint.h>

/* In the order of the line. Times in milliseconds, sectors of 512 bytes. Counters of times are of
 * 32 bits on every machine, the others on those of 32 bits. */
enum group_disk_field {
    GROUP_DISK_READS,
    GROUP_DISK_READS_MERGED,
    GROUP_DISK_SECTOR_READS,
    GROUP_DISK_READ_TIME,
    GROUP_DISK_WRITES,
    GROUP_DISK_WRITES_MERGED,
    GROUP_DISK_SECTOR_WRITES,
    GROUP_DISK_WRITE_TIME,
    GROUP_DISK_IO_CURRENT,
    GROUP_DISK_IO_TIME,
    GROUP_DISK_IO_TIME_WEIGHTED,
    GROUP_DISK_FIELDS,
};

/* One line. */
struct group_disk {
    uint32_t major;
    uint32_t minor;
    const char *name; /* in the line, not ended by NUL */
    size_t name_length;
    uint64_t values[GROUP_DISK_FIELDS];
};

/* The line from `line` up to its `newline`; what later kernels write behind these values is
 * skipped. 0, or -EBADMSG: it is none; `ret` is written on success only. */
int group_parse_disk(const char *line, const char *newline, struct group_disk *ret);

#endif
