/* commands/mount-points.h: what a container's own layer has only because something was mounted there. It is no change of the container's. */
#ifndef SLIPWAY_COMMANDS_MOUNT_POINTS_H
#define SLIPWAY_COMMANDS_MOUNT_POINTS_H

#include "implied.h"

#include <stdbool.h>
#include <sys/stat.h>

/*
 * Whether `name` in the directory `parent` of a container's own layer, there called `path` ("etc/hosts"), is an empty place for what every container
 * has mounted (/dev, /proc, /sys, the files of the network), or a directory that holds nothing else and looks as in the layers below.
 */
bool is_mount_point(const char *path, int parent, const char *name, const struct stat *stat, const struct below *below);

#endif
