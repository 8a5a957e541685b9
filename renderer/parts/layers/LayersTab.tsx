import { useEffect, useState } from 'react';
import { Layers as LayersIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Compared } from '../../../main/contract/layers.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { Empty } from '../../ui/Empty.js';
import { Problem } from '../../ui/Field.js';
import { Loading } from '../../ui/Loading.js';
import { navigate, pathTo, useRoute } from '../../ui/route.js';
import { useAnswer } from '../use-answer.js';
import { partsOfSight, sightOf, type Sight } from './address.js';
import { CompareView } from './CompareView.js';
import { ComparePicker } from './ComparePicker.js';
import { Explorer } from './Explorer.js';

/**
 * An image's layers, or a container's own on top of its image's: the stack, the tree at any point of it, what is in the files; and all of that compared with another.
 * What is looked at is in the address, below that of the tab.
 */
export function LayersTab({
  what,
  tab,
  onFull,
}: {
  what: Compared;
  tab: [page: string, object: string];
  /** They take the page while they are looked at. */
  onFull(full: boolean): void;
}) {
  const { t } = useTranslation();
  useEffect(() => {
    onFull(true);
    return () => onFull(false);
  }, [onFull]);
  const features = useEngine((state) => state.features);
  const read = useEngine((state) => state.version !== undefined);
  if (read && !features?.can?.includes('layers'))
    return (
      <Empty icon={LayersIcon} title={t('layers.cannot')}>
        {t('layers.cannotText')}
      </Empty>
    );
  return <Looking key={`${what.kind} ${what.name}`} what={what} tab={tab} />;
}

function Looking({ what, tab }: { what: Compared; tab: [page: string, object: string] }) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const route = useRoute();
  const [round, setRound] = useState(0);
  const [picking, setPicking] = useState(false);
  const sight = sightOf(route[2] === 'layers' ? route.slice(3) : []);
  const go = (next: Sight, replace = true) => navigate(pathTo(...tab, 'layers', ...partsOfSight(next)), { replace });
  const { value, problem } = useAnswer(() => client.slipway.layers.stack(what), `${round}`);
  const again = () => setRound(round + 1);
  const other = sight.with;
  return (
    <div className="layers">
      {problem && (
        <div className="layers-problem">
          <Problem>{problem}</Problem>
          <Button onClick={again}>{t('common.retry')}</Button>
        </div>
      )}
      {!value && !problem && <Loading waitingFor={t('layers.waiting')} />}
      {value && !other && (
        <Explorer
          key={round}
          what={what}
          stack={value}
          sight={sight}
          onGo={go}
          onCompare={() => setPicking(true)}
          onAgain={again}
        />
      )}
      {value && other && (
        <CompareView
          key={`${other.kind} ${other.name}`}
          before={other}
          after={{ ...what, layer: sight.layer }}
          sight={sight}
          onGo={go}
          onPick={() => setPicking(true)}
        />
      )}
      {picking && (
        <ComparePicker
          what={what}
          onClose={() => setPicking(false)}
          onPick={(chosen) => {
            setPicking(false);
            go({ with: chosen }, false);
          }}
        />
      )}
    </div>
  );
}
