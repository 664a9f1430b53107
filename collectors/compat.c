/* What it knows: nothing yet. */
#include "collectors/compat.h"

void compat_add_points(const struct part *const parts[], size_t count, struct part *own)
{
    (void)parts;
    (void)count;
    (void)own;
}
