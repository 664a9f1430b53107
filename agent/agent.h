/* The whole program around a loop: demand, round, publish, stop. */
#ifndef WEIR_AGENT_AGENT_H
#define WEIR_AGENT_AGENT_H

struct buf;
struct config;
struct err;

/* Serves until SIGTERM or SIGINT; SIGHUP reads the configuration again from `argc`, `argv`,
 * `environment` and the files they name. 0 after a clean stop with every handle closed; a negative
 * errno with the sentence in `e` when it could not start or did not stop cleanly. */
int agent_run(const struct config *config, int argc, char *const argv[], char *const environment[],
              struct err *e);
/* Takes two rounds a second apart, so that rates are there too, and appends the second one's
 * exposition to `ret`. As agent_run. */
int agent_scrape_once(const struct config *config, char *const environment[], struct buf *ret,
                      struct err *e);

#endif
