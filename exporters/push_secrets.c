/* What it knows: which files make the header Authorization, when one has changed, and who may read
 * it. A secret is in no memory that is given back without having been overwritten. Documents: RFC
 * 7617 (Basic), RFC 6750 section 2.1 (Bearer), RFC 4648 section 4 (base64), systemd.exec(5). */
#include "exporters/push_secrets.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECRET_MOST 16384 /* bytes: tokens with many claims have some thousand */
/* Seconds: times of files are those of the kernel's tick, so a file that was changed just now may
 * be changed again without its times saying so. */
#define SETTLED_AFTER 2

#define GROUP_BYTES 3 /* of base64 become GROUP_CHARS */
#define GROUP_CHARS 4
#define CHAR_BITS   6
#define CHAR_MASK   63u

/* The value of the header, or of a part of it, from a file or from the options. */
struct secret {
    const char *what; /* "password file", for sentences */
    char *path;       /* owned; NULL: `value` does not change */
    struct stat seen; /* when it was read; zero: to be read again in any case */
    char *value;      /* owned; NULL: not there yet */
    size_t length;
    bool is_user;
};

struct push_secrets {
    struct secret user; /* of Basic; without a value with Bearer */
    struct secret password;
    struct secret token;
};

static void replace_value(struct secret *s, char *value, size_t length)
{
    if (s->value)
        explicit_bzero(s->value, s->length);
    free(s->value);
    s->value = value;
    s->length = length;
}

static void secret_done(struct secret *s)
{
    replace_value(s, NULL, 0);
    free(s->path);
}

/* RFC 7617 section 2 has no control characters in either part, and a header none at all: with a
 * line's end among them the value would be two headers. */
static const char *objection(const struct secret *s, const char *value, size_t length)
{
    if (length == 0)
        return "is empty";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
            return "has a control character or more than one line";
    if (s->is_user && memchr(value, ':', length))
        return "has a colon, which basic authentication cannot send in a user's name";
    return NULL;
}

/* One end of the last line, as editors and echo(1) leave it. */
static size_t without_newline(const char *value, size_t length)
{
    if (length == 0 || value[length - 1] != '\n')
        return length;
    length--;
    return length > 0 && value[length - 1] == '\r' ? length - 1 : length;
}

/* At most SECRET_MOST + 1 bytes, so that more are seen. */
static int read_bytes(int descriptor, char *value, size_t *ret_length)
{
    size_t length = 0;
    while (length <= SECRET_MOST) {
        ssize_t got = read(descriptor, value + length, SECRET_MOST + 1 - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    *ret_length = length;
    return length > SECRET_MOST ? -EMSGSIZE : 0;
}

static int check_mode(const struct secret *s, const struct stat *status, struct err *e)
{
    if (!S_ISREG(status->st_mode))
        return err_set(e, -EINVAL, "the %s %.160s is no regular file: name one", s->what, s->path);
    if ((status->st_mode & S_IRWXO) == 0)
        return 0;
    return err_set(e, -EACCES,
                   "the %s %.100s is open to everybody on this host (mode %04o); chmod o= %.100s "
                   "mends that",
                   s->what, s->path, (unsigned)status->st_mode & 07777u, s->path);
}

static int take_value(struct secret *s, const char *bytes, size_t length, struct err *e)
{
    length = without_newline(bytes, length);
    const char *why = objection(s, bytes, length);
    if (why)
        return err_set(e, -EINVAL, "the %s %.160s %s; write the secret alone into it", s->what,
                       s->path, why);
    replace_value(s, alloc_copy(bytes, length), length);
    return 0;
}

static int tell_unreadable(const struct secret *s, int error, struct err *e)
{
    return err_set_errno(e, error,
                         "the %s %.160s cannot be read: write the right path, or let weir's user "
                         "read it",
                         s->what, s->path);
}

static int take_content(struct secret *s, int descriptor, struct err *e)
{
    char *bytes = alloc_bytes(SECRET_MOST + 1);
    size_t length = 0;
    int r = read_bytes(descriptor, bytes, &length);
    if (r == 0)
        r = take_value(s, bytes, length, e);
    else if (r == -EMSGSIZE)
        (void)err_set(e, r, "the %s %.160s is larger than %d bytes, so it is no secret", s->what,
                      s->path, SECRET_MOST);
    else
        (void)tell_unreadable(s, r, e);
    explicit_bzero(bytes, SECRET_MOST + 1);
    free(bytes);
    return r;
}

static bool is_settled(const struct stat *status)
{
    struct timespec now;
    int r = clock_gettime(CLOCK_REALTIME, &now);
    assert(r == 0);
    return status->st_mtim.tv_sec + SETTLED_AFTER <= now.tv_sec &&
           status->st_ctim.tv_sec + SETTLED_AFTER <= now.tv_sec;
}

/* A pipe in the place of the file must not hold up whoever reads it. */
static int read_secret(struct secret *s, struct err *e)
{
    s->seen = (struct stat){0};
    struct stat status;
    CLEANUP_FD int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) < 0)
        return tell_unreadable(s, -errno, e);
    int r = check_mode(s, &status, e);
    if (r == 0)
        r = take_content(s, fd, e);
    if (r == 0 && is_settled(&status))
        s->seen = status;
    return r;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool has_changed(const struct secret *s)
{
    struct stat now;
    const struct stat *seen = &s->seen;
    return stat(s->path, &now) < 0 || now.st_dev != seen->st_dev || now.st_ino != seen->st_ino ||
           now.st_size != seen->st_size || !is_same_time(now.st_mtim, seen->st_mtim) ||
           !is_same_time(now.st_ctim, seen->st_ctim);
}

static int renew(struct secret *s, struct err *e)
{
    return s->path && has_changed(s) ? read_secret(s, e) : 0;
}

static char *path_of(const struct push_secrets_options *o, const char *name)
{
    if (name[0] == '/')
        return alloc_string(name);
    return o->credentials_directory ? alloc_format("%s/%s", o->credentials_directory, name) : NULL;
}

static int set_file(struct secret *s, const struct push_secrets_options *o, const char *name,
                    struct err *e)
{
    if (!name)
        return 0;
    s->path = path_of(o, name);
    if (!s->path)
        return err_set(e, -EINVAL,
                       "the %s %.100s is not an absolute path, and there are no systemd "
                       "credentials ($CREDENTIALS_DIRECTORY) among which it could be: begin it "
                       "with /, or add LoadCredential= to the unit",
                       s->what, name);
    return read_secret(s, e);
}

static int set_user(struct secret *s, const struct push_secrets_options *o, struct err *e)
{
    if (!o->username)
        return set_file(s, o, o->username_file, e);
    size_t length = strlen(o->username);
    const char *why = objection(s, o->username, length);
    if (why)
        return err_set(e, -EINVAL, "the user name %s; give another one", why);
    replace_value(s, alloc_copy(o->username, length), length);
    return 0;
}

static int check_options(const struct push_secrets_options *o, struct err *e)
{
    if (o->username && o->username_file)
        return err_set(e, -EINVAL,
                       "a user name and a file with one are given: leave one of them out");
    bool has_user = o->username || o->username_file;
    if (o->password_file && !has_user)
        return err_set(e, -EINVAL, "there is a password file and no user name: give one");
    if (o->bearer_token_file && has_user)
        return err_set(e, -EINVAL,
                       "both basic authentication and a bearer token are given, and a request "
                       "has room for one: leave one of them out");
    return 0;
}

int push_secrets_new(const struct push_secrets_options *options, struct err *e,
                     struct push_secrets **ret)
{
    int r = check_options(options, e);
    if (r < 0)
        return r;
    if (!options->username && !options->username_file && !options->bearer_token_file) {
        *ret = NULL;
        return 0;
    }
    struct push_secrets *s = alloc_zeroed(1, sizeof *s);
    s->user = (struct secret){.what = "user name file", .is_user = true};
    s->password = (struct secret){.what = "password file"};
    s->token = (struct secret){.what = "bearer token file"};
    r = set_user(&s->user, options, e);
    if (r == 0)
        r = set_file(&s->password, options, options->password_file, e);
    if (r == 0)
        r = set_file(&s->token, options, options->bearer_token_file, e);
    if (r < 0) {
        push_secrets_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

static void add_base64(struct buf *b, const char *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += GROUP_BYTES) {
        size_t left = length - i < GROUP_BYTES ? length - i : GROUP_BYTES;
        uint32_t group = 0;
        for (size_t j = 0; j < GROUP_BYTES; j++)
            group = group << 8 | (j < left ? (uint8_t)bytes[i + j] : 0);
        for (size_t j = 0; j < GROUP_CHARS; j++) {
            uint32_t digit = group >> (CHAR_BITS * (GROUP_CHARS - 1 - j)) & CHAR_MASK;
            (void)buf_add_char(b, j <= left ? digits[digit] : '=');
        }
    }
}

static void add_basic(const struct push_secrets *s, struct buf *ret)
{
    size_t length = s->user.length + 1 + s->password.length;
    char *both = alloc_bytes(length);
    memcpy(both, s->user.value, s->user.length);
    both[s->user.length] = ':';
    if (s->password.value)
        memcpy(both + s->user.length + 1, s->password.value, s->password.length);
    (void)buf_add_string(ret, "Basic ");
    add_base64(ret, both, length);
    explicit_bzero(both, length);
    free(both);
}

/* Room for the whole value at once, so that no growing leaves a copy behind. */
static int add_value(const struct push_secrets *s, struct buf *ret)
{
    size_t both = s->user.length + 1 + s->password.length + GROUP_BYTES;
    size_t most = sizeof "Bearer " + s->token.length + both / GROUP_BYTES * GROUP_CHARS;
    int r = buf_reserve(ret, most);
    if (r < 0)
        return r;
    if (s->token.value) {
        (void)buf_add_string(ret, "Bearer ");
        return buf_add(ret, s->token.value, s->token.length);
    }
    add_basic(s, ret);
    return ret->failed ? -EMSGSIZE : 0;
}

int push_secrets_authorization(struct push_secrets *s, struct buf *ret, struct err *e)
{
    if (!s)
        return 0;
    int r = renew(&s->user, e);
    if (r == 0)
        r = renew(&s->password, e);
    if (r == 0)
        r = renew(&s->token, e);
    int added = add_value(s, ret);
    if (added < 0)
        return err_set(e, added, "the header Authorization does not fit into its buffer");
    return r;
}

void push_secrets_free(struct push_secrets *s)
{
    if (!s)
        return;
    secret_done(&s->user);
    secret_done(&s->password);
    secret_done(&s->token);
    free(s);
}
