import { person } from '../../ui/desktop.js';

/** `~/code` for what is in the person's own home; a name with line ends in one line. */
export function shortened(path: string): string {
  const { home } = person();
  const short = home !== '/' && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path;
  return short.replaceAll(/\s+/g, ' ');
}
