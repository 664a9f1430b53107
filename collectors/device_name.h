/* What a block device is called. Document: sysfs(5), /sys/dev/block. */
#ifndef WEIR_COLLECTORS_DEVICE_NAME_H
#define WEIR_COLLECTORS_DEVICE_NAME_H

#include "base/arena.h"

#include <stdint.h>

/* "/dev/NAME" by the link SYSFS/dev/block/MAJOR:MINOR; "MAJOR:MINOR" where there is none, or
 * `sysfs` is NULL. In `arena`. */
const char *device_name_find(const char *sysfs, uint32_t major, uint32_t minor,
                             struct arena *arena);

#endif
