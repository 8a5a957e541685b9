import { useRef, type ReactNode } from 'react';
import { Database, FileStack, Folder, FolderOpen, FolderPlus, Link2, MemoryStick, Unplug, Zap } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerInspect, ContainerSummary } from '../../../main/contract/containers.js';
import type { ContainerMount } from '../../../main/contract/mounts.js';
import { nameOf } from '../../parts/container-state.js';
import { Owner } from '../../parts/mounts/Owner.js';
import { useMounts } from '../../parts/mounts/use-mounts.js';
import { useAnswer } from '../../parts/use-answer.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { can } from '../../store/registries-slice.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { Empty } from '../../ui/Empty.js';
import { Problem } from '../../ui/Field.js';
import { navigate, pathTo } from '../../ui/route.js';
import { Scroller } from '../../ui/Scroller.js';
import { mountsOf, ownerIn, permissions, sharersOf, type MountPoint } from './mounts.js';
import { VolumesFrom } from './VolumesFrom.js';

const icons = { volume: Database, bind: Folder, tmpfs: MemoryStick, image: FileStack } as const;

interface Panel {
  container: ContainerSummary;
  inspect: ContainerInspect;
}

/** Where directories of this machine, volumes and memory appear in the container, whose they are and who else has them; put in and taken out. */
export function Mounts(panel: Panel) {
  const live = useEngine(can('live-mounts'));
  return live ? <OurMounts {...panel} /> : <ShownMounts {...panel} />;
}

/** Of an engine that changes them while the container runs. */
function OurMounts({ container, inspect }: Panel) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const open = useSurface((surface) => surface.open);
  // Every event of a container has the list read again, and that this.
  const readAt = useEngine((state) => state.containersAt);
  const { value: mounts, problem } = useAnswer(
    () => store.client.slipway.mounts.list(container.Id),
    `${container.Id} ${readAt}`,
  );
  const fixed = container.State === 'removing' || container.State === 'dead';
  const attach = useRef<HTMLButtonElement>(null);
  const sources = inspect.HostConfig.VolumesFrom ?? [];
  return (
    <Scroller label={t('drawer.mounts')}>
      {problem !== undefined && <Problem>{t('inspect.failed', { error: problem })}</Problem>}
      <div className="mounts-bar">
        <span className="grow s12 t3">{t('mounts.liveHint')}</span>
        <Button
          ref={attach}
          icon={FolderPlus}
          disabled={fixed}
          onClick={() => open({ kind: 'attach-mount', id: container.Id })}
        >
          {t('mounts.attachDots')}
        </Button>
      </div>
      {mounts?.length === 0 && (
        <Empty icon={FolderOpen} title={t('mounts.noneTitle')}>
          {t('mounts.noneText')}
        </Empty>
      )}
      {mounts !== undefined && mounts.length > 0 && (
        <ul className="cards" aria-label={t('mounts.list')}>
          {mounts
            .toSorted((a, b) => a.Destination.localeCompare(b.Destination))
            .map((mount) => (
              <OurMount
                key={mount.Destination}
                mount={mount}
                container={container}
                fixed={fixed}
                // Its button goes with it.
                onGone={() => attach.current?.focus()}
              />
            ))}
        </ul>
      )}
      <VolumesFrom container={container} sources={sources} fixed={fixed} />
    </Scroller>
  );
}

function OurMount({
  mount,
  container,
  fixed,
  onGone,
}: {
  mount: ContainerMount;
  container: ContainerSummary;
  fixed: boolean;
  onGone(): void;
}) {
  const { t } = useTranslation();
  const { askToDetach } = useMounts(container);
  const { Type, Destination, ReadOnly, Added, Live, Mounted, From, Owner: owner } = mount;
  const running = container.State === 'running' || container.State === 'paused';
  const shown: MountPoint = {
    ...mount,
    ...{ Mode: '', RW: !ReadOnly, Driver: undefined },
  };
  return (
    <Card mount={shown} container={container}>
      {{
        tags: (
          <>
            {Live ? (
              <span className="tag live">
                <Zap className="icon s12" aria-hidden />
                {t('mounts.live')}
              </span>
            ) : (
              Added && <span className="tag">{t('mounts.added')}</span>
            )}
            {running && !Mounted && <span className="tag restart">{t('mounts.waits')}</span>}
          </>
        ),
        action:
          From === null && (Type === 'bind' || Type === 'volume') ? (
            <IconButton
              icon={Unplug}
              small
              label={t('mounts.detach', { path: Destination })}
              disabled={fixed}
              onClick={() => void askToDetach(Destination).then((gone) => gone && onGone())}
            />
          ) : undefined,
        facts: (
          <>
            {From && (
              <>
                <dt>{t('mounts.from')}</dt>
                <dd>
                  <button
                    type="button"
                    className="link"
                    onClick={() => navigate(pathTo('containers', From.Id, 'mounts'))}
                  >
                    {From.Name}
                  </button>
                </dd>
              </>
            )}
            {owner && (
              <>
                <dt>{t('mounts.ownerLabel')}</dt>
                <dd>
                  <Owner owner={owner} />
                  <span className="mono">{permissions(owner.Mode)}</span>
                </dd>
              </>
            )}
          </>
        ),
      }}
    </Card>
  );
}

/** Of any other engine, as it tells them. */
function ShownMounts({ container, inspect }: Panel) {
  const { t } = useTranslation();
  const tmpfs = Object.entries(inspect.HostConfig.Tmpfs ?? {}).map(([Destination, options]): MountPoint => ({
    Type: 'tmpfs',
    Source: '',
    Destination,
    Mode: options,
    RW: !options.split(',').includes('ro'),
    Propagation: '',
  }));
  const mounts = mountsOf([
    ...inspect.Mounts,
    ...tmpfs.filter(
      ({ Destination }) => !(inspect.Mounts as MountPoint[]).some((one) => one.Destination === Destination),
    ),
  ]);
  if (mounts.length === 0)
    return (
      <Empty icon={FolderOpen} title={t('mounts.noneTitle')}>
        {t('mounts.noneText')}
      </Empty>
    );
  return (
    <Scroller label={t('drawer.mounts')}>
      <ul className="cards">
        {mounts.map((mount) => (
          <ShownMount key={mount.Destination} mount={mount} container={container} />
        ))}
      </ul>
    </Scroller>
  );
}

function ShownMount({ mount, container }: { mount: MountPoint; container: ContainerSummary }) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const { value: owner } = useAnswer(async () => {
    if (mount.Type === 'tmpfs') return undefined;
    const { tar } = await client.containers.copyFrom(container.Id, mount.Destination);
    try {
      return await ownerIn(tar);
    } finally {
      tar.cancel();
    }
  }, `${container.Id} ${mount.Destination}`);
  return (
    <Card mount={mount} container={container}>
      {{
        facts: owner && (
          <>
            <dt>{t('mounts.owner')}</dt>
            <dd className="mono">
              {owner.uid}:{owner.gid} · {permissions(owner.mode)}
            </dd>
          </>
        ),
      }}
    </Card>
  );
}

function Card({
  mount,
  container,
  children: { tags, action, facts },
}: {
  mount: MountPoint;
  container: ContainerSummary;
  children: { tags?: ReactNode; action?: ReactNode; facts: ReactNode };
}) {
  const { t } = useTranslation();
  const containers = useEngine((state) => state.containers);
  const Icon = icons[mount.Type as keyof typeof icons] ?? Folder;
  const sharers = sharersOf(mount, container.Id, containers ?? []);
  const type = mount.Type as keyof typeof icons;
  return (
    <li className="mount" aria-label={mount.Destination}>
      <div className="row g8">
        <Icon className="icon t2" aria-hidden />
        <b className="mono select grow" style={{ overflowWrap: 'anywhere' }}>
          {mount.Destination}
        </b>
        {tags}
        <span className="tag">{type in icons ? t(`mounts.${type}`) : mount.Type}</span>
        <span className="tag">{mount.RW ? t('mounts.readWrite') : t('mounts.readOnly')}</span>
        {action}
      </div>
      <dl>
        {mount.Name !== undefined && (
          <>
            <dt>{t('mounts.volumeName')}</dt>
            <dd className="mono">
              {mount.Type === 'volume' ? (
                <button
                  type="button"
                  className="link cut"
                  onClick={() => navigate(pathTo('volumes', mount.Name ?? ''))}
                >
                  {mount.Name}
                </button>
              ) : (
                <span className="cut">{mount.Name}</span>
              )}
              <CopyIconButton text={mount.Name} label={t('mounts.copyName')} />
            </dd>
          </>
        )}
        {mount.Source !== '' && (
          <>
            <dt>{t('mounts.source')}</dt>
            <dd className="mono">
              <span>{mount.Source}</span>
              <CopyIconButton text={mount.Source} label={t('mounts.copySource')} />
            </dd>
          </>
        )}
        {facts}
        {mount.Mode !== '' && (
          <>
            <dt>{t('mounts.options')}</dt>
            <dd className="mono">{mount.Mode}</dd>
          </>
        )}
        {mount.Driver !== undefined && mount.Driver !== 'local' && (
          <>
            <dt>{t('mounts.driver')}</dt>
            <dd className="mono">{mount.Driver}</dd>
          </>
        )}
        {sharers.length > 0 && (
          <>
            <dt className="row g4">
              <Link2 className="icon s12" aria-hidden />
              {t('mounts.shared')}
            </dt>
            <dd style={{ flexWrap: 'wrap' }}>
              {sharers.map((other) => (
                <button
                  key={other.Id}
                  type="button"
                  className="link"
                  onClick={() => navigate(pathTo('containers', other.Id, 'mounts'))}
                >
                  {nameOf(other)}
                </button>
              ))}
            </dd>
          </>
        )}
      </dl>
    </li>
  );
}
