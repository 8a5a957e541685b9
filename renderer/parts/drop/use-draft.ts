import { useState } from 'react';
import type { FolderFacts, MountWish } from '../../../main/contract/mounts.js';
import type { DropTarget } from '../../store/drop.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { kindOfVolume } from '../../store/volumes-slice.js';
import { isRunning, nameOf } from '../container-state.js';
import type { Place } from '../files/place.js';
import { useOwners } from '../files/use-owners.js';
import { useAnswer } from '../use-answer.js';
import { namedImages } from '../image-names.js';
import { newNameProblem } from '../NewName.js';
import { familiar } from '../reference.js';
import { cleanPath, joined, pathProblem, placesIn } from '../mounts/inside.js';
import type { Mounting } from '../mounts/MountFields.js';
import { ownerAt, useInside, type InsideFacts } from '../mounts/use-inside.js';
import { usePreviews } from '../mounts/use-previews.js';
import { root, type Who } from '../mounts/user.js';
import { isReplaceable } from '../volumes/names.js';
import { buildLine, copyLine, importLine, mountLine, restoreLine, volumeLine } from './lines.js';
import { firstPlace, imageNameOf, isVolumeName, mountTargets, volumeNameOf } from './places.js';
import { useHiddenInImage, type HiddenInImage } from './use-hidden.js';
import { startsReadOnly, type Way } from './ways.js';

/** `there`: like the directory that they go into; `keep`: the numbers on this disk. */
export type OwnerChoice = 'there' | 'root' | 'user' | 'keep';

export type Wrong =
  'path' | 'path-root' | 'volume-name' | 'volume-there' | 'volume-none' | 'container-none' | 'reference';

/** What a person has said; what they have not follows from the rest. */
interface Said {
  container?: string;
  image?: string;
  path?: string;
  readOnly?: boolean;
  sameIds?: boolean;
  owner?: OwnerChoice;
  content?: boolean;
  newVolume?: boolean;
  newName?: string;
  haveName?: string;
  reference?: string;
  /** By name. */
  kept?: string[];
}

/** Everything that a way takes, as it is now. */
export interface Draft extends Mounting {
  say(part: Said): void;
  container: string | undefined;
  image: string;
  inside: InsideFacts | undefined;
  /** It is read only because of what it gives away. */
  readOnlyFirst: boolean;
  owner: OwnerChoice;
  owners: OwnerChoice[];
  /** Whose files are inside then; undefined: as on disk, or not known yet. */
  who: Who | undefined;
  /** That is being asked. */
  waits: boolean;
  content: boolean;
  newVolume: boolean;
  volume: string;
  volumes: string[];
  /** What an image that is built is called, as it was typed. */
  reference: string;
  /** What the folder hides of the image where a container is run with it. */
  hides: HiddenInImage | undefined;
  /** Paths of that which stay in sight: the image's own, in volumes without a name. */
  kept: string[];
  /** Another image has that name. */
  taken: boolean;
  wrong: Wrong | undefined;
  line: string;
}

interface Asked {
  target: DropTarget;
  facts: FolderFacts[];
  way: Way | undefined;
}

export function useDraft({ target, facts, way }: Asked): Draft {
  const { client } = useEngineStore();
  const containers = useEngine((state) => state.containers) ?? [];
  const images = useEngine((state) => state.images) ?? [];
  const [said, setSaid] = useState<Said>({});
  const say = (part: Said) => setSaid((before) => ({ ...before, ...part }));

  const container =
    target.kind === 'container'
      ? target.id
      : way === 'mount'
        ? (said.container ?? (containers.find(isRunning) ?? containers[0])?.Id)
        : undefined;
  const summary = containers.find(({ Id }) => Id === container);
  const name = summary ? nameOf(summary) : '';
  const image = target.kind === 'image' ? target.reference : (said.image ?? '');
  const inside = useInside(container === undefined ? { image } : { container });
  const dropped = 'path' in target && target.kind === 'container' ? target.path : undefined;
  const about = { dropped, workdir: inside?.workdir, volumes: inside?.volumes ?? [], taken: inside?.taken };
  const path = said.path ?? (way ? firstPlace(way, facts, about) : '/');
  const clean = cleanPath(path.trim());

  const readOnlyFirst = startsReadOnly(facts);
  const readOnly = said.readOnly ?? readOnlyFirst;
  const sameIds = said.sameIds ?? false;
  const wishes =
    clean === undefined
      ? []
      : mountTargets(facts, clean).map((Target, at): MountWish => ({
          ...{ Type: 'bind', Source: facts[at]?.Path ?? '', Target },
          ...(readOnly && { ReadOnly: true }),
          ...(sameIds && { IdMap: true }),
        }));
  const asks = way === 'mount' && clean !== '/' ? wishes : [];
  const foreseen = usePreviews(container, summary?.State, asks);

  const hides = useHiddenInImage(way === 'run' && facts.length === 1 && clean !== '/' ? image : '', clean);
  // Below what is read only there is no place to be made for them.
  const kept = readOnly ? [] : (hides?.keepable ?? []).filter((each) => said.kept?.includes(each));

  const { value: list } = useAnswer(() => client.volumes.list(), client);
  const there = list?.Volumes ?? [];
  const names = there.map(({ Name }) => Name);
  const volumes = there
    .filter(({ Options }) => way !== 'restore' || isReplaceable({ Kind: kindOfVolume(Options) }))
    .map(({ Name }) => Name)
    .sort();
  const newVolume = target.kind !== 'volume' && (said.newVolume ?? true);
  const free = freeName(volumeNameOf(facts[0]?.Path ?? ''), names);
  const volume =
    target.kind === 'volume'
      ? target.name
      : newVolume
        ? (said.newName ?? free).trim()
        : ((said.haveName !== undefined && volumes.includes(said.haveName) ? said.haveName : volumes[0]) ?? '');

  const folder = facts.length === 1 && facts[0]?.Kind === 'directory';
  const content = folder && (said.content ?? (way === 'volume' && newVolume));
  // Where copies go: the directory of a container, or of a volume.
  const into: Place | undefined =
    way === 'copy' && container !== undefined
      ? { of: { container }, name }
      : way === 'volume' && !newVolume && volume !== ''
        ? { of: { volume }, name: volume }
        : undefined;
  const below = way === 'copy' ? (clean ?? '/') : target.kind === 'volume' ? (target.path ?? '/') : '/';
  const thereKey = into ? JSON.stringify([into.of, below]) : undefined;
  const { value: answer } = useAnswer(
    async () => into && { key: thereKey, who: await ownerAt(client, into, below).catch(() => root) },
    thereKey,
  );
  const owners: OwnerChoice[] = [
    ...(into ? ['there' as const] : []),
    'root',
    ...(inside?.user ? ['user' as const] : []),
    'keep',
  ];
  const owner = said.owner && owners.includes(said.owner) ? said.owner : (owners[0] ?? 'root');
  const { users } = useOwners(container, 0);
  const named = (one: Who): Who => {
    const called = one.uid === 0 ? 'root' : users.get(one.uid);
    return { ...one, ...(called !== undefined && { name: called }) };
  };
  const known = answer?.key === thereKey ? (answer?.who ?? root) : undefined;
  const who = {
    there: known && named(known),
    root,
    user: inside?.user,
    keep: undefined,
  }[owner];

  const reference = said.reference ?? imageNameOf(facts[0]?.Path ?? '');
  const taken = namedImages(images).some((row) => row.reference === familiar(reference));

  const draft = {
    ...{ say, container, image, path, inside, readOnly, readOnlyFirst: readOnlyFirst && said.readOnly === undefined },
    ...{
      sameIds,
      foreseen,
      wishes,
      owner,
      owners,
      who,
      content,
      newVolume,
      volume,
      volumes,
      reference,
      hides,
      kept: kept.map((each) => joined(clean ?? '/', each)),
      taken,
    },
    waits: owner === 'there' && known === undefined,
    places: placesIn(way === 'mount' ? about : { ...about, taken: [] }),
  };
  return {
    ...draft,
    wrong: wrongIn(way, { ...draft, names }, target),
    line: way ? lineOf(way, facts, { ...draft, path: clean ?? path, name }) : '',
  };
}

function freeName(wanted: string, taken: string[]): string {
  if (!taken.includes(wanted)) return wanted;
  for (let count = 2; ; count++) if (!taken.includes(`${wanted}-${count}`)) return `${wanted}-${count}`;
}

function wrongIn(
  way: Way | undefined,
  {
    container,
    newVolume,
    volume,
    names,
    path,
    reference,
  }: Pick<Draft, 'container' | 'path' | 'newVolume' | 'volume' | 'reference'> & { names: string[] },
  target: DropTarget,
): Wrong | undefined {
  switch (way) {
    case 'mount':
      if (container === undefined) return 'container-none';
      return pathProblem(path);
    case 'run':
      return pathProblem(path);
    case 'copy':
      return pathProblem(path) === 'path' ? 'path' : undefined;
    case 'volume':
    case 'restore':
      if (target.kind === 'volume') return undefined;
      if (!newVolume) return volume === '' ? 'volume-none' : undefined;
      if (!isVolumeName(volume)) return 'volume-name';
      return names.includes(volume) ? 'volume-there' : undefined;
    case 'build':
      return newNameProblem(reference) ? 'reference' : undefined;
    default:
      return undefined;
  }
}

function lineOf(
  way: Way,
  facts: FolderFacts[],
  {
    path,
    readOnly,
    inside,
    image,
    name,
    content,
    owner,
    volume,
    reference,
    kept,
  }: Omit<Draft, 'line' | 'wrong'> & { name: string },
): string {
  switch (way) {
    case 'mount':
      return mountLine(facts, path, readOnly, inside?.image || 'IMAGE');
    case 'run':
      return mountLine(facts, path, readOnly, image || 'IMAGE', kept);
    case 'copy':
      return copyLine(facts, name, path, content, owner === 'keep');
    case 'volume':
      return volume === '' ? '' : volumeLine(facts, volume, content);
    case 'build':
      return newNameProblem(reference)
        ? ''
        : buildLine(facts[0]?.Path ?? '', facts[0]?.Dockerfile ?? '', familiar(reference));
    case 'import':
      return importLine(facts);
    case 'restore':
      return volume === '' ? '' : restoreLine(facts[0]?.Path ?? '', volume);
  }
}

/** The rows of the create form that mount the same. */
export const rowsOf = (facts: FolderFacts[], { path, readOnly, kept }: Pick<Draft, 'path' | 'readOnly' | 'kept'>) => [
  ...mountTargets(facts, cleanPath(path.trim()) ?? path).map((target, at) => ({
    ...{ source: facts[at]?.Path ?? '', target, readOnly, strict: true },
  })),
  ...kept.map((target) => ({ source: '', target })),
];
