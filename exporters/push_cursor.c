/* What it knows: two slots written in turn, so that one of them is whole at any moment. Document:
 * docs/QUEUE.md. */
#include "exporters/push_cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define CURSOR_NAME  "cursor"
#define CURSOR_MAGIC UINT32_C(0x314357f7) /* f7 'W' 'C' '1' */
#define CURSOR_MODE  0600
#define SLOTS        2
#define SLOT_STEP    ((uint64_t)512) /* bytes: a disk's sector, which it writes whole or not */

_Static_assert(PUSH_CURSOR_BYTES == SLOT_STEP * (SLOTS - 1) + PUSH_BLOCK_BYTES, "the last slot");

#define AT_GENERATION 8, 8
#define AT_SEQUENCE   16, 8
#define AT_SAMPLES    24, 8

/* 0; -EBADMSG: the slot is not good; or the negative errno. */
static int read_slot(int fd, uint64_t slot, uint64_t *ret_generation, struct push_position *ret)
{
    struct push_block b;
    int r = push_read_at(fd, &b, sizeof b, slot * SLOT_STEP);
    if (r < 0)
        return r == -ENODATA ? -EBADMSG : r;
    if (!push_block_mend(&b, CURSOR_MAGIC))
        return -EBADMSG;
    const uint64_t generation = push_block_get(&b, AT_GENERATION);
    const struct push_position at = {push_block_get(&b, AT_SEQUENCE),
                                     push_block_get(&b, AT_SAMPLES)};
    if (generation % SLOTS != slot || generation >= PUSH_NUMBER_MAX || at.sequence == 0 ||
        at.sequence >= PUSH_NUMBER_MAX || at.samples >= PUSH_NUMBER_MAX)
        return -EBADMSG;
    *ret_generation = generation;
    *ret = at;
    return 0;
}

int push_cursor_open(struct push_cursor *c, int directory, struct push_position *ret,
                     bool *ret_intact)
{
    push_cursor_close(c);
    int fd = openat(directory, CURSOR_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    *c = (struct push_cursor){.fd = fd};
    unsigned good = 0;
    for (uint64_t slot = 0; slot < SLOTS; slot++) {
        uint64_t generation;
        struct push_position at;
        if (read_slot(fd, slot, &generation, &at) < 0)
            continue;
        if (good == 0 || generation > c->generation) {
            c->generation = generation;
            *ret = at;
        }
        good++;
    }
    *ret_intact = good == SLOTS;
    return good > 0 ? 0 : -EBADMSG;
}

int push_cursor_write(struct push_cursor *c, struct push_position at)
{
    struct push_block b = {0};
    const uint64_t generation = c->generation + 1;
    push_block_put(&b, AT_GENERATION, generation);
    push_block_put(&b, AT_SEQUENCE, at.sequence);
    push_block_put(&b, AT_SAMPLES, at.samples);
    push_block_seal(&b, CURSOR_MAGIC);
    if (c->fd < 0)
        return -EBADF;
    int r = push_write_at(c->fd, &b, sizeof b, generation % SLOTS * SLOT_STEP);
    if (r == 0)
        c->generation = generation;
    return r;
}

int push_cursor_make(struct push_cursor *c, int directory, struct push_position at)
{
    push_cursor_close(c);
    int fd = openat(directory, CURSOR_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                    CURSOR_MODE);
    if (fd < 0)
        return -errno;
    *c = (struct push_cursor){.fd = fd};
    int r = push_cursor_write(c, at);
    if (r == 0)
        r = push_cursor_write(c, at);
    if (r < 0)
        push_cursor_close(c);
    return r;
}

void push_cursor_close(struct push_cursor *c)
{
    if (c->fd >= 0)
        (void)close(c->fd); /* nothing is left to be written: a failed write was reported */
    *c = (struct push_cursor){.fd = -1};
}
