import { invalid, unavailable } from '../../base/errors.js';

/** How layers become a container's file system: by the kernel, by the program fuse-overlayfs, or by a copy of all files for each container. */
export type Driver = 'overlay2' | 'fuse-overlayfs' | 'vfs';

export interface StackSupport {
  native: boolean;
  fuse?: boolean;
}

/** The best that can be had here, or the one that was asked for; and what a person should know about it. */
export function chooseDriver(
  { native, fuse = false }: StackSupport,
  wanted?: string,
): { driver: Driver; warning?: string } {
  switch (wanted) {
    case undefined:
      break;
    case 'vfs':
      return { driver: 'vfs' };
    case 'overlay2':
      if (native) return { driver: 'overlay2' };
      throw unavailable(
        'the kernel cannot mount overlayfs on the data root (--storage-driver overlay2): leave the flag out',
      );
    case 'fuse-overlayfs':
      if (fuse) return { driver: 'fuse-overlayfs' };
      throw unavailable(
        'fuse-overlayfs cannot be used: install it (apt-get install fuse-overlayfs), and see that /dev/fuse may be opened',
      );
    default:
      throw invalid(`there is no storage driver ${wanted}: overlay2, fuse-overlayfs and vfs are known`);
  }
  if (native) return { driver: 'overlay2' };
  if (fuse) {
    return {
      driver: 'fuse-overlayfs',
      warning: 'The kernel cannot mount overlayfs on the data root: fuse-overlayfs is used, which is slower',
    };
  }
  return {
    driver: 'vfs',
    warning:
      "The kernel cannot mount overlayfs on the data root: each container gets a copy of its image's files, which takes time and room. Install fuse-overlayfs, or choose a data root on ext4, xfs or btrfs",
  };
}
