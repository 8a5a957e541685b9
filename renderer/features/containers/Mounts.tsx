import { Database, Folder, FolderOpen, MemoryStick } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerInspect, ContainerSummary } from '../../../main/contract/containers.js';
import { nameOf } from '../../parts/container-state.js';
import { useAnswer } from '../../parts/use-answer.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { Empty } from '../../ui/Empty.js';
import { navigate, pathTo } from '../../ui/route.js';
import { Scroller } from '../../ui/Scroller.js';
import { mountsOf, ownerIn, permissions, sharersOf, type MountPoint } from './mounts.js';

const icons = { volume: Database, bind: Folder, tmpfs: MemoryStick } as const;

/** Where directories of this machine, volumes and memory appear in the container, whose they are and who else has them. */
export function Mounts({ container, inspect }: { container: ContainerSummary; inspect: ContainerInspect }) {
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
          <Mount key={mount.Destination} mount={mount} container={container} />
        ))}
      </ul>
    </Scroller>
  );
}

function Mount({ mount, container }: { mount: MountPoint; container: ContainerSummary }) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const containers = useEngine((state) => state.containers);
  const { value: owner } = useAnswer(async () => {
    if (mount.Type === 'tmpfs') return undefined;
    const { tar } = await client.containers.copyFrom(container.Id, mount.Destination);
    try {
      return await ownerIn(tar);
    } finally {
      tar.cancel();
    }
  }, `${container.Id} ${mount.Destination}`);
  const Icon = icons[mount.Type as keyof typeof icons] ?? Folder;
  const sharers = sharersOf(mount, container.Id, containers ?? []);
  const type = mount.Type as 'volume' | 'bind' | 'tmpfs';
  return (
    <li className="mount">
      <div className="row g8">
        <Icon className="icon t2" aria-hidden />
        <b className="mono select grow" style={{ overflowWrap: 'anywhere' }}>
          {mount.Destination}
        </b>
        <span className="tag">{type in icons ? t(`mounts.${type}`) : mount.Type}</span>
        <span className="tag">{mount.RW ? t('mounts.readWrite') : t('mounts.readOnly')}</span>
      </div>
      <dl>
        {mount.Name !== undefined && (
          <>
            <dt>{t('mounts.volumeName')}</dt>
            <dd className="mono">
              <span className="cut">{mount.Name}</span>
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
        {owner && (
          <>
            <dt>{t('mounts.owner')}</dt>
            <dd className="mono">
              {owner.uid}:{owner.gid} · {permissions(owner.mode)}
            </dd>
          </>
        )}
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
            <dt>{t('mounts.shared')}</dt>
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
