import { File, FileSymlink, Folder, FolderOpen, HardDrive, Plug } from 'lucide-react';
import type { FileKind } from '../../../main/contract/files.js';

const icons = { mount: HardDrive, open: FolderOpen, directory: Folder, link: FileSymlink, file: File, other: Plug };

function looksLike(kind: FileKind, mount: boolean | undefined, open: boolean | undefined): keyof typeof icons {
  if (mount) return 'mount';
  if (kind === 'directory') return open ? 'open' : 'directory';
  return kind === 'link' || kind === 'file' ? kind : 'other';
}

/** What kind of thing a line of a tree is about. */
export function FileIcon({
  kind,
  mount,
  open,
}: {
  kind: FileKind;
  mount?: boolean | undefined;
  open?: boolean | undefined;
}) {
  const Icon = icons[looksLike(kind, mount, open)];
  return <Icon className="icon s14 dim" aria-hidden />;
}
