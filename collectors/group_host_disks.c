/* What it knows: which of the host's block devices are disks, and what the kernel counts of them
 * beside what control groups do. Bytes and operations stay with the root group's own files: these
 * are other counters. Documents: Documentation/admin-guide/iostats.rst; sysfs(5), /sys/block. */
#include "collectors/group_device.h"

#include "base/err.h"
#include "collectors/group_files.h"
#include "collectors/group_parse_disks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Counters go out as the kernel has them: those of times start at 0 again after 2^32 ms (50 days of
 * one request at a time), which Prometheus takes for a restart, as it does that of the host. */
static const struct {
    enum group_disk_field field;
    enum device_metric metric;
} disk_values[] = {
    {GROUP_DISK_SECTOR_READS, DEVICE_SECTOR_READS},
    {GROUP_DISK_SECTOR_WRITES, DEVICE_SECTOR_WRITES},
    {GROUP_DISK_READS_MERGED, DEVICE_READS_MERGED},
    {GROUP_DISK_WRITES_MERGED, DEVICE_WRITES_MERGED},
    {GROUP_DISK_READ_TIME, DEVICE_READ_TIME},
    {GROUP_DISK_WRITE_TIME, DEVICE_WRITE_TIME},
    {GROUP_DISK_IO_CURRENT, DEVICE_IO_CURRENT},
    {GROUP_DISK_IO_TIME, DEVICE_IO_TIME},
    {GROUP_DISK_IO_TIME_WEIGHTED, DEVICE_IO_TIME_WEIGHTED},
};

/* Some kernels wrote -1 requests as 32 bits; no disk has as many as that. */
#define IO_CURRENT_MAX INT32_MAX

/* Memory, files and optical media that are block devices too, by their drivers' names. */
static bool is_no_disk(const char *name, size_t length)
{
    static const char *const drivers[] = {"loop", "ram", "sr", "zram"};
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        size_t begin = strlen(drivers[i]);
        if (length > begin && memcmp(name, drivers[i], begin) == 0 && name[begin] >= '0' &&
            name[begin] <= '9')
            return true;
    }
    return false;
}

/* Partitions are not in SYSFS/block. */
static bool is_in_sysfs(const struct group_reader *r, const struct group_disk *disk)
{
    char path[PATH_MAX];
    struct stat st;
    int begin = snprintf(path, sizeof path, "%s/block/", r->options.sysfs);
    if (begin < 0 || (size_t)begin + disk->name_length >= sizeof path)
        return false;
    memcpy(path + begin, disk->name, disk->name_length);
    path[(size_t)begin + disk->name_length] = '\0';
    for (char *c = path + begin; *c != '\0'; c++)
        if (*c == '/') /* cciss/c0d0, which sysfs calls cciss!c0d0 */
            *c = '!';
    return lstat(path, &st) == 0;
}

/* A disk that is shown; looked up once a walk. */
static bool is_disk(struct group_reader *r, const struct group_disk *disk)
{
    if (disk->major == 0) /* a path to a disk of several, which has the number */
        return false;
    struct named_device *device = group_device(r, disk->major, disk->minor);
    if (!device->judged) {
        device->disk = !is_no_disk(disk->name, disk->name_length) && is_in_sysfs(r, disk);
        device->judged = true;
    }
    return device->disk;
}

static struct device_row *device_of(struct container_row *row, uint32_t major, uint32_t minor)
{
    for (size_t i = 0; i < row->device_count; i++)
        if (row->devices[i].major == major && row->devices[i].minor == minor)
            return &row->devices[i];
    return NULL;
}

static bool did_nothing(const struct group_disk *disk)
{
    for (size_t i = 0; i < GROUP_DISK_FIELDS; i++)
        if (disk->values[i] != 0)
            return false;
    return true;
}

/* Sets what a line says on the row's device, for a new one of which there is room. */
static void take_disk(struct group_reader *r, const struct group_disk *disk,
                      struct container_row *row)
{
    struct device_row *device = device_of(row, disk->major, disk->minor);
    if (!device && did_nothing(disk)) /* a drive without a medium, a network disk not connected */
        return;
    if (!device) {
        device = &row->devices[row->device_count++];
        *device = (struct device_row){.major = disk->major, .minor = disk->minor};
        device->name = group_device_name(r, disk->major, disk->minor);
    }
    for (size_t i = 0; i < sizeof disk_values / sizeof disk_values[0]; i++) {
        uint64_t value = disk->values[disk_values[i].field];
        if (disk_values[i].field == GROUP_DISK_IO_CURRENT && value > IO_CURRENT_MAX)
            continue;
        device->values[disk_values[i].metric] = value;
        device->present |= UINT64_C(1) << disk_values[i].metric;
    }
}

static void report(struct group_reader *r, enum reason reason, const char *why)
{
    char text[ERR_TEXT_MAX];
    (void)snprintf(text, sizeof text, "%.200s/diskstats cannot be read: %s", r->options.procfs,
                   why);
    part_add_problem(&r->result.part, reason, "diskstats", text);
}

static size_t count_lines(const char *text, const char *end)
{
    size_t lines = 0;
    for (; (text = memchr(text, '\n', (size_t)(end - text))); text++)
        lines++;
    return lines;
}

static void take_lines(struct group_reader *r, const char *text, size_t length,
                       struct container_row *row)
{
    const char *const end = text + length;
    size_t most = row->device_count + count_lines(text, end);
    struct device_row *devices = arena_alloc(&r->result.arena, most * sizeof *devices);
    bool understood = length == 0;
    if (row->device_count > 0)
        memcpy(devices, row->devices, row->device_count * sizeof *devices);
    row->devices = devices;
    for (const char *line = text; line < end;) {
        struct group_disk disk;
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline)
            break;
        if (group_parse_disk(line, newline, &disk) == 0) {
            understood = true;
            if (is_disk(r, &disk))
                take_disk(r, &disk, row);
        }
        line = newline + 1;
    }
    if (!understood)
        report(r, REASON_MALFORMED, "its text is not what the kernel writes");
}

void group_host_fill_disks(const struct group_round *round, struct container_row *row)
{
    struct group_reader *r = round->r;
    char path[PATH_MAX];
    const char *text = NULL;
    size_t length = 0;
    (void)snprintf(path, sizeof path, "%s/diskstats", r->options.procfs);
    int result = group_path_read(r, AT_FDCWD, path, &text, &length);
    if (result == -ENOENT) /* a kernel without block devices */
        return;
    if (result < 0) {
        bool denied = result == -EACCES || result == -EPERM;
        report(r, denied ? REASON_PERMISSION_DENIED : REASON_MALFORMED, strerror(-result));
        return;
    }
    take_lines(r, text, length, row);
    if (row->device_count > 0)
        group_row_end(row, GROUP_BLOCK_IO, REASON_NONE);
}
