/* What it knows: the commands. */
#include "agent/agent.h"
#include "agent/check.h"
#include "agent/config.h"
#include "agent/config_notice.h"
#include "agent/log.h"
#include "agent/version.h"
#include "base/buf.h"
#include "base/err.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HELP_MAX_BYTES (256 * 1024)
/* Bytes from which memory is the kernel's again as soon as it is freed. glibc's own threshold grows
 * with every body that is freed, and then bodies lie in the heap and cut it up: after slow readers
 * weir kept twice what it needs. mallopt(3). */
#define OWN_PAGES_BYTES (128 * 1024)

static int fail(const struct err *e)
{
    (void)fprintf(stderr, "weir: %s\n", e->text);
    return EXIT_FAILURE;
}

/* Prints and frees it. A reader that went away is the reader's business. */
static int print(struct buf *text)
{
    size_t written = text->length > 0 ? fwrite(text->data, 1, text->length, stdout) : 0;
    int r = written == text->length && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    buf_done(text);
    return r;
}

static int print_generated(const struct config *config)
{
    struct buf text;
    struct log log;
    log_init(&log, config->log_level, config->log_format);
    config_notices_log(config, &log);
    buf_init(&text, HELP_MAX_BYTES);
    int r = config->command == COMMAND_HELP ? config_help(&text) : config_print(config, &text);
    if (r < 0) {
        buf_done(&text);
        return EXIT_FAILURE;
    }
    return print(&text);
}

static int run_check(const struct config *config)
{
    struct err e = {0};
    struct buf text;
    bool well = false;
    if (check_run(config, environ, &text, &well, &e) < 0) {
        buf_done(&text);
        return fail(&e);
    }
    int status = print(&text);
    return well ? status : EXIT_FAILURE;
}

static int run_command(const struct config *config, int argc, char *const argv[])
{
    struct err e = {0};
    struct buf text;
    switch (config->command) {
    case COMMAND_HELP:
    case COMMAND_CONFIG:
        return print_generated(config);
    case COMMAND_VERSION:
        (void)printf("weir %s (revision %s, %s)\n", WEIR_VERSION, WEIR_REVISION, WEIR_COMPILER);
        return EXIT_SUCCESS;
    case COMMAND_SCRAPE:
        if (agent_scrape_once(config, environ, &text, &e) < 0) {
            buf_done(&text);
            return fail(&e);
        }
        return print(&text);
    case COMMAND_CHECK:
        return run_check(config);
    case COMMAND_RUN:
        return agent_run(config, argc, argv, environ, &e) < 0 ? fail(&e) : EXIT_SUCCESS;
    }
    return EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
    struct err e = {0};
    struct config config;
    (void)signal(SIGHUP, SIG_IGN);                    /* until there is something to read again */
    (void)mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES); /* fails for numbers past the largest */
    if (config_load(argc, argv, environ, &e, &config) < 0)
        return fail(&e);
    if (config.command != COMMAND_RUN)
        (void)signal(SIGHUP, SIG_DFL);
    int status = run_command(&config, argc, argv);
    config_done(&config);
    return status;
}
