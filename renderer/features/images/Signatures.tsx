import { useState } from 'react';
import { FileSignature, RefreshCw, ShieldQuestion } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Referrer } from '../../../main/contract/registries.js';
import { useExplain } from '../../parts/explain.js';
import { parseReference } from '../../parts/reference.js';
import { messageOf, useEngine, useEngineStore } from '../../store/index.js';
import { can } from '../../store/registries-slice.js';
import { Button } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { Empty } from '../../ui/Empty.js';
import { Problem } from '../../ui/Field.js';
import { bytes, shortId } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { Scroller } from '../../ui/Scroller.js';
import { kindOfReferrer } from './referrers.js';
import type { ImageTabProps } from './tabs.js';

/** Signatures and attestations that the registry has: shown, not verified. It is asked when the person asks. */
export function Signatures({ row }: ImageTabProps) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const explain = useExplain();
  const knows = useEngine(can('registries'));
  const [state, setState] = useState<{ asking?: boolean; problem?: string; referrers?: Referrer[] }>({});
  const registry = parseReference(row.reference)?.registry;
  if (!knows)
    return (
      <Empty icon={FileSignature} title={t('signatures.cannot')}>
        {t('signatures.cannotText')}
      </Empty>
    );
  if (row.repository === undefined || registry === undefined)
    return <Empty icon={FileSignature} title={t('signatures.nameless')} />;
  const ask = () => {
    setState({ asking: true });
    client.slipway.referrers(row.reference).then(
      (referrers) => setState({ referrers }),
      (error: unknown) => setState({ problem: messageOf(error) }),
    );
  };
  const { asking, problem, referrers } = state;
  if (asking) return <Loading waitingFor={t('search.asking')} />;
  if (!referrers)
    return (
      <Empty
        icon={FileSignature}
        title={t('signatures.title')}
        actions={
          <Button icon={problem === undefined ? FileSignature : RefreshCw} onClick={ask}>
            {problem === undefined ? t('signatures.ask', { registry }) : t('common.retry')}
          </Button>
        }
      >
        {problem === undefined ? t('signatures.text') : <Problem>{explain(problem)}</Problem>}
      </Empty>
    );
  if (referrers.length === 0)
    return (
      <Empty icon={FileSignature} title={t('signatures.none')}>
        {t('signatures.noneText', { registry })}
      </Empty>
    );
  return (
    <Scroller label={t('drawer.signatures')}>
      <div className="warning-note" style={{ margin: '12px 16px 0' }}>
        <ShieldQuestion className="icon s14 c-bad" aria-hidden />
        <span>{t('signatures.unverified')}</span>
      </div>
      <ul className="referrers">
        {referrers.map((referrer) => (
          <li key={referrer.digest}>
            <div className="row g8">
              <b className="b6 grow">{t(`signatures.kinds.${kindOfReferrer(referrer)}`)}</b>
              <span className="s12 t3 num">{bytes(referrer.size)}</span>
            </div>
            <div className="row g8 s12">
              <span className="mono t3 grow cut select">{referrer.artifactType}</span>
              <span className="mono t3 select">{shortId(referrer.digest)}</span>
              <CopyIconButton text={referrer.digest} label={t('signatures.copyDigest')} />
            </div>
            {Object.entries(referrer.annotations ?? {}).map(([name, value]) => (
              <div key={name} className="annotation s12">
                <span className="t3 cut">{name}</span>
                <span className="select">{value}</span>
              </div>
            ))}
          </li>
        ))}
      </ul>
    </Scroller>
  );
}
