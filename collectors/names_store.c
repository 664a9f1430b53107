/* What it knows: where remembered names are kept and how the file is replaced. Documents:
 * rename(2), flock(2), random(4) for the id of a boot. What is in it: names_store_read.c and
 * _write.c. */
#include "collectors/names_store.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/text.h"
#include "collectors/collector.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_NAME "names.jsonl"
#define NEW_NAME  "names.jsonl.new"

/* FNV-1a of the text and its end. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    const uint64_t prime = UINT64_C(1099511628211);
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * prime;
    return (hash ^ 0xff) * prime;
}

/* The end of a list counts too: what moves from one to the next is another rule. */
static uint64_t hash_list(uint64_t hash, const struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        hash = hash_text(hash, list->items[i]);
    return hash_text(hash, "");
}

struct names_store_terms names_store_terms_now(const struct collector_options *options)
{
    struct names_store_terms terms = {.boot_id = ""};
    char *path = alloc_format("%s/sys/kernel/random/boot_id", options->procfs);
    struct buf text;
    buf_init(&text, sizeof terms.boot_id - 1);
    if (fs_read_file(path, &text) == 0 && text.length > 0)
        (void)snprintf(terms.boot_id, sizeof terms.boot_id, "%.*s", (int)strcspn(text.data, "\n"),
                       text.data);
    buf_done(&text);
    free(path);
    uint64_t hash = hash_list(UINT64_C(14695981039346656037), &options->label_allow);
    hash = hash_list(hash, &options->include);
    hash = hash_list(hash, &options->exclude);
    hash = hash_text(hash, options->kubernetes_labels ? "kubernetes-labels" : "");
    (void)snprintf(terms.rules, sizeof terms.rules, "%016" PRIx64, hash);
    return terms;
}

static int refuse_file(struct err *e, int code, const char *directory, const char *why)
{
    return err_set(e, code,
                   "the names remembered in %.120s/" FILE_NAME " are not used: %s; they are learnt "
                   "and written anew",
                   directory, why);
}

int names_store_load(const char *directory, const struct names_store_terms *terms, uint64_t now_ns,
                     struct inventory *v, struct err *e)
{
    struct err broken = {0};
    struct buf text;
    char *path = alloc_format("%s/" FILE_NAME, directory);
    buf_init(&text, NAMES_STORE_MAX_BYTES);
    int r = fs_read_file(path, &text);
    free(path);
    if (r == 0)
        r = names_store_decode(text.data ? text.data : "", text.length, terms, now_ns, v, &broken);
    buf_done(&text);
    if (r == 0 || r == -ENOENT)
        return 0;
    if (r == -EMSGSIZE)
        return refuse_file(e, r, directory, "the file is larger than 64 MiB");
    return refuse_file(e, r, directory, broken.code ? broken.text : strerror(-r));
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        length -= (size_t)written;
    }
    /* Before the rename: else a power cut may leave an empty file in the place of the old one. */
    return fdatasync(fd) < 0 ? -errno : 0;
}

static int write_new(int directory, const char *bytes, size_t length)
{
    if (unlinkat(directory, NEW_NAME, 0) < 0 && errno != ENOENT) /* of one that was killed */
        return -errno;
    CLEANUP_FD int fd =
        openat(directory, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : write_all(fd, bytes, length);
}

int names_store_save(const char *directory, const char *bytes, size_t length, struct err *e)
{
    CLEANUP_FD int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -errno : 0;
    /* Let go of with the descriptor; held by one process that writes the new file. */
    if (r == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        r = errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (r == -EBUSY)
        return err_set(e, r, "another weir is writing names in %.120s; give each a --state-dir",
                       directory);
    bool ours = r == 0;
    r = r < 0 ? r : write_new(fd, bytes, length);
    if (r == 0 && renameat(fd, NEW_NAME, fd, FILE_NAME) < 0)
        r = -errno;
    if (r < 0 && ours)
        (void)unlinkat(fd, NEW_NAME, 0); /* half a file helps nobody; the next save tries again */
    if (r < 0)
        return err_set_errno(e, r,
                             "names cannot be remembered in %.120s: let weir write there, or give "
                             "another --state-dir",
                             directory);
    return 0;
}
