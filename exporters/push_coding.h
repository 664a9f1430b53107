/* Bodies compressed and back. libsnappy is opened (dlopen) when it is first used and not before: it
 * is C++ and costs memory. Documents: format_description.txt of Snappy, RFC 1952. */
#ifndef WEIR_EXPORTERS_PUSH_CODING_H
#define WEIR_EXPORTERS_PUSH_CODING_H

#include "exporters/push_format.h"

#include <stddef.h>

struct buf;
struct err;

/* Can this coding be used here? 0; -ENOENT: libsnappy cannot be opened (the sentence names the
 * package), which the next call tries again; -EINVAL: no such coding. Any thread, as all of
 * these. */
int push_coding_check(enum push_coding coding, struct err *e);
/* Appends `length` bytes, coded; the same bytes always give the same. -EMSGSIZE, -ENOMEM; -ENOENT
 * as above. */
int push_compress(enum push_coding coding, const char *bytes, size_t length, struct buf *ret);
/* And back; `ret`'s maximum bounds the result, and no more memory is taken than the bytes can hold.
 * -EBADMSG: damaged, or no such coding; -EMSGSIZE, -ENOMEM; -ENOENT as above. */
int push_decompress(enum push_coding coding, const char *bytes, size_t length, struct buf *ret);

#endif
