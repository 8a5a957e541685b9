import type { Progress } from '../../main/contract/images.js';

/** `moving`: bytes of it are under way, whichever way. `had`: where it goes to has it already. */
export type LayerPhase = 'waiting' | 'retrying' | 'moving' | 'moved' | 'extracting' | 'done' | 'had';

export interface Layer {
  id: string;
  phase: LayerPhase;
  current: number;
  total: number;
}

/** How far a pull, a push or a load is, told by the engine's progress lines. */
export interface PullProgress {
  layers: Layer[];
  digest?: string;
  /** The engine's last line: `Downloaded newer image for …`, `Image is up to date for …`. */
  summary?: string;
  /** Names of the images that an archive brought, ids of those that have none. */
  brought?: string[];
  error?: string;
}

export const noProgress: PullProgress = { layers: [] };

const layerId = /^[0-9a-f]{12}$/;

const phaseOf = (status: string): LayerPhase | undefined => {
  if (/^(?:Already exists|Layer already exists|Mounted from )/.test(status)) return 'had';
  if (status === 'Pull complete' || status === 'Pushed') return 'done';
  if (status === 'Extracting') return 'extracting';
  if (status === 'Downloading' || status === 'Pushing' || status === 'Loading layer') return 'moving';
  if (status === 'Download complete' || status === 'Verifying Checksum') return 'moved';
  if (status === 'Pulling fs layer' || status === 'Waiting' || status === 'Preparing') return 'waiting';
  if (status.startsWith('Retrying')) return 'retrying';
  return undefined;
};

/** The progress after one more line. */
export function advance(progress: PullProgress, line: Progress): PullProgress {
  if (line.error !== undefined || line.errorDetail)
    return { ...progress, error: line.errorDetail?.message ?? line.error ?? '' };
  const status = line.status ?? '';
  const loaded = /^Loaded image(?: ID)?: (\S+)/.exec(line.stream ?? '') ?? /^(sha256:[0-9a-f]{64})$/.exec(status);
  if (loaded?.[1]) return { ...progress, brought: [...(progress.brought ?? []), loaded[1]] };
  const pushed = /^\S+: digest: (sha256:[0-9a-f]{64})/.exec(status);
  if (pushed?.[1]) return { ...progress, digest: pushed[1] };
  if (status.startsWith('Digest: ')) return { ...progress, digest: status.slice('Digest: '.length) };
  if (status.startsWith('Status: ')) return { ...progress, summary: status.slice('Status: '.length) };
  const phase = phaseOf(status);
  if (phase === undefined || line.id === undefined || !layerId.test(line.id)) return progress;
  const known = progress.layers.find((layer) => layer.id === line.id);
  const detail = line.progressDetail ?? {};
  const total = (phase === 'moving' && detail.total) || known?.total || 0;
  const layer: Layer = {
    id: line.id,
    phase,
    total,
    current:
      phase === 'moving'
        ? (detail.current ?? known?.current ?? 0)
        : phase === 'waiting' || phase === 'retrying'
          ? (known?.current ?? 0)
          : Math.max(total, known?.current ?? 0),
  };
  return {
    ...progress,
    layers: known
      ? progress.layers.map((other) => (other.id === layer.id ? layer : other))
      : [...progress.layers, layer],
  };
}

/** Bytes moved and to move, of the layers whose size is known. */
export function sums({ layers }: PullProgress): { current: number; total: number; sized: boolean } {
  const moving = layers.filter((layer) => layer.phase !== 'had');
  return {
    current: moving.reduce((sum, layer) => sum + layer.current, 0),
    total: moving.reduce((sum, layer) => sum + layer.total, 0),
    sized: moving.length > 0 && moving.every((layer) => layer.total > 0),
  };
}

/**
 * The share that is done, between 0 and 1: every layer to fetch counts the same until all sizes are known, then by its bytes. Unpacking
 * is the last tenth.
 */
export function share(progress: PullProgress): number {
  const moving = progress.layers.filter((layer) => layer.phase !== 'had');
  if (moving.length === 0) return progress.layers.length > 0 ? 1 : 0;
  const { current, total, sized } = sums(progress);
  const fetched = sized
    ? current / total
    : moving.reduce((sum, layer) => sum + (layer.total > 0 ? layer.current / layer.total : settled(layer)), 0) /
      moving.length;
  const unpacked = moving.filter((layer) => layer.phase === 'done').length / moving.length;
  return Math.min(1, fetched * 0.9 + unpacked * 0.1);
}

const settled = ({ phase }: Layer): number =>
  phase === 'waiting' || phase === 'retrying' || phase === 'moving' ? 0 : 1;

/** Bytes per second over the last few seconds. */
export class Speed {
  readonly #samples: { at: number; bytes: number }[] = [];

  constructor(private readonly window = 3000) {}

  sample(at: number, bytes: number): number {
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > this.window) this.#samples.shift();
    const first = this.#samples[0];
    if (!first || at - first.at < 250) return 0;
    return Math.max(0, ((bytes - first.bytes) * 1000) / (at - first.at));
  }
}
