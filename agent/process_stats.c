/* What it knows: where the kernel says what a process uses. Document: proc(5), getrusage(2). */
#include "agent/process_stats.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/snapshot.h"
#include "base/text.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROC_FILE_MAX_BYTES 8192 /* statm and status are far below */

static uint64_t timeval_ns(const struct timeval *t)
{
    return (uint64_t)t->tv_sec * NS_PER_SECOND + (uint64_t)t->tv_usec * 1000;
}

static void add_rusage(struct part *part)
{
    struct rusage usage;
    struct rlimit limit;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        part_add_point(part, AGENT_PROCESS_CPU,
                       timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime), NULL);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        part_add_point(part, AGENT_PROCESS_MAX_FDS, limit.rlim_cur, NULL);
}

/* "size resident ..." in pages. */
static void add_statm(struct part *part)
{
    struct buf text;
    uint64_t size = 0;
    uint64_t resident = 0;
    buf_init(&text, PROC_FILE_MAX_BYTES);
    if (fs_read_file("/proc/self/statm", &text) == 0 && text.length > 0) {
        const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        size_t first = strcspn(text.data, " ");
        const char *second = text.data + first + 1;
        if (text_parse_u64(text.data, first, &size) == 0)
            part_add_point(part, AGENT_PROCESS_VIRTUAL, size * page, NULL);
        if (text.data[first] == ' ' && text_parse_u64(second, strcspn(second, " "), &resident) == 0)
            part_add_point(part, AGENT_PROCESS_RESIDENT, resident * page, NULL);
    }
    buf_done(&text);
}

static void add_threads(struct part *part)
{
    struct buf text;
    uint64_t threads = 0;
    buf_init(&text, PROC_FILE_MAX_BYTES);
    if (fs_read_file("/proc/self/status", &text) == 0 && text.length > 0) {
        const char *line = strstr(text.data, "\nThreads:");
        const char *number = line ? line + strlen("\nThreads:") : "";
        number += strspn(number, " \t");
        if (text_parse_u64(number, strcspn(number, "\n"), &threads) == 0)
            part_add_point(part, AGENT_PROCESS_THREADS, threads, NULL);
    }
    buf_done(&text);
}

/* Reading the directory costs as much as reading a container for every 70 descriptors; from
 * Linux 6.2 on its size is their number. */
static bool count_descriptors(uint64_t *ret_count)
{
    struct stat st;
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0) {
        *ret_count = (uint64_t)st.st_size;
        return true;
    }
    DIR *directory = opendir("/proc/self/fd");
    uint64_t count = 0;
    if (!directory)
        return false;
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        if (entry->d_name[0] != '.')
            count++;
    (void)closedir(directory);
    *ret_count = count - 1; /* less the one that counted */
    return true;
}

static void add_descriptors(struct part *part)
{
    uint64_t count = 0;
    if (count_descriptors(&count))
        part_add_point(part, AGENT_PROCESS_FDS, count, NULL);
}

void process_stats_add(struct part *part, uint64_t started_ms)
{
    add_rusage(part);
    add_statm(part);
    add_descriptors(part);
    add_threads(part);
    part_add_point(part, AGENT_PROCESS_START, started_ms, NULL);
}
