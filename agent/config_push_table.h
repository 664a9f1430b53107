/* The keys of one destination, as a table of options, and what their texts may look like. Private
 * to the configuration. */
#ifndef WEIR_AGENT_CONFIG_PUSH_TABLE_H
#define WEIR_AGENT_CONFIG_PUSH_TABLE_H

#include "agent/config_table.h"

#define PUSH_DESTINATIONS_MAX 8 /* each has a thread, and TasksMax= of the unit is 32 */

#define PUSH_INTERVAL_LEAST_MS 100 /* what tests want */
#define PUSH_INTERVAL_MOST_MS  3600000
#define PUSH_QUEUE_LEAST_BYTES (UINT64_C(64) << 10) /* a round of a small host */
#define PUSH_QUEUE_MOST_BYTES  (UINT64_C(1) << 40)

#define PUSH_URL_ALLOWED    "http://HOST[:PORT]/PATH, https://HOST[:PORT]/PATH"
#define PUSH_SECRET_ALLOWED "an absolute path, or the name of a systemd credential"

#define PUSH_PROTOCOL_FIRST 1 /* enum push_format begins with it */
extern const char *const push_protocol_words[];

extern const struct option_table push_table; /* of struct push_destination */

/* Where in the table a key is that is in it. */
size_t push_key_index(const char *name);
/* Was that key of the table written? */
bool push_was_given(const struct push_destination *d, const char *name);
/* A word that others use for a key at the section `path` of a destination ("" the whole of it), and
 * what to suggest for it; NULL ends the list. */
struct push_alias {
    const char *path;
    const char *word;
    const char *label;
};
extern const struct push_alias push_aliases[];

/* Checks of texts, as those of config_check.h. */
const char *check_push_url(const char *value);
const char *check_push_proxy(const char *value);
/* The name of a destination. */
const char *check_push_name(const char *value);
/* A file with a secret, or a systemd credential. */
const char *check_push_secret(const char *value);
const char *check_push_username(const char *value);
const char *check_push_header_name(const char *value);
const char *check_push_header_value(const char *value);
/* Of any protocol's external labels. */
const char *check_push_label_name(const char *value);
/* NAME=VALUE as the flag has it. */
const char *check_push_label(const char *value);

/* Where the authority of a checked URL is, without user; what follows it is the path. */
struct push_url {
    bool https;
    const char *host; /* with the brackets of IPv6 */
    size_t host_length;
    const char *port; /* NULL: the scheme's */
    size_t port_length;
    const char *path; /* "" without */
};
struct push_url push_url_split(const char *url);

#endif
