/* What it knows: the rules by which the kernel admits a process to a unix socket (search permission
 * on every directory, write permission on the socket), and the names of users and groups.
 * Documents: unix(7), path_resolution(7), getgrgid_r(3). */
#include "net/socket_denied.h"

#include "base/alloc.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_SHOWN_MAX 64              /* bytes of a user's or group's name, NUL included */
#define NAME_ENTRY_MAX (64 * 1024)     /* bytes of a group's entry: one with 5000 members */
#define PERMISSIONS    ((mode_t)07777) /* of st_mode */
#define GROUPS_MAX     (64 * 1024)     /* NGROUPS_MAX of Linux */

/* The names are written as they are used in commands; the number where there is no name. */
static bool group_name(gid_t gid, char ret_name[NAME_SHOWN_MAX])
{
    char *entry = alloc_bytes(NAME_ENTRY_MAX);
    struct group group;
    struct group *found = NULL;
    int r = getgrgid_r(gid, &group, entry, NAME_ENTRY_MAX, &found);
    if (r == 0 && found)
        (void)snprintf(ret_name, NAME_SHOWN_MAX, "%s", found->gr_name);
    else
        (void)snprintf(ret_name, NAME_SHOWN_MAX, "%u", (unsigned)gid);
    free(entry);
    return r == 0 && found;
}

static void user_name(uid_t uid, char ret_name[NAME_SHOWN_MAX])
{
    char *entry = alloc_bytes(NAME_ENTRY_MAX);
    struct passwd user;
    struct passwd *found = NULL;
    if (getpwuid_r(uid, &user, entry, NAME_ENTRY_MAX, &found) == 0 && found)
        (void)snprintf(ret_name, NAME_SHOWN_MAX, "%s", found->pw_name);
    else
        (void)snprintf(ret_name, NAME_SHOWN_MAX, "%u", (unsigned)uid);
    free(entry);
}

static bool process_is_in_group(gid_t gid)
{
    if (getegid() == gid)
        return true;
    gid_t *groups = alloc_zeroed(GROUPS_MAX, sizeof *groups);
    int count = getgroups(GROUPS_MAX, groups);
    bool found = false;
    for (int i = 0; i < count && !found; i++)
        found = groups[i] == gid;
    free(groups);
    return found;
}

/* The socket itself cannot be seen: one of the directories above it is closed. */
static void explain_directory(const char *path, int error, struct err *e)
{
    char *copy = alloc_string(path);
    struct stat st;
    char owner[NAME_SHOWN_MAX];
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool closed = faccessat(AT_FDCWD, copy, X_OK, AT_EACCESS) < 0 && stat(copy, &st) == 0;
        if (closed) {
            user_name(st.st_uid, owner);
            err_set(e, error,
                    "permission denied on %s: the directory %s (mode %04o, owner %s) may not be "
                    "entered; run weir as that user, or move the socket to an open directory",
                    path, copy, (unsigned)(st.st_mode & PERMISSIONS), owner);
            free(copy);
            return;
        }
        *slash = '/';
    }
    free(copy);
    err_set(e, error,
            "permission denied on %s: run weir as the user who owns the directory it is in", path);
}

static void explain_group(const char *path, const struct stat *st, int error, struct err *e)
{
    char group[NAME_SHOWN_MAX];
    char user[NAME_SHOWN_MAX];
    user_name(geteuid(), user);
    if (group_name(st->st_gid, group))
        err_set(e, error,
                "permission denied on %s: it is for group %s and user %s is not in it; run `sudo "
                "usermod -aG %s %s` and start weir again, or under systemd set "
                "SupplementaryGroups=%s",
                path, group, user, group, user, group);
    else
        err_set(e, error,
                "permission denied on %s: it is for gid %s, which has no name here, and user %s is "
                "not in it; in a container use --group-add %s, under systemd "
                "SupplementaryGroups=%s",
                path, group, user, group, group);
}

void socket_denied_explain(const char *path, int error, struct err *e)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        explain_directory(path, error, e);
        return;
    }
    unsigned mode = (unsigned)(st.st_mode & PERMISSIONS);
    bool owner = geteuid() == st.st_uid;
    bool member = !owner && process_is_in_group(st.st_gid);
    unsigned needed = owner ? S_IWUSR : member ? S_IWGRP : S_IWOTH;
    if (geteuid() == 0 || (mode & needed)) {
        err_set(e, error,
                "permission denied on %s although its mode %04o allows it: a security module or "
                "sandbox (AppArmor, SELinux, systemd) stands before it; look at the kernel's log",
                path, mode);
        return;
    }
    if (!owner && !member && (mode & S_IWGRP)) {
        explain_group(path, &st, error, e);
        return;
    }
    char name[NAME_SHOWN_MAX];
    user_name(st.st_uid, name);
    err_set(e, error,
            "permission denied on %s: its mode %04o lets only its owner %s write; run weir as that "
            "user, or let the server make the socket with mode 0660 and a group",
            path, mode, name);
}
