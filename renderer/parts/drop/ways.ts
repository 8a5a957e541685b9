/** What can be done with folders and files, by what they are and where they were dropped. */
import type { FolderFacts, FolderWarning } from '../../../main/contract/mounts.js';
import type { DropTarget } from '../../store/drop.js';

/** `copy`: into the container; `volume`: into a volume; `build`: an image of a folder with a Dockerfile; `import`: archives of images; `restore`: a tar becomes a volume's content. */
export type Way = 'mount' | 'copy' | 'run' | 'volume' | 'build' | 'import' | 'restore';

/** Why a way is closed. */
export type Closed =
  'gone' | 'unreadable' | 'root' | 'special' | 'no-archive' | 'several' | 'several-folders' | 'same-name' | 'not-whole';

export interface Offer {
  way: Way;
  closed?: Closed;
}

/** Why one is suggested. */
export type Reason = 'live' | 'tree' | 'image' | 'volume' | 'archive' | 'dockerfile' | 'space' | 'only';

export interface Engine {
  can(what: string): boolean;
  /** There are containers that something could be mounted in. */
  containers: boolean;
  /** Whether all that is in a volume can be replaced at once. */
  replaceable(volume: string): boolean;
}

const ORDER: Record<DropTarget['kind'], Way[]> = {
  container: ['mount', 'copy', 'volume', 'build', 'import'],
  image: ['run', 'volume', 'build', 'import'],
  nothing: ['run', 'mount', 'volume', 'build', 'import', 'restore'],
  volumes: ['volume', 'restore', 'run'],
  volume: ['volume', 'restore'],
};

export const nameOfFolder = (path: string): string => path.replace(/\/+$/, '').split('/').at(-1) ?? '';

export function offersFor(target: DropTarget, facts: FolderFacts[], engine: Engine): Offer[] {
  const there: Record<Way, boolean> = {
    mount: engine.can('live-mounts') && (target.kind === 'container' || engine.containers),
    copy: true,
    run: true,
    volume: engine.can('volumes'),
    build: engine.can('build') && facts.some(({ Dockerfile }) => Dockerfile !== null),
    import: true,
    restore: engine.can('volume-backups'),
  };
  return ORDER[target.kind]
    .filter((way) => there[way])
    .map((way) => {
      const closed =
        closedFor(way, facts) ??
        (way === 'restore' && target.kind === 'volume' && !engine.replaceable(target.name) ? 'not-whole' : undefined);
      return { way, ...(closed && { closed }) };
    });
}

function closedFor(way: Way, facts: FolderFacts[]): Closed | undefined {
  const kinds = new Set(facts.map(({ Kind }) => Kind));
  if (kinds.has('missing')) return 'gone';
  if (kinds.has('unreadable')) return 'unreadable';
  const names = facts.map(({ Path }) => nameOfFolder(Path));
  if (way !== 'import' && new Set(names).size < names.length) return 'same-name';
  switch (way) {
    case 'copy':
    case 'volume':
      if (facts.some(({ Path }) => nameOfFolder(Path) === '')) return 'root';
      return kinds.has('socket') || kinds.has('other') ? 'special' : undefined;
    case 'import':
      return facts.every(({ Archive }) => Archive !== null) ? undefined : 'no-archive';
    case 'build':
      if (facts.length > 1) return 'several-folders';
      return nameOfFolder(facts[0]?.Path ?? '') === '' ? 'root' : undefined;
    case 'restore':
      if (facts.length > 1) return 'several';
      return facts[0]?.Archive ? undefined : 'no-archive';
    default:
      return undefined;
  }
}

/** The way that is chosen at first, and why; undefined: none is open. */
export function suggestion(
  target: DropTarget,
  facts: FolderFacts[],
  offers: Offer[],
): { way: Way; reason: Reason } | undefined {
  const open = offers.filter(({ closed }) => closed === undefined).map(({ way }) => way);
  const images = facts.length > 0 && facts.every(({ Archive }) => Archive === 'images');
  const archives = facts.length > 0 && facts.every(({ Archive }) => Archive !== null);
  const wishes: [Way, Reason][] = [];
  if (images) wishes.push(['import', 'archive']);
  switch (target.kind) {
    case 'container':
      wishes.push(...(target.path === undefined ? [] : [['copy', 'tree'] as [Way, Reason]]), ['mount', 'live']);
      break;
    case 'image':
      wishes.push(['run', 'image']);
      break;
    case 'volumes':
      if (archives) wishes.push(['restore', 'archive']);
      wishes.push(['volume', 'volume']);
      break;
    case 'volume':
      wishes.push(['volume', 'volume']);
      break;
    case 'nothing':
      if (archives) wishes.push(['restore', 'archive'], ['import', 'archive']);
      if (facts.some(({ Dockerfile }) => Dockerfile !== null)) wishes.push(['build', 'dockerfile']);
      wishes.push(['run', 'space']);
  }
  const found = wishes.find(([way]) => open.includes(way));
  if (found) return { way: found[0], reason: found[1] };
  return open[0] && { way: open[0], reason: 'only' };
}

/** What is in an image that is built of them, for all who get it. */
const OF_BUILDS: FolderWarning[] = ['home', 'secrets'];

/** What is given away with these. */
export function warningsOf(way: Way, facts: Pick<FolderFacts, 'Warnings'>[]): FolderWarning[] {
  const all = [...new Set(facts.flatMap(({ Warnings }) => Warnings))];
  if (way === 'build') return all.filter((warning) => OF_BUILDS.includes(warning));
  return way === 'mount' || way === 'run' ? all : [];
}

/** What Enter meant: of what is shown, that which a person decides by. */
export interface Meant {
  way: Way;
  path: string;
  readOnly: boolean;
  volume: string;
}

/** Whether an Enter from before the engine had told still means the same, with nothing to be warned of since. */
export const stillMeant = (before: Meant, now: Meant, facts: Pick<FolderFacts, 'Warnings'>[]): boolean =>
  warningsOf(now.way, facts).length === 0 &&
  (['way', 'path', 'readOnly', 'volume'] as const).every((part) => before[part] === now[part]);

/** What is read only at first: what a container should not change by accident. */
export const startsReadOnly = (facts: FolderFacts[]): boolean =>
  facts.some(({ Warnings }) => Warnings.some((warning) => warning !== 'socket'));
