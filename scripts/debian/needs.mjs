/** What the Debian package needs from others. Debian 13 renamed some; either name will do. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const packer = createRequire(import.meta.url)('electron-installer-debian/src/dependencies');
const packersOwn = packer.forElectron;

/** Our programs' libraries and helpers, and what tells the app which fonts there are. */
export const depends = [
  ...['nftables', 'uidmap', 'fontconfig', 'libjson-c5', 'libseccomp2', 'libmnl0', 'libisal2', 'zlib1g'],
  ...['libarchive13', 'libssl3', 'libasound2'].map((name) => `${name} | ${name}t64`),
];

export const recommends = ['busybox-static', 'fuse-overlayfs', 'fonts-noto-cjk', 'dbus-user-session'];

/** By the folder of the icon theme; a single one would be put among the PNGs whatever it is. */
export const icons = Object.fromEntries(
  Object.entries({ '512x512': 'icon.png', scalable: 'icon.svg', symbolic: 'symbolic.svg' }).map(([folder, name]) => [
    folder,
    fileURLToPath(new URL(`../../assets/${name}`, import.meta.url)),
  ]),
);

/**
 * Electron's, as its packer knows them; but that list would have apt install half of KDE to move a file to the bin, and calls the sound
 * library, without which Electron does not start, a recommendation.
 */
export function electronNeeds(version) {
  const { depends: named, ...others } = packersOwn(version);
  const kept = named.filter((name) => !name.includes('trash-cli'));
  return { ...others, depends: [...kept, 'libglib2.0-bin | trash-cli'], recommends: [] };
}

/** Makes the packer use our list. */
export const teachPacker = () => void (packer.forElectron = electronNeeds);
