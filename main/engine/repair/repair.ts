import '../../base/scopes.js';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { conflict, messageOf } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import { requireRoom } from '../../base/room.js';
import type { Change } from '../../base/store.js';
import type { Finding, SelfChecked, SelfCheckLine } from '../../contract/disk.js';
import { isDigest, type BlobSource, type Content } from '../content/index.js';
import type { Images, StockedImage } from '../images/index.js';
import type { Layers } from '../layers/index.js';
import type { Registry } from '../registry/index.js';
import type { SnapshotRecord, Snapshots } from '../snapshots/index.js';
import { Sweep } from './sweep.js';

export interface RepairOptions {
  /** The data root. */
  root: string;
  store: {
    rows<Row>(table: string): Map<string, Row>;
    commit(build: (change: Change) => void): Promise<void>;
    readonly warnings: readonly string[];
  };
  helper: {
    fingerprint(path: string, signal?: AbortSignal): Promise<string>;
    digest(path: string, signal?: AbortSignal): Promise<string>;
    discard(path: string): Promise<void>;
    sync(): Promise<void>;
  };
  content: Content;
  snapshots: Snapshots;
  layers: Layers;
  images: Images;
  registry: Registry;
}

export interface RepairRequest {
  report?: (line: SelfCheckLine) => void;
  /** The names of containers that run on a layer at this moment. */
  usersOf?: (chainId: string) => string[];
  signal?: AbortSignal | undefined;
}

/** How the engine before this one ended. */
interface Run {
  bootId: string;
  ended: boolean;
}

const TABLE = 'repair';
/** Layers that became visible so shortly before the power went are looked at when it is back. */
const RECENT_MS = 10 * 60_000;
/** A directory that was replaced stays for so long: a container that was just being started may have opened it. */
const MERCY_MS = 1000;

const log = createLog('repair');

/** Finds what a disk has lost or falsified, and makes it good: a blob from its registry, a layer from its blob. */
export class Repair {
  static readonly tables = [TABLE];
  readonly sweep: Sweep;
  readonly #options: RepairOptions;
  readonly #before: Run | undefined;
  #running = false;

  /** `lastWrite`: when the engine before this one wrote to its database last, in Unix milliseconds. */
  static async open(options: RepairOptions, { lastWrite }: { lastWrite: number }): Promise<Repair> {
    const repair = new Repair(options);
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const { store, snapshots } = options;
    const cut = repair.#before && !repair.#before.ended && repair.#before.bootId !== bootId;
    await store.commit((change) => {
      change.urgent();
      change.put(TABLE, 'run', { bootId, ended: false } satisfies Run);
    });
    // Killed alone, what it had written the kernel still wrote.
    const recent = cut ? snapshots.all().filter(({ made = 0 }) => made > lastWrite - RECENT_MS) : [];
    if (recent.length > 0) await repair.#afterPowerCut(recent);
    return repair;
  }

  private constructor(options: RepairOptions) {
    this.#options = options;
    this.#before = options.store.rows<Run>(TABLE).get('run');
    this.sweep = new Sweep(options);
  }

  /** The end came as it should. */
  async close(): Promise<void> {
    this.sweep.close();
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    await this.#options.store
      .commit((change) => change.put(TABLE, 'run', { bootId, ended: true } satisfies Run))
      .catch((error: unknown) => log.warn(messageOf(error)));
  }

  /** Looks at everything. What is in use is not touched, and told. One at a time. */
  async run({ report = () => undefined, usersOf = () => [], signal }: RepairRequest = {}): Promise<SelfChecked> {
    if (this.#running) throw conflict('a self-check is under way already: wait until it is done');
    this.#running = true;
    try {
      const begun = Date.now();
      const { snapshots } = this.#options;
      const findings: Finding[] = [];
      const find = (finding: Finding) => {
        findings.push(finding);
        report({ Finding: finding });
        log.warn(`${finding.Kind} ${finding.Id}: ${finding.Problem}; ${finding.Outcome}`);
      };
      const control = signal ?? new AbortController().signal;
      const blobs = await this.#checkBlobs({ report, find, signal: control });
      const layers = await this.#checkLayers(snapshots.all(), { report, find, usersOf, signal: control });
      const damaged = new Set(
        findings.flatMap(({ Kind, Id, State }) => (Kind === 'layer' && State === 'kept' ? [Id] : [])),
      );
      const copies = await this.#checkCopies(damaged, { report, find, signal: control });
      report({ Stage: 'strays', Checked: 0, Total: 1 });
      for (const stray of await this.sweep.strays()) {
        await this.sweep.discard(stray);
        find({
          ...{ Kind: 'stray', Id: stray, Images: [], Users: [], State: 'removed', Cause: 'stray', Action: 'discarded' },
          ...{ Problem: 'it belongs to nothing that this engine knows', Outcome: 'it was moved to the trash' },
        });
      }
      report({ Stage: 'strays', Checked: 1, Total: 1 });
      return {
        Done: { Blobs: blobs, Layers: layers, Copies: copies, Findings: findings, Milliseconds: Date.now() - begun },
      };
    } finally {
      this.#running = false;
    }
  }

  async #afterPowerCut(recent: SnapshotRecord[]): Promise<void> {
    log.info(`the machine went down without a goodbye: looking at the ${recent.length} layers that were new then`);
    const find = (finding: Finding) => log.warn(`layer ${finding.Id}: ${finding.Problem}; ${finding.Outcome}`);
    const { signal } = new AbortController();
    await this.#checkLayers(recent, { report: () => undefined, find, usersOf: () => [], signal }).catch(
      (error: unknown) => log.warn(`the new layers could not be looked at: ${messageOf(error)}`),
    );
  }

  /** Every blob of every image: there, and what its digest says. */
  async #checkBlobs({ report, find, signal }: Checking): Promise<number> {
    const { content, helper } = this.#options;
    const images = this.#options.images.stock();
    const came = ownersOf(images, ({ layers, documents }) => [...documents, ...layers.map(({ digest }) => digest)]);
    const made = ownersOf(images, ({ packed }) => packed.flatMap((each) => each?.digest ?? []));
    const owners = new Map([...made, ...came]);
    let checked = 0;
    for (const [digest, owned] of owners) {
      signal.throwIfAborted();
      report({ Stage: 'blobs', Checked: checked++, Total: owners.size, Item: digest });
      const there = (await content.size(digest)) !== undefined;
      const found = there ? await helper.digest(content.path(digest), signal).catch(messageOf) : undefined;
      // It may have been removed meanwhile, and its file with it.
      if (found === digest || !this.#options.images.needs(digest)) continue;
      const problem = there ? 'its content is not what its digest says' : 'it is not there';
      if (!came.has(digest)) {
        // What was compressed here for registries is compressed again for the next one.
        if (!there) continue;
        await helper.discard(content.path(digest));
        find({
          ...{ Kind: 'blob', Id: digest, Images: owned.map(nameOf), Users: [], Problem: problem, Cause: 'changed' },
          ...{ Outcome: 'it was moved to the trash: the next push makes it again', State: 'removed' },
          Action: 'discarded',
        });
        continue;
      }
      const again = await this.#fetchAgain(digest, owned, signal);
      // Whoever loads or pulls the image again must not take it for whole.
      if (again !== true && isDigest(found)) await helper.discard(content.path(digest));
      const known = owned.some(({ origins }) => origins.length > 0);
      find({
        ...{ Kind: 'blob', Id: digest, Images: owned.map(nameOf), Users: [], Problem: problem },
        Cause: there ? 'changed' : 'missing',
        ...(again === true
          ? { Outcome: 'it was fetched again', State: 'repaired', Action: 'fetched' }
          : {
              ...{ Outcome: `${again} Until then the image can be run, not saved or pushed`, State: 'kept' },
              Action: known ? 'not-fetched' : 'no-origin',
            }),
      });
    }
    report({ Stage: 'blobs', Checked: owners.size, Total: owners.size });
    return owners.size;
  }

  /** From where the image came. Otherwise why not, in a sentence. */
  async #fetchAgain(digest: string, images: StockedImage[], signal: AbortSignal): Promise<true | string> {
    const { content, helper, registry } = this.#options;
    const names = images.map(nameOf).join(', ');
    let failure: string | undefined;
    for (const image of images) {
      for (const origin of image.origins) {
        try {
          using lease = content.lease();
          lease.pin(digest);
          const repository = registry.repository(origin);
          const layer = image.layers.find((each) => each.digest === digest);
          const isManifest = layer === undefined && digest !== image.id;
          const manifest = isManifest ? await repository.manifest(digest, signal) : undefined;
          // The damaged one goes only now that another is offered.
          if (manifest) {
            await helper.discard(content.path(digest));
            await content.write(manifest.bytes);
          } else {
            const size = layer?.size ?? (await sizeOfConfig(repository, image, signal));
            const source = repository.blob(digest);
            let offered: Awaited<ReturnType<BlobSource>> | undefined = await source(0, signal);
            await helper.discard(content.path(digest));
            const first: BlobSource = (offset, control) => {
              const taken = offered;
              offered = undefined;
              return taken && offset === 0 ? Promise.resolve(taken) : source(offset, control);
            };
            await content.fetch({ digest, size }, first, { signal });
          }
          return true;
        } catch (error) {
          signal.throwIfAborted();
          failure = `${origin.domain}: ${messageOf(error)}`;
        }
      }
    }
    return failure
      ? `it could not be fetched again (${failure}): pull ${names} again.`
      : `no registry is known that has it: load or pull ${names} again.`;
  }

  /** Each layer against what its blob unpacks to; those below first, as those above take looks from them. */
  async #checkLayers(records: SnapshotRecord[], { report, find, usersOf, signal }: CheckingLayers): Promise<number> {
    const { snapshots } = this.#options;
    const depths = new Map<string, number>();
    const depth = ({ chainId, parent }: SnapshotRecord): number => {
      const known = depths.get(chainId);
      if (known !== undefined) return known;
      const below = parent === null ? undefined : snapshots.get(parent);
      const own = below ? depth(below) + 1 : 0;
      depths.set(chainId, own);
      return own;
    };
    const sorted = [...records].sort((a, b) => depth(a) - depth(b));
    const images = this.#options.images.stock();
    const owners = ownersOf(images, ({ chain }) => chain);
    let checked = 0;
    for (const record of sorted) {
      signal.throwIfAborted();
      report({ Stage: 'layers', Checked: checked++, Total: sorted.length, Item: record.chainId });
      const owned = owners.get(record.chainId) ?? [];
      try {
        await this.#checkLayer(record, owned, { find, usersOf, signal });
      } catch (error) {
        signal.throwIfAborted();
        if (snapshots.get(record.chainId)?.number !== record.number) continue; // it was removed meanwhile
        find({
          ...{ Kind: 'layer', Id: record.chainId, Images: owned.map(nameOf), Users: [], State: 'kept' },
          ...{ Cause: 'unchecked', Action: 'nothing' },
          ...{ Problem: `it could not be checked: ${messageOf(error)}`, Outcome: 'nothing was changed' },
        });
      }
    }
    report({ Stage: 'layers', Checked: sorted.length, Total: sorted.length });
    return sorted.length;
  }

  async #checkLayer(
    record: SnapshotRecord,
    images: StockedImage[],
    { find, usersOf, signal }: Omit<CheckingLayers, 'report'>,
  ): Promise<void> {
    const { root, store, helper, content, layers, snapshots } = this.#options;
    const { chainId } = record;
    const seen = await helper.fingerprint(snapshots.pathOf(record), signal).catch((error: unknown) => {
      signal.throwIfAborted();
      log.debug(messageOf(error));
      return undefined;
    });
    if (seen !== undefined && seen === record.print) return;
    const found = (
      Problem: string,
      Outcome: string,
      more: { State: Finding['State']; Action: Finding['Action']; Users?: string[] },
    ) => {
      const Cause = seen === undefined ? 'missing' : 'changed';
      find({ Kind: 'layer', Id: chainId, Images: images.map(nameOf), Users: [], Cause, Problem, Outcome, ...more });
    };
    const names = images.map(nameOf).join(', ');
    const missing = seen === undefined ? 'its directory is missing or cannot be read' : undefined;
    using lease = content.lease();
    const blob = await this.#goodBlob(chainId, images, lease, signal);
    if (blob === undefined) {
      const why = missing ?? (record.print ? 'its files are not what they were' : undefined);
      const way = `there is no whole blob to unpack it from: pull or load ${names} again`;
      if (why) found(why, way, { State: 'kept', Action: 'no-blob' });
      return;
    }
    await requireRoom(root, { bytes: record.size }, `unpacking ${shortId(chainId)} once more`);
    const draft = await layers.again(record, blob, signal);
    let kept = false;
    try {
      const print = await helper.fingerprint(draft.path, signal);
      if (print === seen) {
        await store.commit((change) => {
          change.passing();
          snapshots.amend(change, chainId, { number: record.number, print });
        });
        return;
      }
      const problem = missing ?? 'its files are not what its blob says';
      const users = usersOf(chainId);
      if (users.length > 0) {
        const way = `it is in use by ${users.join(', ')}: stop ${users.length > 1 ? 'them' : 'it'}, then check again`;
        return found(problem, way, { State: 'kept', Action: 'in-use', Users: users });
      }
      await helper.sync();
      await snapshots.syncNames([draft]);
      let dropFlat = (): Promise<void> => Promise.resolve();
      await store.commit((change) => {
        kept = snapshots.amend(change, chainId, { number: draft.number, print });
        dropFlat = snapshots.forgetFlat(change, chainId);
      });
      if (!kept) return; // it was removed meanwhile
      await snapshots.flattenAgain(chainId);
      found(problem, 'it was unpacked again', { State: 'repaired', Action: 'unpacked' });
      await dropFlat();
      await sleep(MERCY_MS);
      // What a container has opened in this moment goes with the next start.
      if (usersOf(chainId).length === 0) await snapshots.dropAll([record]);
    } finally {
      if (!kept) await snapshots.drop(draft);
    }
  }

  /** With `vfs`: each whole image against what its layers come to, but for those of damaged layers. */
  async #checkCopies(damaged: ReadonlySet<string>, { report, find, signal }: Checking): Promise<number> {
    const { root, store, helper, snapshots, images } = this.#options;
    const owners = ownersOf(images.stock(), ({ chain }) => chain);
    const wholes = snapshots.wholes().filter(([top]) => !snapshots.chainOf(top).some((id) => damaged.has(id)));
    let checked = 0;
    for (const [top, { number, print }] of wholes) {
      signal.throwIfAborted();
      report({ Stage: 'copies', Checked: checked++, Total: wholes.length, Item: top });
      const seen = await helper.fingerprint(snapshots.pathOf({ number }), signal).catch(() => undefined);
      signal.throwIfAborted();
      if (seen !== undefined && seen === print) continue;
      const about = { Kind: 'copy', Id: top, Images: (owners.get(top) ?? []).map(nameOf) } as const;
      try {
        await requireRoom(root, { bytes: snapshots.size(top) }, `copying ${shortId(top)} once more`);
        let replaced = false;
        const draft = await snapshots.copyAgain(top, async ({ number: next, path }) => {
          const right = await helper.fingerprint(path, signal);
          await store.commit((change) => {
            if (right === seen) snapshots.amendWhole(change, top, { number, print: right });
            else replaced = snapshots.amendWhole(change, top, { number: next, print: right });
          });
        });
        if (!replaced) {
          await snapshots.drop(draft);
          continue;
        }
        find({
          ...{
            ...about,
            Users: [],
            Cause: seen === undefined ? 'missing' : 'changed',
            Action: 'copied',
            State: 'repaired',
          },
          Problem: seen === undefined ? 'it is missing or cannot be read' : 'its files are not what its layers come to',
          Outcome: 'it was copied again; containers that were made of it before may have what was wrong in it',
        });
      } catch (error) {
        signal.throwIfAborted();
        if (!snapshots.wholes().some(([id]) => id === top)) continue; // it was removed meanwhile
        find({
          ...{ ...about, Users: [], Cause: 'unchecked', Action: 'nothing', State: 'kept' },
          ...{ Problem: `it could not be checked: ${messageOf(error)}`, Outcome: 'nothing was changed' },
        });
      }
    }
    if (wholes.length > 0) report({ Stage: 'copies', Checked: wholes.length, Total: wholes.length });
    return wholes.length;
  }

  /** A blob of this layer whose bytes are what its digest says. */
  async #goodBlob(
    chainId: string,
    images: StockedImage[],
    lease: { pin(digest: string): void },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { content, helper } = this.#options;
    const digests = images.flatMap(({ chain, layers }) => layers[chain.indexOf(chainId)]?.digest ?? []);
    for (const digest of new Set(digests)) {
      lease.pin(digest);
      if ((await content.size(digest)) === undefined) continue;
      if ((await helper.digest(content.path(digest), signal).catch(() => undefined)) === digest) return digest;
      signal.throwIfAborted();
    }
    return undefined;
  }
}

interface Checking {
  report: (line: SelfCheckLine) => void;
  find: (finding: Finding) => void;
  signal: AbortSignal;
}

interface CheckingLayers extends Checking {
  usersOf: (chainId: string) => string[];
}

const nameOf = ({ id, names }: StockedImage): string => names[0] ?? shortId(id);

function ownersOf(images: StockedImage[], partsOf: (image: StockedImage) => string[]): Map<string, StockedImage[]> {
  const owners = new Map<string, StockedImage[]>();
  for (const image of images) {
    for (const part of new Set(partsOf(image))) {
      const owned = owners.get(part);
      if (owned) owned.push(image);
      else owners.set(part, [image]);
    }
  }
  return owners;
}

/** An image's configuration is in no record with its size: its manifest says it. */
async function sizeOfConfig(
  repository: ReturnType<Registry['repository']>,
  { id, manifest }: StockedImage,
  signal: AbortSignal,
): Promise<number> {
  if (manifest === undefined) return 0;
  const { bytes } = await repository.manifest(manifest, signal);
  const { config } = JSON.parse(bytes.toString('utf8')) as { config?: { digest?: string; size?: number } };
  return config?.digest === id ? (config.size ?? 0) : 0;
}
