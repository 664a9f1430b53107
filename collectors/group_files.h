/* Opening, keeping and reading kernel files for the reader. */
#ifndef WEIR_COLLECTORS_GROUP_FILES_H
#define WEIR_COLLECTORS_GROUP_FILES_H

#include "collectors/group_state.h"

/* Reads one file of a group into the reader's buffer, keeping it open if there is room. 0 and the
 * text, valid until the next read; -ENOENT: the group has no such file; -ENODEV: the group is gone;
 * another negative errno. */
int group_file_read(struct group_reader *r, struct group *g, enum group_file file,
                    const char **ret_text, size_t *ret_length);
/* Reads the group's limits anew when one was heard to change or a while has passed. */
void group_limits_read(struct group_reader *r, struct group *g, uint64_t now_ns);
/* Is this the name of a file that holds a limit? */
bool group_is_limit_file(const char *name);
/* Reads a file by its path below descriptor `at` (AT_FDCWD for a whole path), not kept. As
 * group_file_read. */
int group_path_read(struct group_reader *r, int at, const char *path, const char **ret_text,
                    size_t *ret_length);
/* Reads an open descriptor from its beginning. As group_file_read. */
int group_descriptor_read(struct group_reader *r, int fd, const char **ret_text,
                          size_t *ret_length);
/* Closes what is kept of a group. */
void group_close_files(struct group_reader *r, struct group *g);
/* Where in the tree of `controller` the group is; NULL where it is not there. */
const char *group_path_in(struct group_reader *r, struct group *g,
                          enum group_controller controller);
/* Writes "path/name" below a root into `ret`; false where it is too long. */
bool group_path_join(const char *path, const char *name, char ret[], size_t size);
/* Which v1 files count block I/O; asked now and then, for an I/O scheduler may be changed. */
void group_choose_block_files(struct group_reader *r);

#endif
