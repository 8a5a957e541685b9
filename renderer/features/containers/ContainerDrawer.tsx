import { useEffect } from 'react';
import { Box, Ellipsis, Pencil, Play, RotateCw, Skull, Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { fits, useContainerActions } from '../../parts/container-actions.js';
import { nameOf } from '../../parts/container-state.js';
import { Drawer } from '../../parts/Drawer.js';
import { StateBadge } from '../../parts/StateBadge.js';
import { useAnswer } from '../../parts/use-answer.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { Empty } from '../../ui/Empty.js';
import { Problem } from '../../ui/Field.js';
import { shortId } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { Menu } from '../../ui/Menu.js';
import { navigate, pathTo } from '../../ui/route.js';
import { Tabs } from '../../ui/Tabs.js';
import { containerTabs, rememberedTab, rememberTab } from './tabs.js';

export function ContainerDrawer({
  container,
  tab,
  full,
  onFull,
  onClose,
}: {
  /** Undefined: it was removed while it was open. */
  container: ContainerSummary | undefined;
  tab: string | undefined;
  full: boolean;
  onFull(full: boolean): void;
  onClose(): void;
}) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const actions = useContainerActions();
  const pending = useEngine((state) => (container ? state.pending[container.Id] : undefined));
  const readAt = useEngine((state) => state.containersAt);
  const id = container?.Id;
  const { value: inspect, problem } = useAnswer(
    async () => (id === undefined ? undefined : store.client.containers.inspect(id)),
    `${id} ${readAt}`,
  );
  const shown = containerTabs.find((one) => one.id === tab)?.id ?? 'summary';
  useEffect(() => {
    if (id === undefined) return;
    if (tab === undefined) navigate(pathTo('containers', id, rememberedTab(id)), { replace: true });
    else rememberTab(id, tab);
  }, [id, tab]);

  if (!container)
    return (
      <Drawer name={t('drawer.gone')} full={full} onFull={onFull} onClose={onClose}>
        <Empty icon={Box} title={t('drawer.gone')} actions={<Button onClick={onClose}>{t('common.close')}</Button>}>
          {t('drawer.goneText')}
        </Empty>
      </Drawer>
    );

  const name = nameOf(container);
  const stops = fits('stop', container);
  const address = Object.values(container.NetworkSettings.Networks).find((network) => network.IPAddress)?.IPAddress;
  const waiting = problem ? (
    <div style={{ padding: 16 }}>
      <Problem>{t('inspect.failed', { error: problem })}</Problem>
    </div>
  ) : (
    <Loading waitingFor={t('common.loading')} />
  );
  return (
    <Drawer
      name={name}
      state={<StateBadge container={container} />}
      ids={
        <>
          <span className="mono cut select">{container.Image}</span>
          <span>·</span>
          <span className="mono select">{shortId(container.Id)}</span>
          <CopyIconButton text={container.Id} label={t('drawer.copyId')} />
          {address && (
            <>
              <span>·</span>
              <span className="mono select">{address}</span>
            </>
          )}
        </>
      }
      actions={
        <>
          {pending?.verb === 'stop' && fits('kill', container) && (
            <Button icon={Skull} onClick={() => void actions.act(container, 'kill')}>
              {t('action.killNow')}
            </Button>
          )}
          <Button
            icon={stops ? Square : Play}
            disabled={pending !== undefined || !(stops || fits('start', container))}
            onClick={() => void actions.act(container, stops ? 'stop' : 'start')}
          >
            {stops ? t('action.stop') : t('action.start')}
          </Button>
          <IconButton
            icon={RotateCw}
            label={t('action.restart')}
            disabled={pending !== undefined || !fits('restart', container)}
            onClick={() => void actions.act(container, 'restart')}
          />
          {actions.canEdit(container) && (
            <IconButton
              icon={Pencil}
              label={t('change.edit')}
              shortcut="E"
              disabled={pending !== undefined}
              onClick={() => actions.edit(container)}
            />
          )}
          <Menu label={t('action.more', { name })} entries={() => actions.menu(container)}>
            <button type="button" className="icon-btn" aria-label={t('common.more')}>
              <Ellipsis className="icon s14" aria-hidden />
            </button>
          </Menu>
        </>
      }
      full={full}
      onFull={onFull}
      onClose={onClose}
      drop={{ kind: 'container', id: container.Id }}
    >
      <Tabs
        label={t('drawer.label', { name })}
        value={shown}
        onChange={(next) => navigate(pathTo('containers', container.Id, next), { replace: true })}
        tabs={containerTabs.map(({ id: each, Panel }) => ({
          id: each,
          label: t(`drawer.${each}`),
          content: <Panel container={container} inspect={inspect} waiting={waiting} onFull={onFull} />,
        }))}
      />
    </Drawer>
  );
}
