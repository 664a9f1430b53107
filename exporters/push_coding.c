/* What it knows: where libsnappy is and which of its functions are used, and how large what is
 * unpacked may be at most. libsnappy stays mapped once opened: the C++ library that comes with it
 * leaves handlers behind. Documents: format_description.txt of Snappy, snappy-c.h, RFC 1952,
 * libdeflate.h, dlopen(3). */
#include "exporters/push_coding.h"

#include "base/buf.h"
#include "base/err.h"
#include "exporters/gzip.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <libdeflate.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdbool.h>
#include <stdint.h>

#define SNAPPY_LIBRARY "libsnappy.so.1" /* the ABI of all of Snappy 1 */
#define SNAPPY_MOST    UINT32_MAX       /* bytes: what the length before a block can say */

/* RFC 1952 section 2.3.1: the last four bytes of a member are its content's length, the least
 * significant first. */
#define GZIP_LENGTH_SIZE 4
#define GZIP_LEAST       18 /* bytes: header and trailer */
/* Deflate makes at most 258 bytes of two bits, so a length of more is damaged. */
#define DEFLATE_RATIO_MOST 1032

#define SNAPPY_LIST(F)       \
    F(compress)              \
    F(uncompress)            \
    F(max_compressed_length) \
    F(uncompressed_length)   \
    F(validate_compressed_buffer)

#define SNAPPY_MEMBER(name) __typeof__(snappy_##name) *name;

/* A void pointer of dlsym(3) is a function's address on POSIX. */
#define SNAPPY_FIND(name)                                                      \
    found.name = (__typeof__(snappy_##name) *)dlsym(library, "snappy_" #name); \
    if (!found.name)                                                           \
        missing = "snappy_" #name;

struct snappy {
    SNAPPY_LIST(SNAPPY_MEMBER)
};

/* Written once, under the lock; not under pthread_once, since libsnappy may be installed between
 * two attempts. */
static struct {
    pthread_mutex_t lock;
    bool is_open;
    struct snappy functions;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int open_snappy(struct err *e)
{
    void *library = dlopen(SNAPPY_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return err_set(e, -ENOENT,
                       "remote write needs libsnappy, and it cannot be opened (%.120s): install "
                       "it, e.g. apt install libsnappy1v5",
                       dlerror());
    struct snappy found = {0};
    const char *missing = NULL;
    SNAPPY_LIST(SNAPPY_FIND)
    if (missing)
        return err_set(e, -ENOENT,
                       SNAPPY_LIBRARY " has no function %s: it is not one weir can use; install "
                                      "the distribution's own, e.g. apt install libsnappy1v5",
                       missing);
    table.functions = found;
    table.is_open = true;
    return 0;
}

static int snappy_load(struct err *e)
{
    (void)pthread_mutex_lock(&table.lock);
    int r = table.is_open ? 0 : open_snappy(e);
    (void)pthread_mutex_unlock(&table.lock);
    return r;
}

int push_coding_check(enum push_coding coding, struct err *e)
{
    switch (coding) {
    case PUSH_PLAIN:
    case PUSH_GZIP:
        return 0;
    case PUSH_SNAPPY:
        return snappy_load(e);
    }
    return err_set(e, -EINVAL, "%u is no coding that weir knows", (unsigned)coding);
}

static int snappy_pack(const char *bytes, size_t length, struct buf *ret)
{
    int r = snappy_load(NULL);
    if (r < 0)
        return r;
    if (length > SNAPPY_MOST)
        return -EMSGSIZE;
    /* Larger than the input, and pages that are not written cost nothing; what is kept is a copy of
     * the right size. */
    size_t packed = table.functions.max_compressed_length(length);
    __attribute__((cleanup(buf_done))) struct buf scratch;
    buf_init(&scratch, packed);
    if (buf_reserve(&scratch, packed) < 0)
        return -ENOMEM;
    snappy_status status = table.functions.compress(bytes, length, scratch.data, &packed);
    assert(status == SNAPPY_OK); /* there was room for the worst */
    return buf_add(ret, scratch.data, packed);
}

int push_compress(enum push_coding coding, const char *bytes, size_t length, struct buf *ret)
{
    switch (coding) {
    case PUSH_PLAIN:
        return buf_add(ret, bytes, length);
    case PUSH_GZIP:
        return gzip_compress(bytes, length, ret);
    case PUSH_SNAPPY:
        return snappy_pack(bytes, length, ret);
    }
    assert(false && "push_coding_check refuses it");
    return -EINVAL;
}

/* Takes `length` bytes of those that were written behind the content: all, or none. */
static int end_unpack(struct buf *b, bool well, size_t length)
{
    b->length += well ? length : 0;
    b->data[b->length] = '\0';
    return well ? 0 : -EBADMSG;
}

/* The block is looked through before memory is taken for what its header says. */
static int snappy_unpack(const char *bytes, size_t length, struct buf *ret)
{
    int r = snappy_load(NULL);
    if (r < 0)
        return r;
    size_t room = 0;
    if (table.functions.uncompressed_length(bytes, length, &room) != SNAPPY_OK ||
        table.functions.validate_compressed_buffer(bytes, length) != SNAPPY_OK)
        return -EBADMSG;
    r = buf_reserve(ret, room);
    if (r < 0)
        return r;
    snappy_status status =
        table.functions.uncompress(bytes, length, ret->data + ret->length, &room);
    return end_unpack(ret, status == SNAPPY_OK, room);
}

static void free_decompressor(struct libdeflate_decompressor **d)
{
    libdeflate_free_decompressor(*d);
}

static size_t gzip_length(const char *bytes, size_t length)
{
    size_t result = 0;
    for (unsigned i = 1; i <= GZIP_LENGTH_SIZE; i++)
        result = result << 8 | (uint8_t)bytes[length - i];
    return result;
}

/* One member and nothing behind it, as gzip_compress makes them. */
static int gzip_unpack(const char *bytes, size_t length, struct buf *ret)
{
    if (length < GZIP_LEAST)
        return -EBADMSG;
    size_t room = gzip_length(bytes, length);
    if (room / DEFLATE_RATIO_MOST > length)
        return -EBADMSG;
    int r = buf_reserve(ret, room);
    if (r < 0)
        return r;
    __attribute__((cleanup(free_decompressor))) struct libdeflate_decompressor *decompressor =
        libdeflate_alloc_decompressor();
    if (!decompressor)
        return -ENOMEM;
    size_t taken = 0;
    size_t given = 0;
    enum libdeflate_result result = libdeflate_gzip_decompress_ex(
        decompressor, bytes, length, ret->data + ret->length, room, &taken, &given);
    bool well = result == LIBDEFLATE_SUCCESS && taken == length && given == room;
    return end_unpack(ret, well, room);
}

int push_decompress(enum push_coding coding, const char *bytes, size_t length, struct buf *ret)
{
    switch (coding) {
    case PUSH_PLAIN:
        return buf_add(ret, bytes, length);
    case PUSH_GZIP:
        return gzip_unpack(bytes, length, ret);
    case PUSH_SNAPPY:
        return snappy_unpack(bytes, length, ret);
    }
    return -EBADMSG; /* the number comes from a file */
}
