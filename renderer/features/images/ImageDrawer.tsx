import { ArrowUpFromLine, Layers as LayersIcon, Play } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Drawer, DrawerTabs, GoneDrawer, useTabAtLast, Waiting, type TabbedFrame } from '../../parts/Drawer.js';
import { useImageActions } from '../../parts/image-actions.js';
import { nameOfImage, usersOf, type NamedImage } from '../../parts/image-names.js';
import { useAnswer } from '../../parts/use-answer.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { bytes, shortId } from '../../ui/format.js';
import { imageTabs } from './tabs.js';

export function ImageDrawer({ row, tab, ...frame }: TabbedFrame & { row: NamedImage | undefined }) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const actions = useImageActions();
  const containers = useEngine((state) => state.containers);
  const users = usersOf(row?.id ?? '', containers);
  const reference = row?.reference;
  const { value: inspect, problem } = useAnswer(
    async () => (reference === undefined ? undefined : client.images.inspect(reference)),
    row?.key,
  );
  useTabAtLast(['images', reference], tab, { first: 'summary' });
  if (!row)
    return (
      <GoneDrawer icon={LayersIcon} title={t('drawer.imageGone')} {...frame}>
        {t('drawer.imageGoneText')}
      </GoneDrawer>
    );
  const name = nameOfImage(row);
  return (
    <Drawer
      name={name}
      state={users.length > 0 && <span className="tag">{t('images.usedByCount', { count: users.length })}</span>}
      ids={
        <>
          <span className="mono select">{shortId(row.id)}</span>
          <CopyIconButton text={row.id} label={t('drawer.copyId')} />
          <span>·</span>
          <span className="num">{bytes(row.image.Size)}</span>
        </>
      }
      actions={
        <>
          <Button icon={Play} onClick={() => actions.run(row)}>
            {t('action.run')}
          </Button>
          <IconButton icon={ArrowUpFromLine} label={t('images.pushDots')} onClick={() => actions.push([row])} />
        </>
      }
      menu={() => actions.menu(row)}
      {...frame}
    >
      <DrawerTabs
        name={name}
        path={['images', row.reference]}
        shown={imageTabs.find(({ id }) => id === tab)?.id ?? 'summary'}
        tabs={imageTabs.map(({ id, Panel }) => ({
          id,
          label: t(`drawer.${id}`),
          content: <Panel row={row} inspect={inspect} waiting={<Waiting problem={problem} />} {...frame} />,
        }))}
      />
    </Drawer>
  );
}
