const archive = /\.(?:tar|tgz|tzst|tar\.(?:gz|zst|zstd|bz2|xz))$/i;

/** Whether a file is called as a tar is, compressed or not. */
export const isArchive = (file: Pick<File, 'name'>): boolean => archive.test(file.name);
