/* cAdvisor's command line, so that what starts cAdvisor starts weir: each of its flags is one of
 * weir's, or accepted and told of. Private to the configuration. */
#ifndef WEIR_AGENT_CONFIG_CADVISOR_H
#define WEIR_AGENT_CONFIG_CADVISOR_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct err;
struct flags;
struct nearest;

/* What a flag of cAdvisor's is here. */
enum cadvisor_role {
    CADVISOR_IGNORED,
    CADVISOR_VERSION,
    CADVISOR_PORT,
    CADVISOR_LISTEN_IP,
    CADVISOR_ENDPOINT,
    CADVISOR_PREFIX,
    CADVISOR_DOCKER,
    CADVISOR_PODMAN,
    CADVISOR_DOCKER_ONLY,
    CADVISOR_DOCKER_ROOT,
    CADVISOR_STORE_LABELS,
    CADVISOR_LABELS,
    CADVISOR_DISABLE,
    CADVISOR_ENABLE,
};

struct cadvisor_flag {
    const char *name;    /* without dashes; one that ends in * stands for all that begin so */
    const char *instead; /* what weir has in place of one that is ignored; alike for those that are
                            told of together */
    enum cadvisor_role role;
    bool is_switch; /* Go's: alone, or with =true and the like */
};

/* One as it was given. The texts are argv's or static. */
struct cadvisor_given {
    const struct cadvisor_flag *flag;
    const char *name; /* of `name_length` bytes */
    size_t name_length;
    const char *text; /* of a switch "true" or "false" */
};

struct cadvisor_flags {
    struct cadvisor_given *items; /* owned, in the order given */
    size_t count;
    const char *program; /* cAdvisor's path as a word of its own, argv's; NULL without */
};

/* The flag called `name` (`length` bytes); NULL for none. */
const struct cadvisor_flag *cadvisor_find(const char *name, size_t length);
/* "true" or "false", as Go's strconv.ParseBool reads `text`; NULL where it does not. */
const char *cadvisor_switch(const char *text);
/* Is it the program itself, as a word of a command line? */
bool cadvisor_is_program(const char *word);
/* Offers every name. */
void cadvisor_offer(struct nearest *n);

void cadvisor_add(struct cadvisor_flags *f, const struct cadvisor_given *given);
/* What a flag was given last, as Go has it; NULL without. */
const char *cadvisor_text(const struct cadvisor_flags *f, enum cadvisor_role role);

/* Sets what cAdvisor's flags mean, but for options that have a flag of weir's own in `f`, and notes
 * what is to be told. 0, or -EINVAL with `e`. */
int cadvisor_apply(const struct flags *f, struct config *c, struct err *e);

#endif
