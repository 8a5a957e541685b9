import { useEffect } from 'react';
import { ArrowUpFromLine, Ellipsis, Layers as LayersIcon, Play } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Drawer } from '../../parts/Drawer.js';
import { useImageActions } from '../../parts/image-actions.js';
import { nameOfImage, usersOf, type NamedImage } from '../../parts/image-names.js';
import { useAnswer } from '../../parts/use-answer.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { Empty } from '../../ui/Empty.js';
import { Problem } from '../../ui/Field.js';
import { bytes, shortId } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { Menu } from '../../ui/Menu.js';
import { navigate, pathTo } from '../../ui/route.js';
import { Tabs } from '../../ui/Tabs.js';
import { imageTabs } from './tabs.js';

/** The tab that was last looked at, while the window lives. */
let lastLooked = 'summary';

export function ImageDrawer({
  row,
  tab,
  full,
  onFull,
  onClose,
}: {
  row: NamedImage | undefined;
  tab: string | undefined;
  full: boolean;
  onFull(full: boolean): void;
  onClose(): void;
}) {
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
  useEffect(() => {
    if (tab !== undefined) lastLooked = tab;
    else if (reference !== undefined) navigate(pathTo('images', reference, lastLooked), { replace: true });
  }, [reference, tab]);
  if (!row)
    return (
      <Drawer name={t('drawer.imageGone')} full={full} onFull={onFull} onClose={onClose}>
        <Empty
          icon={LayersIcon}
          title={t('drawer.imageGone')}
          actions={<Button onClick={onClose}>{t('common.close')}</Button>}
        >
          {t('drawer.imageGoneText')}
        </Empty>
      </Drawer>
    );
  const name = nameOfImage(row);
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
          <Menu label={t('action.more', { name })} entries={() => actions.menu(row)}>
            <button type="button" className="icon-btn" aria-label={t('common.more')}>
              <Ellipsis className="icon s14" aria-hidden />
            </button>
          </Menu>
        </>
      }
      full={full}
      onFull={onFull}
      onClose={onClose}
    >
      <Tabs
        label={t('drawer.label', { name })}
        value={imageTabs.find(({ id }) => id === tab)?.id ?? 'summary'}
        onChange={(next) => navigate(pathTo('images', row.reference, next), { replace: true })}
        tabs={imageTabs.map(({ id, Panel }) => ({
          id,
          label: t(`drawer.${id}`),
          content: <Panel row={row} inspect={inspect} waiting={waiting} full={full} onFull={onFull} />,
        }))}
      />
    </Drawer>
  );
}
