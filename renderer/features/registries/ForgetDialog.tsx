import { useTranslation } from 'react-i18next';
import type { Registry } from '../../../main/contract/registries.js';
import { SureDialog } from '../../parts/SureDialog.js';
import { useEngineName } from '../../parts/RemoveDialog.js';
import { useEngineStore } from '../../store/index.js';
import { notifyDone } from '../../ui/notify.js';
import { ownOf, sourceWords } from './registry-words.js';

/** Names all that goes with what is set for a registry, and what stays. */
export function ForgetDialog({ registry, onClose }: { registry: Registry; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const engine = useEngineName();
  const { host, user, fixed } = registry;
  const own = ownOf(registry);
  const goes = [
    own.credentials !== null && {
      what: t('registries.forget.login'),
      more: [user !== undefined && t('registries.as', { user }), sourceWords(t, own)].filter(Boolean).join(' · '),
    },
    ...own.mirrors.map((mirror) => ({ what: t('registries.forget.mirror'), more: mirror })),
    own.insecure && { what: t('registries.forget.insecure'), more: '' },
    own.certificates.ca && { what: t('registries.forget.ca'), more: '' },
    own.certificates.client && { what: t('registries.forget.client'), more: '' },
  ].filter((one) => one !== false);
  const notes = [
    own.credentials === 'helper' && t('registries.forget.helperText', { helper: own.helper ?? '' }),
    registry.credentials === 'docker' && t('registries.forget.dockerStays'),
    fixed && t('registries.forget.fixedStays'),
    t('remove.engine', { name: engine }),
  ].filter((note) => typeof note === 'string');
  return (
    <SureDialog
      title={t('registries.forget.title', { host })}
      text={t('registries.forget.text')}
      submit={t('registries.forget.submit')}
      onClose={onClose}
      act={async () => {
        await store.getState().forgetRegistry(host);
        notifyDone(t('registries.forget.done', { host }));
      }}
    >
      <ul className="victims" aria-label={t('registries.forget.list')}>
        {goes.map(({ what, more }) => (
          <li key={`${what} ${more}`}>
            <span className="b6">{what}</span>
            <span className="grow cut t2 s12" title={more}>
              {more}
            </span>
          </li>
        ))}
      </ul>
      {notes.map((note) => (
        <p key={note} className="s12 t3">
          {note}
        </p>
      ))}
    </SureDialog>
  );
}
