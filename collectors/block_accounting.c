/* What it knows: which kernels count the I/O of cgroup v1 groups. Up to 5.15 and from 6.5 to 6.9
 * all of it is counted; from 5.16 to 6.4 only what a throttle limit of the group itself is asked
 * about, so that a zero says nothing; from 6.10 on everything on a disk once some group has a limit
 * for it (and then until the disk goes). The last is seen by the root group, which holds all I/O,
 * so it cannot be at zero while the disks worked. Documents: block/blk-throttle.c;
 * Documentation/admin-guide/cgroup-v1/blkio-controller.rst; Documentation/admin-guide/iostats.rst.
 */
#include "collectors/block_accounting.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_FILE_MAX 1048576 /* bytes: some 8000 disks at 130 bytes a line */
#define READS_FIELD    3       /* of a line of diskstats, counted from 0: reads completed */
#define WRITES_FIELD   7       /* writes completed */

/* Reads a file into `ret`, which the caller gives back. 0, or the negative errno. */
static int read_below(const char *directory, const char *name, struct buf *ret)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return -ENAMETOOLONG;
    return fs_read_file(path, ret);
}

/* The number in field `wanted` of a line; 0 when there is none. */
static uint64_t line_field(const char *line, size_t length, size_t wanted)
{
    size_t at = 0;
    for (size_t field = 0;; field++) {
        while (at < length && line[at] == ' ')
            at++;
        size_t size = 0;
        while (at + size < length && line[at + size] != ' ')
            size++;
        if (size == 0)
            return 0;
        uint64_t value = 0;
        if (field == wanted)
            return text_parse_u64(line + at, size, &value) == 0 ? value : 0;
        at += size;
    }
}

static bool any_disk_worked(const char *text)
{
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (line_field(line, length, READS_FIELD) > 0 || line_field(line, length, WRITES_FIELD) > 0)
            return true;
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    return false;
}

/* The last line, "Total N", sums every device. */
static int parse_total(const char *text, uint64_t *ret_total)
{
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (text_starts_with(line, "Total ")) {
            const size_t begin = strlen("Total ");
            return text_parse_u64(line + begin, length - begin, ret_total);
        }
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    return -EBADMSG;
}

static int read_total(const char *sysfs, uint64_t *ret_total)
{
    static const char *const files[] = {"fs/cgroup/blkio/blkio.throttle.io_service_bytes_recursive",
                                        "fs/cgroup/blkio/blkio.throttle.io_service_bytes"};
    int r = -ENOENT;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && r < 0; i++) {
        struct buf text;
        buf_init(&text, BLOCK_FILE_MAX);
        r = read_below(sysfs, files[i], &text);
        if (r == 0)
            r = parse_total(text.data ? text.data : "", ret_total);
        buf_done(&text);
    }
    return r;
}

enum block_accounting block_accounting_read(const char *procfs, const char *sysfs)
{
    uint64_t total = 0;
    if (read_total(sysfs, &total) < 0)
        return BLOCK_ACCOUNTING_UNKNOWN;
    if (total > 0)
        return BLOCK_ACCOUNTING_ON;
    struct buf text;
    buf_init(&text, BLOCK_FILE_MAX);
    int r = read_below(procfs, "diskstats", &text);
    bool worked = r == 0 && any_disk_worked(text.data ? text.data : "");
    buf_done(&text);
    return worked ? BLOCK_ACCOUNTING_OFF : BLOCK_ACCOUNTING_UNKNOWN;
}

bool block_accounting_zero_counts(const char *release)
{
    uint64_t version[2] = {0};
    for (size_t i = 0; i < 2; i++) {
        size_t digits = strspn(release, "0123456789");
        if (text_parse_u64(release, digits, &version[i]) < 0)
            return true;
        release += digits + (release[digits] == '.' ? 1 : 0);
    }
    bool before = version[0] < 5 || (version[0] == 5 && version[1] < 16);
    bool after = version[0] > 6 || (version[0] == 6 && version[1] >= 5);
    return before || after;
}
