/* What the texts of single options may look like. Each takes a value that is not empty and returns
 * NULL when it is good, else the rest of a sentence that begins with the value. */
#ifndef WEIR_AGENT_CONFIG_CHECK_H
#define WEIR_AGENT_CONFIG_CHECK_H

/* [host]:port as http_server_listen takes it. */
/* The path of a URL, without query and fragment. */
const char *check_url_path(const char *value);
/* A tier this version has. */
const char *check_tier(const char *value);
/* Where an engine is: the scheme, and that something follows it. */
const char *check_engine_host(const char *value);
const char *check_absolute_path(const char *value);
/* A group of metrics, weir's or cAdvisor's. */
const char *check_group(const char *value);
/* The same, or "all". */
const char *check_group_or_all(const char *value);
/* field=glob, the field one of name, image, label.KEY. */
const char *check_match(const char *value);

#endif
