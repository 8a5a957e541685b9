import { useState, type ReactNode } from 'react';
import {
  ArrowRightLeft,
  ArrowUpFromLine,
  Copy,
  LogIn,
  PackagePlus,
  Pencil,
  Play,
  RotateCw,
  ShieldQuestion,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngine, useEngineStore } from '../store/index.js';
import { can } from '../store/registries-slice.js';
import { useSurface } from '../store/surface.js';
import type { Task } from '../store/tasks-slice.js';
import { Button } from '../ui/Button.js';
import { useNow } from '../ui/clock.js';
import { copyText } from '../ui/desktop.js';
import { ago } from '../ui/format.js';
import { navigate, pathTo } from '../ui/route.js';
import { isOutOfReach, troubleOf } from './explain.js';
import { maybeRootFilesystem } from './image-actions.js';
import { alike, namedImages, nameOfImage } from './image-names.js';
import { LoginDialog } from './LoginDialog.js';
import { parseReference } from './reference.js';
import { TrustDialog } from './TrustDialog.js';

/** The ways on from a task that failed or was cancelled: once more, what the trouble asks for, and what is here instead. */
export function TroubleWays({
  task,
  onRetry,
  inDialog,
  instead: offers = true,
}: {
  task: Task;
  onRetry(): void;
  /** The dialog has the button that tries again, and the name to change. */
  inDialog?: boolean;
  /** Other images may be offered. */
  instead?: boolean;
}) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const ask = useSurface((surface) => surface.open);
  const knows = useEngine(can('registries'));
  const images = useEngine((state) => state.images);
  const now = useNow(60_000);
  const [asking, setAsking] = useState<'login' | 'trust'>();
  const trouble = task.state === 'failed' ? troubleOf(task.problem ?? '') : undefined;
  const registry = /^(?:pull|push)$/.test(task.kind) ? parseReference(task.reference)?.registry : undefined;
  const ours = knows && registry !== undefined;
  const instead =
    offers && task.kind === 'pull' && trouble !== undefined ? alike(task.reference, images, inDialog ? 3 : 1) : [];
  const ways: ReactNode[] = [];
  if (
    ours &&
    /^(?:denied|login|loginOver|wrongLogin|pushDenied|notYours|limited|limitedFor|limitedUpTo)$/.test(trouble ?? '')
  )
    ways.push(
      <Button key="login" size="small" icon={LogIn} onClick={() => setAsking('login')}>
        {t('login.dots')}
      </Button>,
    );
  if (ours && /^(?:untrusted|plain|clientCertificate)$/.test(trouble ?? ''))
    ways.push(
      <Button key="trust" size="small" icon={ShieldQuestion} onClick={() => setAsking('trust')}>
        {t('trust.dots')}
      </Button>,
    );
  if (ours && task.kind === 'pull' && (isOutOfReach(trouble) || /^limited/.test(trouble ?? '')))
    ways.push(
      <Button
        key="mirrors"
        size="small"
        icon={ArrowRightLeft}
        onClick={() => {
          useSurface.getState().close();
          useSurface.getState().show({ tasks: false });
          navigate(pathTo('registries', registry, 'mirrors'));
        }}
      >
        {t('mirrors.dots')}
      </Button>,
    );
  if (!inDialog && task.kind === 'pull' && (trouble === 'missing' || trouble === 'denied'))
    ways.push(
      <Button key="name" size="small" icon={Pencil} onClick={() => ask({ kind: 'pull', reference: task.reference })}>
        {t('trouble.changeName')}
      </Button>,
    );
  const pushed =
    task.kind === 'push' && namedImages(images ?? []).find(({ reference }) => reference === task.reference);
  if (task.state === 'failed' && pushed)
    ways.push(
      <Button
        key="elsewhere"
        size="small"
        icon={ArrowUpFromLine}
        onClick={() => ask({ kind: 'push-image', id: pushed.id, reference: pushed.reference })}
      >
        {t('trouble.pushElsewhere')}
      </Button>,
    );
  if (maybeRootFilesystem(task))
    ways.push(
      <Button
        key="import"
        size="small"
        icon={PackagePlus}
        onClick={() => ask({ kind: 'import-archive', task: task.id })}
      >
        {t('import.dots')}
      </Button>,
    );
  if (!inDialog && task.state === 'failed' && ways.length + instead.length === 0)
    ways.push(
      <Button key="copy" size="small" icon={Copy} onClick={() => void copyText(task.problem ?? '')}>
        {t('trouble.copyReason')}
      </Button>,
    );
  if (inDialog && ways.length + instead.length === 0) return null;
  const others = instead.map((row) => (
    <Button
      key={row.key}
      size="small"
      icon={Play}
      title={row.reference}
      onClick={() => ask({ kind: 'run', image: row.reference })}
    >
      {row.reference === task.reference && row.image.Created > 0
        ? t('trouble.runOld', { ago: ago(t, now - row.image.Created * 1000) })
        : t('trouble.runOther', { name: nameOfImage(row) })}
    </Button>
  ));
  return (
    <div className="ways">
      {(ways.length > 0 || !inDialog) && (
        <div className="ways-row">
          {!inDialog && (
            <Button size="small" icon={RotateCw} onClick={onRetry}>
              {t('common.retry')}
            </Button>
          )}
          {ways}
          {!inDialog && others}
        </div>
      )}
      {inDialog && instead.length > 0 && (
        <>
          <p className="s12 t2">{t('trouble.instead')}</p>
          <div className="ways-row">{others}</div>
        </>
      )}
      {asking === 'login' && registry !== undefined && (
        <LoginDialog
          host={registry}
          user={store.getState().registries?.find(({ host }) => host === registry)?.user}
          onClose={() => setAsking(undefined)}
          onDone={onRetry}
        />
      )}
      {asking === 'trust' && registry !== undefined && (
        <TrustDialog host={registry} onClose={() => setAsking(undefined)} onDone={onRetry} />
      )}
    </div>
  );
}
