/* web_config_verdict FILE...: what web_config_load says of each, one line a file: "accepted" or
 * "refused: " and why. For comparisons with other readers of the format. */
#include "agent/web_config.h"
#include "base/err.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct web_config c;
        struct err e = {0};
        if (web_config_load(argv[i], &e, &c) < 0) {
            (void)printf("refused: %s\n", e.text);
            continue;
        }
        (void)printf("accepted\n");
        web_config_done(&c);
    }
    return 0;
}
