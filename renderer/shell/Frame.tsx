import type { ReactNode } from 'react';
import { ChevronLeft, ChevronRight, ListChecks, Search, Terminal as TerminalIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { clsx } from 'clsx';
import type { Platform } from '../../main/contract/bridge.js';
import { nameOf, shapeOf } from '../parts/container-state.js';
import { namedImages } from '../parts/image-names.js';
import { useEngineName } from '../parts/RemoveDialog.js';
import { ShapeIcon, toneOf } from '../parts/Shape.js';
import { isUnderWay } from '../store/changes-slice.js';
import { useEngine } from '../store/index.js';
import { shareOfTask } from '../store/tasks-slice.js';
import { shareOf } from '../store/transfers-slice.js';
import { useSurface } from '../store/surface.js';
import { IconButton } from '../ui/Button.js';
import { useNow } from '../ui/clock.js';
import { bytes, shortId } from '../ui/format.js';
import { Mark } from '../ui/Mark.js';
import { navigate, pathTo, useRoute } from '../ui/route.js';
import { pages, type Page } from './pages.js';
import { WindowButtons } from './WindowButtons.js';

export function TopBar({ platform }: { platform: Platform }) {
  const { t } = useTranslation();
  const show = useSurface((surface) => surface.show);
  return (
    <header className="top" tabIndex={-1} data-region aria-label={t('window.regions.top')}>
      <div className="brand">
        <Mark />
        <span>Slipway</span>
      </div>
      <Crumbs />
      <button
        type="button"
        className="find"
        onClick={() => show({ palette: true })}
        aria-keyshortcuts="Control+K"
        aria-haspopup="dialog"
      >
        <Search className="icon s14" aria-hidden />
        <span className="grow cut">{t('find')}</span>
        <kbd aria-hidden>Ctrl K</kbd>
      </button>
      <div className="top-right">
        <WindowButtons platform={platform} />
      </div>
    </header>
  );
}

function Crumbs() {
  const { t } = useTranslation();
  const [page = 'containers', object] = useRoute();
  const containers = useEngine((state) => state.containers);
  const container = page === 'containers' ? containers?.find(({ Id }) => Id === object) : undefined;
  const known = pages.find(({ id }) => id === page)?.id ?? 'containers';
  const last = container
    ? nameOf(container)
    : object && /^(sha256:)?[0-9a-f]{64}$/.test(object)
      ? shortId(object)
      : object;
  return (
    <nav className="crumbs" aria-label={t('window.path')}>
      <IconButton
        small
        iconSize={14}
        icon={ChevronLeft}
        label={t('common.back')}
        shortcut="Alt ←"
        onClick={() => history.back()}
      />
      <ol>
        <li>
          {object ? (
            <a href={`#${pathTo(known)}`}>{t(`nav.${known}`)}</a>
          ) : (
            <b aria-current="location">{t(`nav.${known}`)}</b>
          )}
        </li>
        {object && (
          <li>
            <ChevronRight className="icon s14" aria-hidden />
            <b className="cut" aria-current="location">
              {last}
            </b>
          </li>
        )}
      </ol>
    </nav>
  );
}

export function Rail() {
  const { t } = useTranslation();
  const [page = 'containers'] = useRoute();
  const containers = useEngine((state) => state.containers?.length);
  const images = useEngine((state) => state.images && namedImages(state.images).length);
  const volumes = useEngine((state) => state.volumes?.length);
  const counts: Partial<Record<Page['id'], number | undefined>> = { containers, images, volumes };
  const item = ({ id, icon: Icon }: Page) => (
    <a key={id} className="rail-item" href={`#${pathTo(id)}`} aria-current={page === id ? 'page' : undefined}>
      <Icon className="icon" aria-hidden />
      <span>{t(`nav.${id}`)}</span>
      {counts[id] !== undefined && <span className="n">{counts[id]}</span>}
    </a>
  );
  return (
    <nav className="rail" aria-label={t('window.regions.rail')} data-region>
      {pages.filter(({ id }) => id !== 'settings').map(item)}
      <span className="rail-gap" />
      {pages.filter(({ id }) => id === 'settings').map(item)}
      <EngineCard />
    </nav>
  );
}

/** Which engine this is; it never scrolls away. */
function EngineCard() {
  const { t } = useTranslation();
  const { connection, features, version } = useEngine((state) => state);
  const name = useEngineName();
  const detail =
    connection.state !== 'ready'
      ? t(`engine.${connection.state}`)
      : features
        ? t(features.rootless ? 'engine.rootless' : 'engine.rootful', { version: features.version })
        : version
          ? t('engine.foreign', { name: version.Platform?.Name || 'Docker', version: version.Version })
          : t('engine.running');
  return (
    <button
      type="button"
      className={clsx('engine-card', connection.state !== 'ready' && 'off')}
      title={t('engine.cardHint')}
      onClick={() => navigate(pathTo('settings'))}
    >
      <span className="flag" />
      <span className="grow">
        <b className="cut" style={{ display: 'block' }}>
          {name}
        </b>
        <span className="s11 t3 cut" style={{ display: 'block' }}>
          {detail}
        </span>
      </span>
    </button>
  );
}

export function StatusBar() {
  const { t } = useTranslation();
  const { changes, connection, containers, images, tasks, terminals, transfers, version } = useEngine((state) => state);
  const show = useSurface((surface) => surface.show);
  const shape = { ready: 'run', starting: 'moving', gone: 'failed' } as const;
  const words = { ready: t('engine.running'), starting: t('engine.starting'), gone: t('engine.gone') };
  const running = containers?.filter(({ State }) => State === 'running').length ?? 0;
  const failed = containers?.filter((container) => shapeOf(container) === 'failed').length ?? 0;
  const active = [
    ...tasks.filter(({ state }) => state === 'running').map(shareOfTask),
    ...transfers.filter(({ state }) => state === 'running').map(shareOf),
  ];
  const busy = active.length + changes.filter(isUnderWay).length;
  const known = active.filter((each) => each !== undefined);
  const percent = Math.floor((known.reduce((sum, each) => sum + each, 0) / known.length) * 100);
  const size = images?.reduce((sum, image) => sum + image.Size, 0) ?? 0;
  return (
    <footer className="status-bar" tabIndex={-1} aria-label={t('window.regions.status')} data-region>
      <span className={`it ${toneOf(shape[connection.state])}`} role="status">
        <ShapeIcon shape={shape[connection.state]} />
        <span className="t2">{words[connection.state]}</span>
      </span>
      {containers && containers.length > 0 && (
        <span className="it">
          {t('engine.totalsRunning', { count: running })}
          {failed > 0 && ` · ${t('engine.totalsFailed', { count: failed })}`}
        </span>
      )}
      <span className="grow" />
      {tasks.length + changes.length + transfers.length > 0 && (
        <button
          type="button"
          className={clsx('it', busy > 0 && 'c-acc')}
          onClick={() => show({ tasks: true })}
          title={t('status.openTasks')}
        >
          <ListChecks className="icon s12" aria-hidden />
          {busy > 0
            ? [t('status.tasks', { count: busy }), ...(known.length ? [t('tasks.percent', { percent })] : [])].join(
                ' · ',
              )
            : t('tasks.title')}
        </button>
      )}
      {terminals.length > 0 && (
        <span className="it">
          <TerminalIcon className="icon s12" aria-hidden />
          {t('status.terminals', { count: terminals.length })}
        </span>
      )}
      {images && images.length > 0 && (
        <span className="it">{t('status.images', { count: namedImages(images).length, size: bytes(size) })}</span>
      )}
      {version && connection.state === 'ready' && (
        <span className="it">{t('status.api', { version: version.ApiVersion })}</span>
      )}
    </footer>
  );
}

/** Says above the page when the engine is not there; the page keeps what it showed. */
export function EngineBanner() {
  const { t } = useTranslation();
  const connection = useEngine((state) => state.connection);
  const known = useEngine((state) => state.containers !== undefined);
  const waitingSince = useEngine((state) => state.waitingSince);
  if (connection.state === 'ready' && waitingSince !== undefined) return <BusyBanner since={waitingSince} />;
  if (connection.state === 'ready' || (connection.state === 'starting' && !known)) return null;
  const gone = connection.state === 'gone';
  return (
    <Banner kind={gone ? 'warning' : 'info'}>
      <ShapeIcon shape={gone ? 'unhealthy' : 'moving'} />
      <span className="grow">
        <b>{gone ? t('engine.bannerGone') : t('engine.bannerStarting')}</b>{' '}
        {connection.problem ?? (gone ? t('engine.bannerGoneDetail') : t('engine.bannerStartingDetail'))}
      </span>
    </Banner>
  );
}

/** The seconds are not read out: that it is busy is. */
function BusyBanner({ since }: { since: number }) {
  const { t } = useTranslation();
  const seconds = Math.max(0, Math.round((useNow(1000) - since) / 1000));
  return (
    <Banner kind="info">
      <ShapeIcon shape="moving" />
      <span className="grow">
        <b>{t('engine.bannerBusy')}</b> {t('engine.bannerBusyDetail')}{' '}
        <span className="num t3" aria-hidden>
          {t('time.seconds', { count: seconds })}
        </span>
      </span>
    </Banner>
  );
}

export const Banner = ({ kind, children }: { kind: 'info' | 'warning'; children: ReactNode }) => (
  <div className={clsx('banner', kind === 'info' && 'info')} role="status">
    {children}
  </div>
);
