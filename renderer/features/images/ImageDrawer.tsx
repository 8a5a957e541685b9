import { useEffect } from 'react';
import { Box, Layers as LayersIcon, Play, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ImageHistoryItem, ImageInspect } from '../../../main/contract/images.js';
import { joinCommand } from '../../parts/command-line.js';
import { nameOf } from '../../parts/container-state.js';
import { Drawer } from '../../parts/Drawer.js';
import { nameOfImage, usersOf, type NamedImage } from '../../parts/image-names.js';
import { JsonTree } from '../../parts/JsonTree.js';
import { StateBadge } from '../../parts/StateBadge.js';
import { useAnswer } from '../../parts/use-answer.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { Empty } from '../../ui/Empty.js';
import { Fact, Facts } from '../../ui/Facts.js';
import { Problem } from '../../ui/Field.js';
import { bytes, shortId } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { navigate, pathTo } from '../../ui/route.js';
import { Tabs } from '../../ui/Tabs.js';
import { Scroller } from '../../ui/Scroller.js';

const tabs = ['summary', 'layers', 'used-by', 'inspect'] as const;

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
  const ask = useSurface((surface) => surface.open);
  const users = usersOf(
    row?.id ?? '',
    useEngine((state) => state.containers),
  );
  const reference = row?.reference;
  const key = row && `${row.key}`;
  const { value, problem } = useAnswer(
    async () =>
      reference === undefined
        ? undefined
        : Promise.all([client.images.inspect(reference), client.images.history(reference)]),
    key,
  );
  useEffect(() => {
    if (reference !== undefined && tab === undefined)
      navigate(pathTo('images', reference, 'summary'), { replace: true });
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
          <Button icon={Play} onClick={() => ask({ kind: 'run', image: row.reference })}>
            {t('action.run')}
          </Button>
          <IconButton
            icon={Trash2}
            label={t('action.removeDots')}
            onClick={() => ask({ kind: 'remove-images', images: [{ id: row.id, name: row.reference }] })}
          />
        </>
      }
      full={full}
      onFull={onFull}
      onClose={onClose}
    >
      <Tabs
        label={t('drawer.label', { name })}
        value={tabs.find((one) => one === tab) ?? 'summary'}
        onChange={(next) => navigate(pathTo('images', row.reference, next), { replace: true })}
        tabs={[
          {
            id: 'summary',
            label: t('drawer.summary'),
            content: value ? <ImageSummary inspect={value[0]} /> : waiting,
          },
          { id: 'layers', label: t('drawer.layers'), content: value ? <Stack history={value[1]} /> : waiting },
          {
            id: 'used-by',
            label: t('drawer.usedBy'),
            content:
              users.length === 0 ? (
                <Empty icon={Box} title={t('images.unused')} />
              ) : (
                <ul className="scroll" style={{ padding: '8px 16px' }}>
                  {users.map((container) => (
                    <li key={container.Id} className="row g8" style={{ minHeight: 36 }}>
                      <button
                        type="button"
                        className="link grow cut"
                        onClick={() => navigate(pathTo('containers', container.Id))}
                      >
                        {nameOf(container)}
                      </button>
                      <span className="s12">
                        <StateBadge container={container} />
                      </span>
                    </li>
                  ))}
                </ul>
              ),
          },
          { id: 'inspect', label: t('drawer.inspect'), content: value ? <JsonTree document={value[0]} /> : waiting },
        ]}
      />
    </Drawer>
  );
}

function ImageSummary({ inspect }: { inspect: ImageInspect }) {
  const { t, i18n } = useTranslation();
  const { Config } = inspect;
  const ports = Object.keys(Config.ExposedPorts ?? {});
  return (
    <Scroller label={t('drawer.summary')}>
      <Facts>
        {Config.Entrypoint && Config.Entrypoint.length > 0 && (
          <Fact name={t('images.entrypoint')} mono>
            {joinCommand(Config.Entrypoint)}
          </Fact>
        )}
        {Config.Cmd && Config.Cmd.length > 0 && (
          <Fact name={t('summary.command')} mono>
            {joinCommand(Config.Cmd)}
          </Fact>
        )}
        {Config.WorkingDir && (
          <Fact name={t('summary.workingDir')} mono>
            {Config.WorkingDir}
          </Fact>
        )}
        {Config.User && (
          <Fact name={t('summary.user')} mono>
            {Config.User}
          </Fact>
        )}
        {ports.length > 0 && (
          <Fact name={t('images.exposes')} mono>
            {ports.join(' ')}
          </Fact>
        )}
        <Fact name={t('images.architecture')} mono>
          {[inspect.Os, inspect.Architecture, inspect.Variant].filter(Boolean).join('/')}
        </Fact>
        <Fact name={t('images.size')}>{bytes(inspect.Size)}</Fact>
        <Fact name={t('drawer.layers')}>{t('images.layerCount', { count: inspect.RootFS.Layers?.length ?? 0 })}</Fact>
        {inspect.Created && !inspect.Created.startsWith('0001-') && (
          <Fact name={t('summary.createdAt')}>
            {new Date(inspect.Created).toLocaleString(i18n.language, { dateStyle: 'medium', timeStyle: 'medium' })}
          </Fact>
        )}
        <Fact name={t('summary.id')} mono>
          {inspect.Id}
        </Fact>
        {(inspect.RepoDigests ?? []).map((digest) => (
          <Fact key={digest} name={t('images.digest')} mono>
            {digest}
          </Fact>
        ))}
      </Facts>
      {Config.Env && Config.Env.length > 0 && (
        <>
          <h3 className="facts-title">{t('summary.environment')}</h3>
          <Facts>
            {Config.Env.map((variable) => (
              <Fact key={variable} name={variable.split('=')[0] ?? ''} mono>
                {variable.slice(variable.indexOf('=') + 1)}
              </Fact>
            ))}
          </Facts>
        </>
      )}
    </Scroller>
  );
}

/** `/bin/sh -c #(nop) COPY …` is how old builders wrote what was not run. */
const tidy = (command: string): string =>
  command
    .replace(/^\/bin\/sh -c #\(nop\)\s*/, '')
    .replace(/^\/bin\/sh -c /, 'RUN ')
    .replace(/ # buildkit$/, '')
    .trim();

function Stack({ history }: { history: ImageHistoryItem[] }) {
  const { t } = useTranslation();
  const largest = Math.max(1, ...history.map((item) => item.Size));
  return (
    <Scroller label={t('drawer.layers')}>
      <p className="s12 t3" style={{ padding: '10px 16px 0' }}>
        {t('images.layersHint')}
      </p>
      <ol className="stack">
        {history.map((item, index) => (
          <li key={index} className={item.Size === 0 ? 'empty-layer' : undefined}>
            {item.CreatedBy ? (
              <code title={tidy(item.CreatedBy)}>{tidy(item.CreatedBy)}</code>
            ) : (
              <span className="s12 t3">{item.Comment || t('images.missingCommand')}</span>
            )}
            <span className="size">{item.Size === 0 ? t('images.noLayer') : bytes(item.Size)}</span>
            {item.Size > 0 && (
              <span className="bar" aria-hidden>
                <i style={{ width: `${Math.max(1, (item.Size / largest) * 100)}%` }} />
              </span>
            )}
          </li>
        ))}
      </ol>
    </Scroller>
  );
}
