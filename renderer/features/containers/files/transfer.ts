import type { ByteStream } from '../../../../main/contract/bridge.js';
import type { TarEntry } from './tar.js';

/** What is dropped goes through the window's memory as one tar. */
export const LARGEST = 256 * 1024 * 1024;

export class TooLarge extends Error {}

export async function collect(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** What a drop holds, folders too. To be asked before the event is over; what is in the folders is read later. */
export function dropped(data: DataTransfer): { entries: FileSystemEntry[]; files: File[] } {
  const items = [...data.items].filter(({ kind }) => kind === 'file');
  const entries = items.map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  return entries.length > 0 ? { entries, files: [] } : { entries: [], files: [...data.files] };
}

/** The entries of a tar, folders before what is in them. */
export async function tarEntries({
  entries,
  files,
}: {
  entries: FileSystemEntry[];
  files: File[];
}): Promise<TarEntry[]> {
  const found: TarEntry[] = [];
  let size = 0;
  const addFile = async (name: string, file: File) => {
    size += file.size;
    if (size > LARGEST) throw new TooLarge();
    found.push({ name, bytes: new Uint8Array(await file.arrayBuffer()), modified: file.lastModified });
  };
  const add = async (entry: FileSystemEntry, prefix: string): Promise<void> => {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      return addFile(prefix + entry.name, file);
    }
    const path = `${prefix}${entry.name}/`;
    found.push({ name: path, modified: Date.now() });
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    // It gives a hundred at a time, and none at the end.
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) return;
      for (const each of some) await add(each, path);
    }
  };
  for (const entry of entries) await add(entry, '');
  for (const file of files) await addFile(file.name, file);
  return found;
}

/** Into a file of the person's choice: the desktop's own dialog asks where. */
export async function saveAs(name: string, stream: ByteStream): Promise<void> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of stream) parts.push(new Uint8Array(chunk));
  const url = URL.createObjectURL(new Blob(parts));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has its own hold on the bytes once it began.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
