/* Block I/O by device, as io.stat and the blkio files have it. Pure; what group_parse.h says of
 * texts and results holds. Documents: Documentation/admin-guide/cgroup-v2.rst, "IO";
 * cgroup-v1/blkio-controller.rst. */
#ifndef WEIR_COLLECTORS_GROUP_PARSE_IO_H
#define WEIR_COLLECTORS_GROUP_PARSE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum group_io_field {
    GROUP_IO_READ_BYTES,
    GROUP_IO_WRITE_BYTES,
    GROUP_IO_READS,
    GROUP_IO_WRITES,
    GROUP_IO_DISCARD_BYTES,
    GROUP_IO_DISCARDS,
    GROUP_IO_SYNC_BYTES, /* v1 only, as the next two */
    GROUP_IO_ASYNC_BYTES,
    GROUP_IO_TOTAL_BYTES,
    GROUP_IO_COST_USAGE, /* microseconds; v2 only, as the next three: where io.cost is on */
    GROUP_IO_COST_WAIT,
    GROUP_IO_COST_INDEBT,
    GROUP_IO_COST_INDELAY,
    GROUP_IO_FIELDS,
};

/* What one device did. */
struct group_io {
    uint32_t major;
    uint32_t minor;
    unsigned given; /* bit per enum group_io_field */
    uint64_t values[GROUP_IO_FIELDS];
};

/* io.stat. Writes up to `most` devices, sorted by major and minor, each once (several lines of one
 * device are added up, saturating). Of several devices on one line (5.15) only the last owns the
 * values; a device without any value, a torn last line and rows called "(unknown)" are left out.
 * Returns how many there are, 0 for an empty file (above `most`: the lowest `most` were written,
 * and others count once a line); -EBADMSG when there is text and no line that a kernel writes. */
int group_parse_io_stat(const char *text, size_t length, size_t most, struct group_io ret[]);

/* blkio.*io_service_bytes[_recursive] (`operations` false) or *io_serviced[_recursive]
 * (`operations` true): lines "8:0 Read 123". Adds to what `ret` has already (`*count` devices,
 * sorted), so that both files fill one array of `most`; the last line "Total N" and "(unknown)"
 * rows are skipped. Operations: Read, Write, Sync, Async, Discard, Total; of the operation counts
 * Read, Write and Discard. 0, -EBADMSG (torn, or no line a kernel writes: nothing was added),
 * -E2BIG (more devices than `most`: the lowest were kept). Nothing but "Total 0", or empty: 0. */
int group_parse_blkio(const char *text, size_t length, bool operations, size_t most,
                      struct group_io ret[], size_t *count);

#endif
