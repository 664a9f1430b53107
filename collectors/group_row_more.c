/* What it knows: nothing yet. */
#include "collectors/group_row.h"

void group_row_fill_more(const struct group_round *round, struct group *g, struct container_row *row)
{
    (void)round;
    (void)g;
    (void)row;
}

void group_host_fill_disks(const struct group_round *round, struct container_row *row)
{
    (void)round;
    (void)row;
}
