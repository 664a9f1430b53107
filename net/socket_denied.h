/* Why a unix socket may not be used, and what to do about it. Private to net/. */
#ifndef WEIR_NET_SOCKET_DENIED_H
#define WEIR_NET_SOCKET_DENIED_H

struct err;

/* Writes the sentence for `error` (-EACCES, -EPERM) that connect(2) to `path` gave: the group that
 * may, and the commands that let this process in; or the directory that is closed. It asks the user
 * database, which may be slow: the caller keeps the sentence for a while. */
void socket_denied_explain(const char *path, int error, struct err *e);

#endif
