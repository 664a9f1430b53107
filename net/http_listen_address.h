/* How a listen address is written, as http_server_listen has it. Pure; private to net. Documents:
 * RFC 3986 section 3.2.2 (brackets), RFC 4007 section 11 (zones), unix(7) (sun_path). */
#ifndef WEIR_NET_HTTP_LISTEN_ADDRESS_H
#define WEIR_NET_HTTP_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#define HTTP_LISTEN_HOST_MAX  255 /* bytes, RFC 1035 section 2.3.4 */
#define HTTP_LISTEN_GROUP_MAX 255 /* bytes; groupadd allows 32, directory services more */
#define HTTP_LISTEN_PATH_MAX  (sizeof((struct sockaddr_un *)0)->sun_path - 1) /* bytes, no NUL */
#define HTTP_LISTEN_MODE      0660 /* of a socket file: its owner and its group */

struct http_listen_address {
    char path[HTTP_LISTEN_PATH_MAX + 1]; /* of a unix socket; "" for IPv4 and IPv6 */
    mode_t mode;
    char group[HTTP_LISTEN_GROUP_MAX + 1]; /* "": the process's */
    char host[HTTP_LISTEN_HOST_MAX + 1];   /* without brackets; "" means all addresses */
    bool is_six;                           /* it is an IPv6 address, perhaps with a zone */
    uint16_t port;
};

/* NULL, or what is wrong: the rest of a sentence that begins with the address. */
const char *http_listen_parse(const char *text, struct http_listen_address *ret);

#endif
