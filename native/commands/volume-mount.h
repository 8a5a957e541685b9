/* commands/volume-mount.h: volumes that are not a directory of ours but a file system that is mounted there while somebody has them. */
#ifndef SLIPWAY_COMMANDS_VOLUME_MOUNT_H
#define SLIPWAY_COMMANDS_VOLUME_MOUNT_H

#include "serve.h"

int volume_mount_op(struct request *request, struct error *err);
int volume_unmount_op(struct request *request, struct error *err);

#endif
