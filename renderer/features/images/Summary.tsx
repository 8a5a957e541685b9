import { CircleFadingArrowUp, RefreshCw, Tag as TagIcon, X } from 'lucide-react';
import { Trans, useTranslation } from 'react-i18next';
import type { ImageInspect } from '../../../main/contract/images.js';
import { explain } from '../../parts/explain.js';
import { useImageActions } from '../../parts/image-actions.js';
import { namedImages, type NamedImage } from '../../parts/image-names.js';
import { useEngine } from '../../store/index.js';
import { can } from '../../store/registries-slice.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { useNow } from '../../ui/clock.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { Fact, Facts } from '../../ui/Facts.js';
import { ago, bytes } from '../../ui/format.js';
import { Scroller } from '../../ui/Scroller.js';
import { configSentences } from './config-words.js';

/** An image in short: what it does, its names, its size and how much of it nobody else has. */
export function Summary({ row, inspect }: { row: NamedImage; inspect: ImageInspect }) {
  const { t, i18n } = useTranslation();
  const ask = useSurface((surface) => surface.open);
  const images = useEngine((state) => state.images);
  const shared = useEngine((state) => state.sharedSizes[row.id]);
  const [first] = configSentences((inspect.Config as ImageInspect['Config'] | null) ?? {});
  const names = namedImages(images ?? []).filter(({ id, repository }) => id === row.id && repository !== undefined);
  return (
    <Scroller label={t('drawer.summary')}>
      {first && (
        <div className="config-words select">
          <p>
            <Trans t={t} i18nKey={`config.${first.key}`} values={first.values} components={{ c: <code /> }} />
          </p>
        </div>
      )}
      <NewerNote row={row} />
      <div className="facts-title">
        <h3>{t('images.names')}</h3>
        <IconButton
          small
          iconSize={12}
          icon={TagIcon}
          label={t('images.tagDots')}
          onClick={() => ask({ kind: 'tag-image', id: row.id, reference: row.reference })}
        />
      </div>
      {names.length > 0 ? (
        <ul className="names-list">
          {names.map(({ reference }) => (
            <li key={reference}>
              <span className="mono grow select cut" title={reference}>
                {reference}
              </span>
              <CopyIconButton text={reference} label={t('images.copyNameOf', { name: reference })} />
              <IconButton
                small
                iconSize={12}
                icon={X}
                label={t('images.untag', { name: reference })}
                onClick={() => ask({ kind: 'remove-images', images: [{ id: row.id, name: reference }] })}
              />
            </li>
          ))}
        </ul>
      ) : (
        <p className="facts-none">{t('images.nameless')}</p>
      )}
      <h3 className="facts-title">{t('images.size')}</h3>
      <Facts>
        <Fact name={t('images.sizeWhole')}>{bytes(inspect.Size)}</Fact>
        {shared !== undefined && (
          <>
            <Fact name={t('images.shared')}>{bytes(shared)}</Fact>
            <Fact name={t('images.unique')}>{bytes(inspect.Size - shared)}</Fact>
          </>
        )}
        <Fact name={t('drawer.layers')}>{t('images.layerCount', { count: inspect.RootFS.Layers?.length ?? 0 })}</Fact>
      </Facts>
      <h3 className="facts-title">{t('images.origin')}</h3>
      <Facts>
        <Fact name={t('images.architecture')} mono>
          {[inspect.Os, inspect.Architecture, inspect.Variant].filter(Boolean).join('/')}
        </Fact>
        {inspect.Created && !inspect.Created.startsWith('0001-') && (
          <Fact name={t('summary.createdAt')}>
            {new Date(inspect.Created).toLocaleString(i18n.language, { dateStyle: 'medium', timeStyle: 'medium' })}
          </Fact>
        )}
        {inspect.Author && <Fact name={t('images.author')}>{inspect.Author}</Fact>}
        {inspect.Comment && <Fact name={t('images.comment')}>{inspect.Comment}</Fact>}
        <Fact name={t('summary.id')} mono>
          {inspect.Id}
        </Fact>
        {(inspect.RepoDigests ?? []).map((digest) => (
          <Fact key={digest} name={t('images.digest')} mono>
            {digest}
          </Fact>
        ))}
      </Facts>
    </Scroller>
  );
}

/** What the registry has under this name, once it is asked. */
function NewerNote({ row }: { row: NamedImage }) {
  const { t } = useTranslation();
  const actions = useImageActions();
  const knows = useEngine(can('registries'));
  const said = useEngine((state) => state.newer[row.reference]);
  const now = useNow(60_000);
  if (!knows || row.repository === undefined) return null;
  const askAgain = (
    <Button
      size="small"
      variant="ghost"
      icon={RefreshCw}
      disabled={said?.state === 'asking'}
      onClick={() => void actions.checkNewer([row])}
    >
      {t('images.askNewer')}
    </Button>
  );
  if (said?.state === 'known' && said.newer)
    return (
      <div className="newer-note" role="status">
        <CircleFadingArrowUp className="icon s14 c-acc" aria-hidden />
        <span className="grow">{t('images.newerText', { name: row.reference })}</span>
        <Button size="small" onClick={() => actions.pullAgain([row])}>
          {t('images.pullNewer')}
        </Button>
      </div>
    );
  return (
    <div className="newer-note quiet">
      <span className="grow s12 t3">
        {said?.state === 'known'
          ? t('images.newerNot', { ago: ago(t, now - said.at) })
          : said?.state === 'failed'
            ? explain(t, said.problem)
            : said?.state === 'asking'
              ? t('images.askingNewer')
              : t('images.newerUnasked')}
      </span>
      {askAgain}
    </div>
  );
}
