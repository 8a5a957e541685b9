import { Radio, Settings2, Square, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useExplain } from '../../parts/explain.js';
import { ShapeIcon } from '../../parts/Shape.js';
import { addressOf, hostOfUrl, isLoopback } from '../../parts/serve.js';
import { messageOf, useEngine, useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CopyButton } from '../../ui/Copy.js';
import { notifyDone, notifyFailed } from '../../ui/notify.js';

/** Whether the engine's own images are offered to others, and how they get them. */
export function ServeStrip() {
  const { t } = useTranslation();
  const store = useEngineStore();
  const serving = useEngine((state) => state.serving);
  const problem = useEngine((state) => state.servingProblem);
  const explain = useExplain();
  const ask = useSurface((surface) => surface.open);
  if (serving === undefined) return null;
  const stop = async () => {
    try {
      await store.getState().stopServing();
      notifyDone(t('serve.stopped'));
    } catch (error) {
      notifyFailed(t('serve.notStopped'), explain(messageOf(error)));
    }
  };
  if (serving === null)
    return (
      <section className="serve" aria-label={t('serve.label')}>
        <Radio className="icon t2" aria-hidden />
        <div className="grow">
          <b className="b6">{t('serve.label')}</b>
          {problem ? (
            <p className="s12 hrow">
              <TriangleAlert className="icon s14 c-bad" aria-hidden />
              <span>{t('serve.problem', { address: problem.address, reason: explain(problem.message) })}</span>
            </p>
          ) : (
            <p className="s12 t2">{t('serve.stripText')}</p>
          )}
        </div>
        <Button icon={Radio} onClick={() => ask({ kind: 'serve' })}>
          {t('serve.dots')}
        </Button>
      </section>
    );
  const others = serving.urls.slice(1);
  const host = addressOf(serving.address)?.host ?? serving.address;
  const words = [
    t(serving.writable ? 'serve.isWritable' : 'serve.isReadOnly'),
    t(isLoopback(host) ? 'serve.isHere' : 'serve.isOutside'),
    ...(serving.token === undefined ? [] : [t(serving.token ? 'serve.isToken' : 'serve.isOpen')]),
    ...(serving.persist ? [t('serve.isPersistent')] : []),
  ];
  return (
    <section className="serve on" aria-label={t('serve.label')}>
      <ShapeIcon shape="run" />
      <div className="grow">
        <b className="b6">
          {t('serve.isOn')} <span className="mono select">{serving.url}</span>
        </b>
        <p className="s12 t2">{words.join(' · ')}</p>
        {others.length > 0 && (
          <p className="s12 t2">
            {t('serve.alsoAt')} <span className="mono select">{others.map(hostOfUrl).join(', ')}</span>
          </p>
        )}
      </div>
      <CopyButton text={`docker pull ${hostOfUrl(serving.url)}/`} label={t('serve.copyPull')} />
      <IconButton icon={Settings2} label={t('serve.changeDots')} onClick={() => ask({ kind: 'serve' })} />
      <Button icon={Square} onClick={() => void stop()}>
        {t('serve.stop')}
      </Button>
    </section>
  );
}
