/* The headers of a request that come from files: passwords and tokens, read again when a file
 * changes. Blocking: on the queue's thread. Document: systemd.exec(5), "Credentials". */
#ifndef WEIR_EXPORTERS_PUSH_SECRETS_H
#define WEIR_EXPORTERS_PUSH_SECRETS_H

struct buf;
struct err;
struct push_secrets; /* opaque */

struct push_secrets_options {
    const char *username;          /* basic authentication, or NULL */
    const char *username_file;     /* in its place, or NULL */
    const char *password_file;     /* NULL: without a password */
    const char *bearer_token_file; /* or NULL; not with one of the others */
    /* $CREDENTIALS_DIRECTORY, where names that do not begin with / are looked for; NULL: there is
     * none. */
    const char *credentials_directory;
};

/* Copies the options and reads the files once: their content without the last line's end. A file
 * that others than its owner and group may read, write or search is refused (-EACCES), as are
 * control characters (-EINVAL), with the mend. 0 or a negative errno. NULL in `*ret` where nothing
 * is asked for. */
int push_secrets_new(const struct push_secrets_options *options, struct err *e,
                     struct push_secrets **ret);
/* Appends the value of the header Authorization; nothing for NULL. Files that have changed (device,
 * inode, size, times) are read again; when that fails the value read before is given, with a
 * negative errno and the sentence. */
int push_secrets_authorization(struct push_secrets *s, struct buf *ret, struct err *e);
/* Overwrites and frees. NULL is allowed. */
void push_secrets_free(struct push_secrets *s);

#endif
