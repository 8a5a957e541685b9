/* commands/entry.h: one entry of a tar becomes a file: by the descriptor of its directory and its name there, never through a link. */
#ifndef SLIPWAY_COMMANDS_ENTRY_H
#define SLIPWAY_COMMANDS_ENTRY_H

#include "../base/error.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Where an entry goes. */
struct entry_place {
    char *path;       /* for messages; "" where it is the target itself */
    int parent;       /* -1 for the target itself */
    const char *name; /* the last component */
};

/* Whom files are given to: whom the archive says, unless `given`. */
struct entry_owner {
    bool nobody; /* a namespace of a single id: everything stays the caller's own */
    bool given;
    bool volume; /* what is no layer: overlay's attributes are as good as others, and no time is too early */
    uid_t uid;
    gid_t gid;
};

/*
 * `raw`, the archive's spelling, without "." and "..", without slashes at either end; "" is the target itself. A path that leads out of the target is
 * refused; `what` says of what ("layer"). *out is the caller's to free.
 */
int entry_path(const char *raw, const char *what, char **out, struct error *err);

/* What is made in a directory takes after it: a volume's directories get theirs when everything is in them. */
#define ENTRY_DEFAULT_ACL "system.posix_acl_default"

/* Owner, attributes, mode and (but for a directory, whose times come last) times. `fd` -1: by name. */
int entry_describe(const struct entry_owner *owner, struct archive_entry *entry, int fd, const struct entry_place *place, struct error *err);

/* [0] access, [1] modification. Of a volume also those before 1970. */
void entry_exact_times(struct archive_entry *entry, struct timespec times[2]);
void entry_times(struct archive_entry *entry, struct timespec times[2]);

/* A file with its content; -1 with errno EEXIST and an empty err where the name is taken. */
int entry_make_file(struct archive *tar, struct archive_entry *entry, const struct entry_owner *owner, const struct entry_place *place, struct error *err);
/* A symbolic link, a FIFO, a device. */
int entry_make_link(struct archive_entry *entry, const struct entry_owner *owner, const struct entry_place *place, struct error *err);
int entry_make_node(struct archive_entry *entry, const struct entry_owner *owner, const struct entry_place *place, struct error *err);

#endif
