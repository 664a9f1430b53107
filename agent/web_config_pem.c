/* What it knows: the files that a web configuration names: where they are, how large they may be,
 * and that nobody else should read a key. What is in them is not known here. */
#include "agent/web_config_pem.h"

#include "agent/config_text.h"
#include "base/err.h"
#include "base/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const char *path_of(const struct web_reader *r, const char *path)
{
    size_t length = strlen(r->directory);
    if (path[0] == '/' || length == 0)
        return path;
    return arena_format(&r->config->memory, "%s%s%s", r->directory,
                        r->directory[length - 1] == '/' ? "" : "/", path);
}

static int refuse_file(const struct web_reader *r, const struct web_pem *p, const char *path,
                       int code)
{
    struct origin origin = source_origin(&r->source, p->file->mark);
    if (code == -EMSGSIZE)
        return err_set(r->source.e, code, "%s: %s: %s is larger than 1 MiB, the most a file may be",
                       origin.text, p->file_name, text_show(path).text);
    bool relative = p->file->text[0] != '/';
    return err_set_errno(r->source.e, code, "%s: %s: %s cannot be read%s", origin.text,
                         p->file_name, text_show(path).text,
                         relative ? " (relative paths begin where this file is)" : "");
}

static int read_file(struct web_reader *r, const struct web_pem *p, struct tls_pem *ret)
{
    struct arena *memory = &r->config->memory;
    const char *path = path_of(r, p->file->text);
    struct stat status;
    struct buf content;
    buf_init(&content, WEB_CONFIG_FILE_MAX);
    int result = fs_read_file(path, &content);
    if (result == 0) {
        const char *bytes = content.data ? content.data : "";
        web_digest(r->config, bytes, content.length);
        *ret = (struct tls_pem){path, arena_copy(memory, bytes, content.length), content.length};
    }
    buf_done(&content);
    if (result < 0)
        return refuse_file(r, p, path, result);
    if (p->secret && stat(path, &status) == 0 && (status.st_mode & S_IROTH))
        web_warn(r, p->file->mark,
                 "%s: everybody on this host may read %s; chmod o-r mends that, and chgrp gives it "
                 "to a group of weir's where it is not root",
                 p->file_name, text_show(path).text);
    return 0;
}

int web_read_pem(struct web_reader *r, const struct web_pem *p, struct tls_pem *ret)
{
    bool in_file = web_text_given(p->file);
    if (web_text_given(p->text)) {
        r->has_secrets = r->has_secrets || p->secret;
        *ret = (struct tls_pem){"inline", p->text->text, p->text->length};
        if (in_file)
            web_warn(r, p->text->mark, "%s has no effect beside %s; leave one of them out", p->name,
                     p->file_name);
    }
    return in_file ? read_file(r, p, ret) : 0;
}
