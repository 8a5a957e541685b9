import { Box, Pencil, Play, RotateCw, Skull, Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { fits, useContainerActions } from '../../parts/container-actions.js';
import { nameOf } from '../../parts/container-state.js';
import { Drawer, DrawerTabs, GoneDrawer, useTabAtLast, Waiting, type TabbedFrame } from '../../parts/Drawer.js';
import { StateBadge } from '../../parts/StateBadge.js';
import { useAnswer } from '../../parts/use-answer.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { imageName, shortId } from '../../ui/format.js';
import { containerTabs } from './tabs.js';

export function ContainerDrawer({
  container,
  tab,
  ...frame
}: TabbedFrame & { container: ContainerSummary | undefined }) {
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
  useTabAtLast(['containers', id], tab, { kept: `containers ${id}`, first: 'summary' });
  if (!container)
    return (
      <GoneDrawer icon={Box} title={t('drawer.gone')} {...frame}>
        {t('drawer.goneText')}
      </GoneDrawer>
    );
  const name = nameOf(container);
  const stops = fits('stop', container);
  const address = Object.values(container.NetworkSettings.Networks).find((network) => network.IPAddress)?.IPAddress;
  return (
    <Drawer
      name={name}
      state={<StateBadge container={container} />}
      ids={
        <>
          <span className="mono cut select">{imageName(container.Image)}</span>
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
        </>
      }
      menu={() => actions.menu(container)}
      {...frame}
      drop={{ kind: 'container', id: container.Id }}
    >
      <DrawerTabs
        name={name}
        path={['containers', container.Id]}
        shown={containerTabs.find((each) => each.id === tab)?.id ?? 'summary'}
        tabs={containerTabs.map(({ id: each, Panel }) => ({
          id: each,
          label: t(`drawer.${each}`),
          content: (
            <Panel
              container={container}
              inspect={inspect}
              waiting={<Waiting problem={problem} />}
              onFull={frame.onFull}
            />
          ),
        }))}
      />
    </Drawer>
  );
}
