/* Segment files of a queue: records one behind the other. Document: docs/QUEUE.md. */
#ifndef WEIR_EXPORTERS_PUSH_SEGMENT_H
#define WEIR_EXPORTERS_PUSH_SEGMENT_H

#include "exporters/push_block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUSH_SEGMENT_NAME_MAX 32 /* bytes: 20 digits, ".seg", NUL */
/* Numbers in files are below this, so that sums of a few cannot overflow. */
#define PUSH_NUMBER_MAX (UINT64_C(1) << 62)

/* A place between two records: the sequence of the record behind it, and how many samples all the
 * records before it had. The difference of two places is what lies between them, readable or not.
 */
struct push_position {
    uint64_t sequence;
    uint64_t samples;
};

/* What stands before a record's body. */
struct push_header {
    struct push_position at;
    uint64_t time_ms; /* of the round, since 1970 */
    uint32_t samples;
    uint32_t length;   /* of the body, in bytes */
    uint32_t body_crc; /* CRC32C */
    uint8_t format;
    uint8_t coding;
};

struct push_segment {
    struct push_position first; /* its name */
    uint64_t bytes;             /* the file's size */
    int fd;                     /* owned; -1: not open */
};

/* Where to look for records: a part of a file, and the sequences they may have. */
struct push_range {
    int fd;
    uint64_t offset; /* where a record is expected */
    uint64_t bytes;  /* the file's size */
    uint64_t least;
    uint64_t below;
};

/* The end of what is good in a segment. */
struct push_tail {
    struct push_position end; /* behind the last whole record */
    uint64_t bytes;           /* where in the file that is */
    uint32_t torn_samples;    /* of a record without its end there; 0: none, or not known */
    bool damaged;             /* something before it had to be passed over */
};

void push_segment_name(uint64_t first, char ret[static PUSH_SEGMENT_NAME_MAX]);
/* False: no segment has this name. */
bool push_segment_parse_name(const char *name, uint64_t *ret_first);

struct push_block push_header_encode(const struct push_header *h);
struct push_position push_header_next(const struct push_header *h);
/* Where in the file the record ends whose header is at `offset`. */
uint64_t push_header_end(const struct push_header *h, uint64_t offset);

/* The next record of the range, a damaged one passed over. It may lack its end where it stands at
 * the very offset. 0; -ENODATA: none; or the negative errno. */
int push_segment_find(const struct push_range *range, struct push_header *ret,
                      uint64_t *ret_offset);
/* Reads every header. `first` is the place of the file's begin. 0 or the negative errno. */
int push_segment_walk(const struct push_range *range, struct push_position first,
                      struct push_tail *ret);

#endif
