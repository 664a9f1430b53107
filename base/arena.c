/* What it knows: blocks of memory and a bump pointer. An arena is small beside what a host has, so
 * an allocation that fails means the process cannot go on: it ends with a message instead of a
 * half-built snapshot. */
#include "base/arena.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_FIRST_BLOCK 4096 /* bytes: a snapshot of a few containers */

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) char bytes[];
};

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

static struct arena_block *add_block(struct arena *a, size_t size)
{
    struct arena_block *block = alloc_bytes(sizeof *block + size);
    block->next = a->blocks;
    block->size = size;
    block->used = 0;
    a->blocks = block;
    return block;
}

void arena_done(struct arena *a)
{
    free_blocks(a->blocks);
    *a = (struct arena){.first_block = a->first_block};
}

void arena_reset(struct arena *a)
{
    if (!a->blocks)
        return;
    if (a->blocks->next) {
        size_t total = 0;
        for (const struct arena_block *b = a->blocks; b; b = b->next)
            total += b->size;
        arena_done(a);
        (void)add_block(a, total);
    }
    a->blocks->used = 0;
    a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
    assert(size < SIZE_MAX / 4);
    const size_t unit = _Alignof(max_align_t);
    size_t rounded = (size + unit - 1) & ~(unit - 1);
    struct arena_block *block = a->blocks;
    if (!block || block->size - block->used < rounded) {
        size_t first_size = a->first_block ? a->first_block : ARENA_FIRST_BLOCK;
        size_t next_size = block ? block->size * 2 : first_size;
        block = add_block(a, next_size > rounded ? next_size : rounded);
    }
    void *bytes = block->bytes + block->used;
    block->used += rounded;
    a->used += rounded;
    return memset(bytes, 0, size);
}

char *arena_copy(struct arena *a, const char *bytes, size_t length)
{
    char *copy = arena_alloc(a, length + 1);
    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

char *arena_string(struct arena *a, const char *text)
{
    return text ? arena_copy(a, text, strlen(text)) : NULL;
}

char *arena_format(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(length >= 0);
    char *text = arena_alloc(a, (size_t)length + 1);
    va_start(args, fmt);
    (void)vsnprintf(text, (size_t)length + 1, fmt, args);
    va_end(args);
    return text;
}
