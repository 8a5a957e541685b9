import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../main/contract/containers.js';
import type { Pending } from '../store/containers-slice.js';
import { useEngine } from '../store/index.js';
import { useNow } from '../ui/clock.js';
import { ago, span } from '../ui/format.js';
import { shapeOf, statusFacts, type Shape } from './container-state.js';
import { ShapeIcon, toneOf } from './Shape.js';

export interface StateWords {
  shape: Shape;
  word: string;
  more: string;
}

/** A container's state as shape, word and what belongs to it: since when, exit code, seconds of an act under way. */
export function stateWords(
  t: TFunction,
  container: Pick<ContainerSummary, 'State' | 'Status'>,
  readAt: number,
  now: number,
  pending?: Pending,
): StateWords {
  if (pending) {
    const seconds = Math.max(0, Math.floor((now - pending.since) / 1000));
    const counted = pending.verb === 'stop' && pending.grace !== undefined && seconds <= pending.grace;
    return {
      shape: 'moving',
      word: t(`pending.${pending.verb}`),
      more: counted
        ? t('pending.of', { seconds, grace: pending.grace })
        : seconds > 0
          ? t('time.seconds', { count: seconds })
          : '',
    };
  }
  const shape = shapeOf(container);
  const facts = statusFacts(container.Status);
  const age = facts.age === undefined ? undefined : facts.age + (now - readAt);
  if (container.State === 'removing') return { shape, word: t('state.removing'), more: '' };
  if (container.State === 'dead') return { shape, word: t('state.dead'), more: '' };
  if (shape === 'failed')
    return {
      shape,
      word: t('state.failed'),
      more:
        age === undefined ? String(facts.exitCode) : t('state.exitCode', { code: facts.exitCode, ago: ago(t, age) }),
    };
  const more = age === undefined ? '' : shape === 'exited' ? ago(t, age) : span(t, age);
  return { shape, word: t(`state.${shape === 'moving' ? 'removing' : shape}`), more };
}

export function useStateWords(container: ContainerSummary): StateWords {
  const { t } = useTranslation();
  const pending = useEngine((state) => state.pending[container.Id]);
  const readAt = useEngine((state) => state.containersAt);
  const young = (statusFacts(container.Status).age ?? Infinity) < 60_000;
  const now = useNow(pending || young ? 1000 : 30_000);
  return stateWords(t, container, readAt, Math.max(now, readAt), pending);
}

export function StateBadge({ container }: { container: ContainerSummary }) {
  const { shape, word, more } = useStateWords(container);
  return (
    <span className={`state ${toneOf(shape)}`}>
      <ShapeIcon shape={shape} />
      <span>
        {word}
        {more && <span className="more"> {more}</span>}
      </span>
    </span>
  );
}
