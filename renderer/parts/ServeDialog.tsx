import { useState } from 'react';
import { Radio, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Serving } from '../../main/contract/serve.js';
import { useEngine, useEngineStore } from '../store/index.js';
import { useSurface, type Served } from '../store/surface.js';
import { Button } from '../ui/Button.js';
import { CopyIconButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { CheckLine, Field, Problem } from '../ui/Field.js';
import { notifyNote } from '../ui/notify.js';
import { namedImages } from './image-names.js';
import { addressOf, hostOfUrl, isLoopback, servedAs } from './serve.js';
import { useFailure } from './use-failure.js';

const FIRST = '127.0.0.1:5000';

/** Where the engine's images are offered, and to do what; then the token, which is told once, and the line that others type. */
export function ServeDialog({ served, onClose }: { served?: Served | undefined; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const ask = useSurface((surface) => surface.open);
  const before = useEngine((state) => state.serving);
  const [address, setAddress] = useState(before?.address ?? FIRST);
  const [writable, setWritable] = useState(before?.writable ?? false);
  const [persist, setPersist] = useState(before?.persist ?? false);
  const [token, setToken] = useState(before?.token ?? false);
  const { failure, fail, forget, isShown } = useFailure(t('serve.title'));
  const [busy, setBusy] = useState(false);
  const [begun, setBegun] = useState(served);
  const parsed = addressOf(address);
  const outside = parsed !== undefined && !isLoopback(parsed.host);

  const submit = async () => {
    if (begun) return onClose();
    if (busy || !parsed) return;
    setBusy(true);
    forget();
    try {
      const told = await store
        .getState()
        .serve({ address: address.trim(), writable, persist, token: outside || token });
      const { serving } = store.getState();
      if (!serving) return onClose();
      const now: Served = { serving, token: told };
      if (isShown()) return setBegun(now);
      // Nobody else would ever be told the token.
      const show = { label: t('serve.showToken'), act: () => ask({ kind: 'serve', served: now }) };
      const text = t(serving.writable ? 'serve.offersWritable' : 'serve.offers', { url: serving.url });
      if (told === undefined) notifyNote(t('serve.begunTitle'), text);
      else notifyNote(t('serve.begunTitle'), text, show, true);
    } catch (error) {
      fail(error);
      setBusy(false);
    }
  };
  if (begun)
    return (
      <Dialog
        title={t('serve.begunTitle')}
        onClose={onClose}
        onSubmit={onClose}
        focus="button[type=submit]"
        footer={
          <>
            <span className="grow" />
            <Button variant="primary" type="submit" shortcut="↵">
              {t('serve.understood')}
            </Button>
          </>
        }
      >
        <p>{t(begun.serving.writable ? 'serve.offersWritable' : 'serve.offers', { url: begun.serving.url })}</p>
        {begun.token !== undefined && (
          <div className="field">
            <span className="field-label">{t('serve.token')}</span>
            <Line text={begun.token} label={t('serve.copyToken')} />
            <span className="hint">{t('serve.tokenOnce')}</span>
          </div>
        )}
        <ServeLines serving={begun.serving} token={begun.token !== undefined} />
      </Dialog>
    );
  return (
    <Dialog
      title={t('serve.title')}
      description={before ? t('serve.changeText') : t('serve.text')}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={Radio} shortcut="↵" aria-disabled={busy || !parsed}>
            {before ? t('serve.change') : t('serve.submit')}
          </Button>
        </>
      }
    >
      <Field
        label={t('serve.address')}
        hint={t('serve.addressHint')}
        problem={parsed ? undefined : t('serve.addressWrong')}
      >
        <input
          className="input mono"
          name="address"
          list="serve-addresses"
          value={address}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setAddress(event.target.value)}
        />
      </Field>
      <datalist id="serve-addresses">
        <option value={FIRST}>{t('serve.onlyHere')}</option>
        <option value="0.0.0.0:5000">{t('serve.everywhere')}</option>
      </datalist>
      <div className="serve-form">
        <CheckLine label={t('serve.writable')} checked={writable} onChange={setWritable} />
        <CheckLine
          label={t('serve.wantsToken')}
          hint={outside && t('serve.tokenAlways')}
          checked={outside || token}
          disabled={outside}
          onChange={setToken}
        />
        <CheckLine label={t('serve.persist')} hint={t('serve.persistHint')} checked={persist} onChange={setPersist} />
      </div>
      {(outside || writable) && (
        <div className="warning-note" role="status">
          <TriangleAlert className="icon s14 c-bad" aria-hidden />
          <span>
            {outside && t(writable ? 'serve.outsideWritable' : 'serve.outside')}
            {!outside && writable && t('serve.writableText')}
          </span>
        </div>
      )}
      {failure && <Problem>{failure}</Problem>}
    </Dialog>
  );
}

/** What others type to have an image from here. */
export function ServeLines({ serving, token }: { serving: Serving; token: boolean }) {
  const { t } = useTranslation();
  const images = useEngine((state) => state.images);
  const host = hostOfUrl(serving.url);
  const [example] = namedImages(images ?? []).filter(({ repository }) => repository !== undefined);
  const pull = `docker pull ${host}/${example ? servedAs(example.reference) : 'IMAGE'}`;
  const login = `docker login ${host}`;
  return (
    <>
      {token && (
        <div className="field">
          <span className="field-label">{t('serve.loginLine')}</span>
          <Line text={login} label={t('serve.copyLogin')} />
        </div>
      )}
      <div className="field">
        <span className="field-label">{t('serve.pullLine')}</span>
        <Line text={pull} label={t('serve.copyPull')} />
        {!isLoopback(addressOf(serving.address)?.host ?? '') && (
          <span className="hint">{t('serve.plainHint', { host })}</span>
        )}
      </div>
    </>
  );
}

const Line = ({ text, label }: { text: string; label: string }) => (
  <div className="well">
    <code className="grow">{text}</code>
    <CopyIconButton text={text} label={label} />
  </div>
);
