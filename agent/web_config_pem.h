/* Certificates and keys, inline or in files. Private to web_config. */
#ifndef WEIR_AGENT_WEB_CONFIG_PEM_H
#define WEIR_AGENT_WEB_CONFIG_PEM_H

#include "agent/web_config_reader.h"

/* A pair of keys X and X_file, of which the file counts when both are there. */
struct web_pem {
    const char *name;
    const struct web_text *text;
    const char *file_name;
    const struct web_text *file;
    bool secret; /* a key, which only weir should be able to read */
};

/* Leaves `ret` as it is when nothing is given. 0 or a negative errno, as all that reads. */
int web_read_pem(struct web_reader *r, const struct web_pem *p, struct tls_pem *ret);

#endif
