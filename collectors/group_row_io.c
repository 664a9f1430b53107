/* What it knows: block I/O by device and pressure of a control group. Documents:
 * Documentation/admin-guide/cgroup-v2.rst, "IO"; cgroup-v1/blkio-controller.rst;
 * Documentation/accounting/psi.rst. */
#include "collectors/group_row.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "collectors/device_name.h"
#include "collectors/group_device.h"
#include "collectors/group_files.h"
#include "collectors/group_parse.h"
#include "collectors/group_parse_io.h"

#include <errno.h>
#include <string.h>

#define DEVICES_MAX 512 /* of one group; a host with more disks than that has a storage agent */

/* Which field of a device makes which values. */
static const struct {
    enum group_io_field field;
    enum device_metric metric;
    uint64_t unit; /* by what it is multiplied */
} io_values[] = {
    {GROUP_IO_READ_BYTES, DEVICE_READ_BYTES, 1},
    {GROUP_IO_READ_BYTES, DEVICE_USAGE_READ, 1},
    {GROUP_IO_WRITE_BYTES, DEVICE_WRITE_BYTES, 1},
    {GROUP_IO_WRITE_BYTES, DEVICE_USAGE_WRITE, 1},
    {GROUP_IO_READS, DEVICE_READS, 1},
    {GROUP_IO_WRITES, DEVICE_WRITES, 1},
    {GROUP_IO_DISCARD_BYTES, DEVICE_USAGE_DISCARD, 1},
    {GROUP_IO_DISCARDS, DEVICE_DISCARDS, 1},
    {GROUP_IO_SYNC_BYTES, DEVICE_USAGE_SYNC, 1},
    {GROUP_IO_ASYNC_BYTES, DEVICE_USAGE_ASYNC, 1},
    {GROUP_IO_TOTAL_BYTES, DEVICE_USAGE_TOTAL, 1},
    {GROUP_IO_COST_USAGE, DEVICE_COST_USAGE, NS_PER_US},
    {GROUP_IO_COST_WAIT, DEVICE_COST_WAIT, NS_PER_US},
    {GROUP_IO_COST_INDEBT, DEVICE_COST_INDEBT, NS_PER_US},
    {GROUP_IO_COST_INDELAY, DEVICE_COST_INDELAY, NS_PER_US},
};

struct named_device *group_device(struct group_reader *r, uint32_t major, uint32_t minor)
{
    for (size_t i = 0; i < r->device_count; i++)
        if (r->devices[i].major == major && r->devices[i].minor == minor)
            return &r->devices[i];
    if (r->device_count == r->device_capacity) {
        r->device_capacity = r->device_capacity ? r->device_capacity * 2 : 8;
        r->devices = alloc_resize(r->devices, r->device_capacity, sizeof *r->devices);
    }
    r->devices[r->device_count] = (struct named_device){.major = major, .minor = minor};
    return &r->devices[r->device_count++];
}

/* Looked up once a device; names live as long as the list, which each walk renews. */
const char *group_device_name(struct group_reader *r, uint32_t major, uint32_t minor)
{
    struct named_device *device = group_device(r, major, minor);
    if (!device->name)
        device->name = device_name_find(r->options.sysfs, major, minor, &r->device_names);
    return device->name;
}

static void fill_device(struct group_reader *r, const struct group_io *from, bool zeros,
                        struct device_row *to)
{
    to->major = from->major;
    to->minor = from->minor;
    to->name = group_device_name(r, from->major, from->minor);
    for (size_t i = 0; i < sizeof io_values / sizeof io_values[0]; i++) {
        uint64_t value = from->values[io_values[i].field];
        if (!((from->given >> io_values[i].field) & 1) || (value == 0 && !zeros) ||
            __builtin_mul_overflow(value, io_values[i].unit, &value))
            continue;
        to->values[io_values[i].metric] = value;
        to->present |= UINT64_C(1) << io_values[i].metric;
    }
}

/* Devices of a v1 group: bytes and counts are in a file each. How many, or a negative errno. */
static int read_blkio(const struct group_round *round, struct group *g, struct group_io io[])
{
    const char *text = NULL;
    size_t length = 0;
    size_t count = 0;
    int result = group_file_read(round->r, g, GROUP_FILE_BLOCK_BYTES_1, &text, &length);
    if (result == 0)
        result = group_parse_blkio(text, length, false, DEVICES_MAX, io, &count);
    if (result < 0)
        return result;
    if (group_file_read(round->r, g, GROUP_FILE_BLOCK_COUNTS_1, &text, &length) == 0 &&
        group_parse_blkio(text, length, true, DEVICES_MAX, io, &count) == -E2BIG)
        return -E2BIG;
    return (int)count;
}

static int read_io_stat(const struct group_round *round, struct group *g, struct group_io io[])
{
    const char *text = NULL;
    size_t length = 0;
    int result = group_file_read(round->r, g, GROUP_FILE_BLOCK_2, &text, &length);
    if (result == 0)
        result = group_parse_io_stat(text, length, DEVICES_MAX, io);
    return result > DEVICES_MAX ? -E2BIG : result;
}

static enum reason fill_block(const struct group_round *round, struct group *g,
                              struct container_row *row)
{
    struct group_reader *r = round->r;
    int tree = r->tree_of[CONTROLLER_BLKIO];
    if (tree < 0)
        return REASON_NO_CONTROLLER;
    bool v1 = r->layout.trees[tree].version == 1;
    if (v1 && r->accounting == BLOCK_ACCOUNTING_OFF)
        return REASON_ACCOUNTING_OFF;
    if (!r->io)
        r->io = alloc_zeroed(DEVICES_MAX, sizeof *r->io);
    int count = v1 ? read_blkio(round, g, r->io) : read_io_stat(round, g, r->io);
    if (count == -ENODATA)
        count = 0;
    if (count < 0)
        return group_row_reason(round, g, v1 ? "blkio.throttle" : "io.stat", count);
    /* v1: a group without I/O and a kernel that does not count look alike. */
    if (count == 0 && v1 && r->accounting != BLOCK_ACCOUNTING_ON)
        return REASON_NOT_GIVEN;
    bool zeros = !v1 || r->block_zeros;
    row->devices = arena_alloc(&r->result.arena, (size_t)count * sizeof *row->devices);
    for (int i = 0; i < count; i++) {
        struct device_row *device = &row->devices[row->device_count];
        *device = (struct device_row){0};
        fill_device(r, &r->io[i], zeros, device);
        row->device_count += device->present != 0;
    }
    if (!zeros && row->device_count == 0)
        return REASON_ACCOUNTING_OFF;
    return REASON_NONE;
}

void group_row_fill_block(const struct group_round *round, struct group *g,
                          struct container_row *row)
{
    group_row_end(row, GROUP_BLOCK_IO, fill_block(round, g, row));
}

static void set_pressure(struct container_row *row, enum container_metric metric, uint64_t us)
{
    uint64_t ns = 0;
    if (!__builtin_mul_overflow(us, NS_PER_US, &ns))
        row_set(row, metric, ns);
}

bool group_row_set_pressure(struct container_row *row, enum container_metric some, const char *text,
                            size_t length, bool stalls)
{
    uint64_t some_us = 0;
    uint64_t full_us = 0;
    bool full = false;
    if (group_parse_pressure(text, length, &some_us, &full, &full_us) < 0)
        return false;
    set_pressure(row, some, some_us);
    if (full && stalls)
        set_pressure(row, some + 1, full_us);
    return true;
}

/* One pressure file; false where there is none. */
static bool fill_one_pressure(const struct group_round *round, struct group *g,
                              enum group_file file, enum container_metric some,
                              struct container_row *row)
{
    const char *text = NULL;
    size_t length = 0;
    return group_file_read(round->r, g, file, &text, &length) == 0 &&
           group_row_set_pressure(row, some, text, length, true);
}

_Static_assert(CONTAINER_PRESSURE_CPU_STALLED == CONTAINER_PRESSURE_CPU_WAITING + 1 &&
                   CONTAINER_PRESSURE_MEMORY_STALLED == CONTAINER_PRESSURE_MEMORY_WAITING + 1 &&
                   CONTAINER_PRESSURE_IO_STALLED == CONTAINER_PRESSURE_IO_WAITING + 1,
               "stalled follows waiting");

void group_row_fill_pressure(const struct group_round *round, struct group *g,
                             struct container_row *row)
{
    bool any = false;
    if (round->r->unified >= 0) {
        any |= fill_one_pressure(round, g, GROUP_FILE_CPU_PRESSURE, CONTAINER_PRESSURE_CPU_WAITING,
                                 row);
        any |= fill_one_pressure(round, g, GROUP_FILE_MEMORY_PRESSURE,
                                 CONTAINER_PRESSURE_MEMORY_WAITING, row);
        any |=
            fill_one_pressure(round, g, GROUP_FILE_IO_PRESSURE, CONTAINER_PRESSURE_IO_WAITING, row);
    }
    group_row_end(row, GROUP_PRESSURE, any ? REASON_NONE : REASON_NO_PRESSURE);
}
