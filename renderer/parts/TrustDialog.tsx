import { useRef, useState } from 'react';
import { FileKey2, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Registry, RegistryChange } from '../../main/contract/registries.js';
import { useEngine, useEngineStore } from '../store/index.js';
import { Button } from '../ui/Button.js';
import { Dialog } from '../ui/Dialog.js';
import { CheckLine, Problem } from '../ui/Field.js';
import { useFailure } from './use-failure.js';

type Pem = 'ca' | 'clientCertificate' | 'clientKey';

/** Larger than any certificate: bytes. */
const LARGEST = 1_000_000;

/** Which certificates count for a registry, and whether any has to. */
export function TrustDialog({ host, onClose, onDone }: { host: string; onClose(): void; onDone?(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const known = useEngine((state) => state.registries?.find((each) => each.host === host));
  const [insecure, setInsecure] = useState(known?.insecure ?? false);
  /** Null: the one that is there goes. */
  const [files, setFiles] = useState<Partial<Record<Pem, { name: string; pem: string } | null>>>({});
  const [busy, setBusy] = useState(false);
  const { failure, fail, forget, isShown } = useFailure(t('trust.title', { host }));

  const put = async (what: Pem, file: File | undefined) => {
    if (!file) return;
    forget();
    const pem = file.size < LARGEST ? await file.text() : '';
    const wanted = what === 'clientKey' ? /-----BEGIN [A-Z ]*PRIVATE KEY-----/ : /-----BEGIN CERTIFICATE-----/;
    if (!wanted.test(pem)) fail(t(what === 'clientKey' ? 'trust.noKey' : 'trust.noCertificate', { name: file.name }));
    else setFiles((before) => ({ ...before, [what]: { name: file.name, pem } }));
  };
  const change = (): RegistryChange => ({
    ...(insecure !== (known?.insecure ?? false) && { insecure }),
    ...Object.fromEntries(
      Object.entries(files).flatMap(([what, file]) => (file === undefined ? [] : [[what, file?.pem ?? null]])),
    ),
  });
  const half = Boolean(files.clientCertificate) !== Boolean(files.clientKey);
  const submit = async () => {
    if (busy) return;
    if (half) return fail(t('trust.both'));
    if (Object.keys(change()).length === 0) return onClose();
    setBusy(true);
    forget();
    try {
      await store.getState().changeRegistry(host, change());
      if (!isShown()) return;
      onClose();
      onDone?.();
    } catch (error) {
      fail(error);
      setBusy(false);
    }
  };
  const row = (what: Pem, there: boolean) => (
    <PemRow
      what={what}
      there={there && files[what] !== null}
      name={files[what]?.name}
      onFile={(file) => void put(what, file)}
      onRemove={() =>
        setFiles(({ ca, ...client }) => {
          const gone = there ? null : undefined;
          // A client certificate and its key go together.
          return what === 'ca' ? { ...client, ca: gone } : { ca, clientCertificate: gone, clientKey: gone };
        })
      }
    />
  );
  return (
    <Dialog
      title={t('trust.title', { host })}
      description={t('trust.text')}
      onClose={onClose}
      onSubmit={() => void submit()}
      focus="button.pem"
      footer={
        <>
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" shortcut="↵" aria-disabled={busy}>
            {onDone ? t('trust.submitRetry') : t('trust.submit')}
          </Button>
        </>
      }
    >
      <div className="pems">
        {row('ca', known?.certificates.ca ?? false)}
        {row('clientCertificate', known?.certificates.client ?? false)}
        {row('clientKey', known?.certificates.client ?? false)}
      </div>
      <CheckLine
        label={t('trust.insecure')}
        hint={known?.fixed?.insecure && t('trust.insecureFixed')}
        checked={insecure}
        disabled={known?.fixed?.insecure}
        onChange={setInsecure}
      />
      {insecure && (
        <div className="warning-note" role="status">
          <TriangleAlert className="icon s14 c-bad" aria-hidden />
          <span>{t('trust.insecureText')}</span>
        </div>
      )}
      {failure && <Problem>{failure}</Problem>}
    </Dialog>
  );
}

/** Whether a registry is trusted as everybody's are, or by something of its own. */
export const trustWord = ({ insecure, certificates }: Registry): 'insecure' | 'ca' | 'client' | 'both' | 'usual' => {
  if (insecure) return 'insecure';
  if (certificates.ca) return certificates.client ? 'both' : 'ca';
  return certificates.client ? 'client' : 'usual';
};

function PemRow({
  what,
  there,
  name,
  onFile,
  onRemove,
}: {
  what: Pem;
  /** The engine has one. */
  there: boolean;
  /** The file that was chosen. */
  name: string | undefined;
  onFile(file: File | undefined): void;
  onRemove(): void;
}) {
  const { t } = useTranslation();
  const picker = useRef<HTMLInputElement>(null);
  const label = t(`trust.${what}`);
  return (
    <div className="pem-row">
      <FileKey2 className="icon s14 t2" aria-hidden />
      <span className="grow">
        <span className="b6">{label}</span>
        <span className="s12 t3 cut block">{name ?? (there ? t('trust.there') : t('trust.none'))}</span>
      </span>
      {(name !== undefined || there) && (
        <Button size="small" variant="ghost" aria-label={t('trust.removeOf', { what: label })} onClick={onRemove}>
          {t('action.remove')}
        </Button>
      )}
      <Button
        size="small"
        className="pem"
        aria-label={t('trust.chooseOf', { what: label })}
        onClick={() => picker.current?.click()}
      >
        {t('trust.choose')}
      </Button>
      <input
        ref={picker}
        type="file"
        hidden
        aria-label={label}
        data-pem={what}
        accept=".pem,.crt,.cer,.cert,.key"
        onChange={(event) => {
          onFile(event.target.files?.[0]);
          event.target.value = '';
        }}
      />
    </div>
  );
}
