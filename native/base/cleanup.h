/* base/cleanup.h: what a scope opens, it closes. */
#ifndef SLIPWAY_BASE_CLEANUP_H
#define SLIPWAY_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close_(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
static inline void cleanup_free_(void *pointer)
{
    free(*(void **)pointer);
}
static inline void cleanup_fclose_(FILE **file)
{
    if (*file)
        fclose(*file);
}
static inline void cleanup_closedir_(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

#define cleanup_close __attribute__((cleanup(cleanup_close_)))
#define cleanup_free __attribute__((cleanup(cleanup_free_)))
#define cleanup_fclose __attribute__((cleanup(cleanup_fclose_)))
#define cleanup_closedir __attribute__((cleanup(cleanup_closedir_)))

/* Hands a descriptor over to the caller: the scope no longer closes it. */
static inline int steal_fd(int *fd)
{
    int kept = *fd;
    *fd = -1;
    return kept;
}

#endif
