/* What it knows: how the kernel writes what each block device did. Documents:
 * Documentation/admin-guide/iostats.rst; Documentation/ABI/testing/procfs-diskstats. */
#include "collectors/group_parse_disks.h"

#include "collectors/group_parse_number.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* The number behind any blanks, which a blank or the line's end must follow. NULL where there is
 * none. */
static const char *take_number(const char *at, uint64_t *ret)
{
    while (*at == ' ')
        at++;
    const char *after = group_scan_u64(at, ret);
    return after && (*after == ' ' || *after == '\n') ? after : NULL;
}

static const char *take_name(const char *at, const char *newline, struct group_disk *disk)
{
    while (*at == ' ')
        at++;
    const char *blank = memchr(at, ' ', (size_t)(newline - at));
    if (!blank)
        return NULL;
    disk->name = at;
    disk->name_length = (size_t)(blank - at);
    return blank;
}

int group_parse_disk(const char *line, const char *newline, struct group_disk *ret)
{
    struct group_disk disk = {0};
    uint64_t numbers[2] = {0};
    assert(*newline == '\n');
    const char *at = line;
    for (size_t i = 0; i < 2 && at; i++)
        at = take_number(at, &numbers[i]);
    if (!at || numbers[0] > UINT32_MAX || numbers[1] > UINT32_MAX)
        return -EBADMSG;
    disk.major = (uint32_t)numbers[0];
    disk.minor = (uint32_t)numbers[1];
    at = take_name(at, newline, &disk);
    for (size_t i = 0; i < GROUP_DISK_FIELDS && at; i++)
        at = take_number(at, &disk.values[i]);
    if (!at)
        return -EBADMSG;
    *ret = disk;
    return 0;
}
