import { useEffect, useState } from 'react';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../../main/client/index.js';
import type { UploadTarget } from '../../../main/contract/bridge.js';
import type { FolderFacts } from '../../../main/contract/mounts.js';
import type { DropTarget } from '../../store/drop.js';
import { messageOf, useEngineStore, type EngineStore } from '../../store/index.js';
import { can } from '../../store/registries-slice.js';
import { useSurface } from '../../store/surface.js';
import { notifyDone, notifyFailed, notifyNote } from '../../ui/notify.js';
import { nameOf } from '../container-state.js';
import { explain } from '../explain.js';
import { filesIn } from '../files/place.js';
import { parentOf } from '../files/tree.js';
import { explainAttach } from '../mounts/reasons.js';
import { cleanPath } from '../mounts/inside.js';
import { useMounts } from '../mounts/use-mounts.js';
import { appliesOf } from '../mounts/use-previews.js';
import { familiar } from '../reference.js';
import { useFailure } from '../use-failure.js';
import { rowsOf, type Draft } from './use-draft.js';
import { nameOfFolder, stillMeant, type Meant, type Way } from './ways.js';

interface Acting {
  target: DropTarget;
  facts: FolderFacts[];
  /** The engine is being asked: until then nothing is done, since what is there may be worth a warning. */
  counting: boolean;
  /** It has told. */
  told: boolean;
  way: Way | undefined;
  draft: Draft;
  /** The question, for what goes wrong after it was closed. */
  title: string;
  seen?: (() => void) | undefined;
  onClose(): void;
}

/** Something that a person can do something about, in their words. */
class Said extends Error {}

/** Does what was chosen. What fails before anything is under way is said in the dialog. */
export function useActs({ target, facts, counting, told, way, draft, title, seen, onClose }: Acting) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const open = useSurface((surface) => surface.open);
  const show = useSurface((surface) => surface.show);
  const mounted = store.getState().containers?.find(({ Id }) => Id === draft.container);
  const { attach } = useMounts(mounted ?? { Id: draft.container ?? '', Names: [] });
  const [busy, setBusy] = useState(false);
  /** Enter from before the engine had told. */
  const [early, setEarly] = useState<Meant>();
  const ready = !counting && !draft.waits;
  const { failure, fail, forget, isShown } = useFailure(title);

  const nameIn = (id: string | undefined) => {
    const found = store.getState().containers?.find(({ Id }) => Id === id);
    return found ? nameOf(found) : '';
  };

  const mount = async () => {
    const restart = appliesOf(draft.foreseen) === 'restart';
    try {
      await attach(draft.wishes, restart);
    } catch (error) {
      throw new Said(explainAttach(t, messageOf(error)));
    }
    seen?.();
    onClose();
  };

  const copy = async () => {
    const container = draft.container ?? '';
    const name = nameIn(container);
    const path = cleanPath(draft.path.trim()) ?? '/';
    await ensureDirectory(store, container, path, () => new Said(t('drop.noDirectory', { path, name })));
    const place = t('drop.placeOf', { name, path });
    onClose();
    void upload({ container, path, ...ownerOf(draft), ...(draft.content && { content: true }) }, name, place);
  };

  const volume = async () => {
    const { volume: name, newVolume } = draft;
    const path = target.kind === 'volume' ? (target.path ?? '/') : '/';
    const fresh = newVolume && can('volume-backups')(store.getState());
    if (newVolume && !fresh) await store.client.volumes.create({ Name: name });
    onClose();
    const into = {
      ...{ volume: name, path, ...ownerOf(draft) },
      ...(draft.content && { content: true }),
      ...(fresh && { fresh }),
    };
    const place = path === '/' ? name : t('drop.placeOf', { name, path });
    const done = await upload(into, name, place, newVolume ? t('drop.copyUndone') : undefined);
    // A new volume is whole or is not there: by itself, or by our hand.
    if (!done && newVolume && !fresh) await store.client.volumes.remove(name).catch(() => undefined);
  };

  /** Goes on whatever page is shown. Whether all of it has arrived. */
  const upload = async (into: UploadTarget, container: string, place: string, undone?: string): Promise<boolean> => {
    const sources = facts.map(({ Path }) => Path);
    const name = sources.length === 1 ? nameOfFolder(sources[0] ?? '') : place;
    let done = false;
    try {
      const { type } = await store.getState().upload(into, sources, { name, container });
      done = type === 'done';
      if (done) notifyDone(t('drop.copied', { count: facts.length, place }));
      else if (type === 'pathless') notifyFailed(t('drop.copyFailed', { place }), t('drop.pathless'));
      else notifyNote(t('drop.copyCancelled', { place }), undone ?? t('drop.copyRest'));
    } catch (error) {
      const why = /read-?only/i.test(messageOf(error)) ? t('files.readOnly', { path: into.path }) : explained(t, error);
      notifyFailed(t('drop.copyFailed', { place }), [why, ...(undone ? [undone] : [])].join(' '));
    }
    seen?.();
    if ('volume' in into) store.getState().touchVolumes();
    return done;
  };

  const acts: Record<Way, () => Promise<void>> = {
    mount,
    copy,
    volume,
    async run() {
      open({
        kind: 'run',
        mounts: rowsOf(facts, draft),
        ...(draft.image !== '' && { image: draft.image }),
      });
    },
    async import() {
      let began = 0;
      for (const { Path, Size } of facts) {
        const archive = { at: Path, name: nameOfFolder(Path), size: Size };
        if (store.getState().loadArchive(archive) === undefined)
          notifyFailed(t('load.failed', { name: archive.name }), t('drop.pathless'));
        else began += 1;
      }
      if (began > 0) show({ tasks: true });
      onClose();
    },
    async build() {
      const [{ Path = '', Size = 0, Dockerfile = null } = {}] = facts;
      const folder = { at: Path, name: nameOfFolder(Path), size: Size };
      const how = { reference: familiar(draft.reference), dockerfile: Dockerfile ?? 'Dockerfile' };
      if (store.getState().buildImage(folder, how) === undefined) throw new Said(t('drop.pathless'));
      show({ tasks: true });
      onClose();
    },
    async restore() {
      const [{ Path = '', Size = 0 } = {}] = facts;
      const archive = { at: Path, name: nameOfFolder(Path), size: Size };
      // What would be lost there has a dialog of its own.
      if (!draft.newVolume) return open({ kind: 'import-volume', archive, name: draft.volume });
      if (store.getState().fillVolume(archive, { volume: draft.volume, replace: false }) === undefined)
        throw new Said(t('drop.pathless'));
      show({ tasks: true });
      onClose();
    },
  };

  const { path, readOnly, volume: into } = draft;
  const meant = (chosen: Way): Meant => ({ way: chosen, path, readOnly, volume: into });
  const submit = async () => {
    if (!way || busy || draft.wrong !== undefined) return;
    if (!ready) return setEarly(meant(way));
    let begun = false;
    setBusy(true);
    forget();
    try {
      await stillThere(store, t, facts);
      // Escape meanwhile: nothing of it.
      if (!isShown()) return;
      begun = true;
      await acts[way]();
    } catch (error) {
      if (begun || isShown()) fail(explained(t, error));
    }
    setBusy(false);
  };
  useEffect(() => {
    if (!ready || !early) return;
    queueMicrotask(() => {
      setEarly(undefined);
      if (told && way && stillMeant(early, meant(way), facts)) void submit();
    });
    // When the engine has told, whatever else changes.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [ready]);
  return { busy: busy || (!ready && early !== undefined), failure, submit };
}

const ownerOf = ({ owner, who }: Draft): { uid?: number; gid?: number } =>
  owner === 'keep' || !who ? {} : { uid: who.uid, gid: who.gid };

/** Between dropping and doing, things are moved, renamed and deleted. */
async function stillThere(store: EngineStore, t: TFunction, facts: FolderFacts[]): Promise<void> {
  const { Paths = [] } = await store.client.slipway.check({ Paths: facts.map(({ Path }) => Path) });
  for (const { Path, Kind } of Paths) {
    if (Kind === 'missing') throw new Said(t('drop.goneNow', { path: Path }));
    if (Kind === 'unreadable' || Kind === 'unanswered') throw new Said(t('drop.unreadableNow', { path: Path }));
  }
}

/** Makes what of it is missing. */
async function ensureDirectory(
  store: EngineStore,
  container: string,
  path: string,
  problem: () => Error,
): Promise<void> {
  const files = filesIn(store.client, { of: { container }, name: '' });
  const missing: string[] = [];
  for (let at = path; at !== '/'; at = parentOf(at)) {
    try {
      await files.list({ path: at, limit: 1 });
      break;
    } catch (error) {
      if (!(error instanceof ApiError) || error.kind !== 'not-found') throw problem();
      missing.unshift(at);
    }
  }
  for (const each of missing) await files.makeDirectory(each);
}

/** In the window's language where the reason is a known one. */
function explained(t: TFunction, error: unknown): string {
  const words = messageOf(error);
  const gone = /^(.*) is not there any more$/s.exec(words)?.[1];
  if (gone !== undefined) return t('drop.failures.gone', { path: gone });
  const denied = /^(.*) may not be read: permission denied$/s.exec(words)?.[1];
  if (denied !== undefined) return t('drop.failures.denied', { path: denied });
  if (/no space left on device|ENOSPC|disk quota/i.test(words)) return `${t('drop.failures.full')} ${words}`;
  return explain(t, words);
}
