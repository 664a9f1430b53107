/* The target of a request line: the part between method and version. Private to net. */
#ifndef WEIR_NET_HTTP_TARGET_H
#define WEIR_NET_HTTP_TARGET_H

#include <stddef.h>

/* Splits `target` in place: at its beginning the path, percent-decoded, at `*ret_query` what comes
 * after '?', as it came; both NUL-terminated. A target with scheme and host is reduced to its path.
 * NULL when it is good, else the sentence that says what is wrong; the target is then half changed.
 */
const char *http_target_split(char *target, size_t *ret_query);

#endif
