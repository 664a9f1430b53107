/* A bump allocator: many small things that live and die together. */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

/* Zero is an empty arena. It allocates nothing before the first request. */
struct arena {
    struct arena_block *blocks; /* newest first; owned */
    size_t used;                /* bytes handed out since the last reset */
    size_t first_block;         /* size of the first block in bytes; 0: 4096 */
};

/* Frees everything that was handed out. */
void arena_done(struct arena *a);
/* Forgets everything that was handed out and keeps one block, as large as all were together, for
 * the next use. */
void arena_reset(struct arena *a);
/* `size` zeroed bytes, aligned for any type, valid until done or reset. Never NULL: out of memory
 * ends the process. */
void *arena_alloc(struct arena *a, size_t size);
/* A NUL-terminated copy of `length` bytes. */
char *arena_copy(struct arena *a, const char *bytes, size_t length);
/* A copy of `text`; NULL for NULL. */
char *arena_string(struct arena *a, const char *text);
char *arena_format(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
