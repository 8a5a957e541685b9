/* commands/edit.h: one file or directory of a container changed from outside, whether it runs or not, always beneath its root. */
#ifndef SLIPWAY_COMMANDS_EDIT_H
#define SLIPWAY_COMMANDS_EDIT_H

#include "serve.h"

#include <sys/stat.h>

/* Each names a container as files.h says; "path" is absolute. What cannot be written is refused in Docker's words. */

/*
 * {"op":"file-write",…,"path","size":N,"version":TEXT or null} and so many bytes: the file has them all or stays as it was, and keeps its owner, mode and
 * attributes. A new one has mode 0644 and its directory's owner. Links are followed. "version": refused where the file is no longer that one.
 */
int file_write_op(struct request *request, struct error *err);

/* {"op":"file-remove",…,"path"}: with all that is below it; a link itself. */
int file_remove_op(struct request *request, struct error *err);

/* {"op":"file-directory",…,"path"}: a new one, of its directory's owner. */
int file_directory_op(struct request *request, struct error *err);

/* {"op":"file-rename",…,"path","to"}: to a name that nothing has. A directory of the image is moved entry by entry, as overlay renames none. */
int file_rename_op(struct request *request, struct error *err);

/* browse.c: what both need. */
void browse_describe(json_object *reply, const char *name, const struct stat *stat);
/* Opens in earnest what was opened with O_PATH. */
int browse_reopen(int file, int flags);
int browse_refuse_special(const char *path, mode_t mode, struct error *err);

#endif
