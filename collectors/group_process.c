/* What it knows: nothing yet. */
#include "collectors/group_row.h"

void group_process_fill(const struct group_round *round, struct group *g, struct container_row *row)
{
    (void)round;
    (void)g;
    (void)row;
}

void group_process_forget(struct group *g)
{
    (void)g;
}
