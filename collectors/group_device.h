/* The block devices of a host: what they are called, and what is known of them beside control
 * groups' files. */
#ifndef WEIR_COLLECTORS_GROUP_DEVICE_H
#define WEIR_COLLECTORS_GROUP_DEVICE_H

#include "collectors/group_row.h"

/* What is kept of a device until the next walk. Valid until the next call. */
struct named_device *group_device(struct group_reader *r, uint32_t major, uint32_t minor);
/* Its name, which lives as long. */
const char *group_device_name(struct group_reader *r, uint32_t major, uint32_t minor);
/* What /proc/diskstats says of the host's disks, onto the row of "/". Where its block I/O was
 * absent it is given then. */
void group_host_fill_disks(const struct group_round *round, struct container_row *row);

#endif
