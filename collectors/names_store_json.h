/* What writer and reader of remembered names agree on. Shared by names_store_*.c and by nobody
 * else.
 */
#ifndef WEIR_COLLECTORS_NAMES_STORE_JSON_H
#define WEIR_COLLECTORS_NAMES_STORE_JSON_H

#include "collectors/container_identity.h"
#include "collectors/engine_json.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define NAMES_VERSION      1
#define NAMES_LINE_MAX     ((size_t)1 << 20) /* bytes of one container; some KiB are usual */
#define NAMES_ID_MAX       NAME_MAX /* bytes: a container's id is the name of a directory */
#define NAMES_ENGINE_MAX   PATH_MAX /* bytes: unix:// and a path */
#define NAMES_LABEL_PREFIX "container_label_"
#define NAMES_LABEL_MAX    (LABEL_KEY_MAX + sizeof NAMES_LABEL_PREFIX - 1) /* bytes of its name */

/* Names are kept byte by byte, whatever encoding somebody once used for them. */
#define NAMES_READ_FLAGS  YYJSON_READ_ALLOW_INVALID_UNICODE
#define NAMES_WRITE_FLAGS YYJSON_WRITE_ALLOW_INVALID_UNICODE

/* Is it the name of a container's label? */
bool names_is_label(const char *name);

#endif
