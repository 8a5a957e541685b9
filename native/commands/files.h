/* commands/files.h: a container's file system by one descriptor, whether it runs or not; or a directory of this machine in its place. */
#ifndef SLIPWAY_COMMANDS_FILES_H
#define SLIPWAY_COMMANDS_FILES_H

#include "serve.h"

struct container_files {
    int root;            /* the container's root directory */
    int mounts;          /* its mount namespace; -1: our own */
    const char *mounted; /* where it was mounted for this request, in a mount namespace of its own; NULL: it was not */
    bool plain;          /* it is no container's, but a directory of this machine */
    bool readonly;       /* of such a one: nothing in it is to be written */
    int pid, process;    /* its first process, by number and by descriptor; -1: it does not run */
};
#define CONTAINER_FILES_INIT {.root = -1, .mounts = -1, .process = -1}

/* What is seen of it. */
enum files_view {
    FILES_TO_READ,   /* as its processes see it */
    FILES_TO_WRITE,  /* the same */
    FILES_OF_ROOTFS, /* the layers alone, to read: what is mounted inside is an empty directory */
};

/*
 * One that runs is seen through its first process ("pid", "pidStart"), in whose user namespace the caller then is, so that owners are the container's
 * own. Of one that does not run, the layers ("overlay") and what would be mounted on them ("binds": [{"source","destination","readonly"}]) are mounted
 * for the caller alone; with "readonly" nothing but what is bound can be written. "directory" is a path of this machine instead of all that: no way
 * leads out of it, and owners are as this process sees them; with "readonly" nothing in it can be written.
 */
int files_open(const struct request *request, enum files_view view, struct container_files *files, struct error *err);
/* The same in two steps, for who has to look at the layers themselves in between: what is seen of one that runs has the machine's ids at first. */
int files_reach(const struct request *request, enum files_view view, struct container_files *files, struct error *err);
int files_take_ids(const struct container_files *files, struct error *err);
/* What was mounted is gone from the machine when this returns. */
void files_close(struct container_files *files);

/*
 * Removes `name`, a directory, and all that is below it. What is mounted in there stays, and so does the directory then: seen from elsewhere, the
 * kernel would take such a mount off the container.
 */
int files_remove_directory(const struct container_files *files, int parent, const char *name, struct error *err);

/* Refuses where what `target` is on cannot be written, in Docker's words. */
int files_check_writable(const struct container_files *files, int target, struct error *err);

/* In Docker's words: "lstat /etc/passwd/: not a directory". Of the kind that the number stands for: what is wrong may be the path. */
int files_refuse(int errnum, const char *call, const char *path, struct error *err);

#define cleanup_files __attribute__((cleanup(files_close)))

#endif
