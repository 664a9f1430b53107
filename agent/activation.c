/* What it knows: systemd's protocol of passed sockets: descriptors from 3 on, their number in
 * $LISTEN_FDS, for the process in $LISTEN_PID. Document: sd_listen_fds(3). */
#include "agent/activation.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_DESCRIPTOR 3 /* SD_LISTEN_FDS_START */

static int parse_variable(const char *name, uint64_t *ret_value)
{
    const char *text = getenv(name);
    return text ? text_parse_u64(text, strlen(text), ret_value) : -ENOENT;
}

int activation_take(struct err *e, int ret_fds[ACTIVATION_MAX], size_t *ret_count)
{
    uint64_t pid = 0;
    uint64_t count = 0;
    int r = parse_variable("LISTEN_PID", &pid);
    if (r == 0)
        r = parse_variable("LISTEN_FDS", &count);
    (void)unsetenv("LISTEN_PID"); /* fails for a name with '=' only */
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    if (r == -EINVAL || r == -ERANGE)
        return err_set(e, -EINVAL, "$LISTEN_PID and $LISTEN_FDS are not numbers");
    if (r < 0 || pid != (uint64_t)getpid() || count == 0)
        return err_set(e, -ENOENT,
                       "web.systemd-socket is set, but no socket was passed: start weir through "
                       "weir.socket, or leave the option out");
    if (count > ACTIVATION_MAX)
        return err_set(e, -E2BIG, "%llu sockets were passed; %d are the most",
                       (unsigned long long)count, ACTIVATION_MAX);
    for (size_t i = 0; i < count; i++)
        ret_fds[i] = FIRST_DESCRIPTOR + (int)i;
    *ret_count = (size_t)count;
    return 0;
}
