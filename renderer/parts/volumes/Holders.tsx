import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { useEngine } from '../../store/index.js';
import { StateBadge } from '../StateBadge.js';
import { holdersOf } from './names.js';

/** So many are named; of the others there is the number. */
const MOST = 4;

/** Who has a volume, in lines below its name. */
export function Holders({ volume }: { volume: VolumeOverview }) {
  const { t } = useTranslation();
  const containers = useEngine((state) => state.containers);
  const holders = holdersOf(volume);
  return (
    <>
      {holders.slice(0, MOST).map(({ Id, Name, Binned }) => {
        const container = containers?.find((each) => each.Id === Id);
        return (
          <span key={Id} className="victim-line s12">
            <span className="t3">{t('remove.usedBy')}</span>
            <span className="cut b6">{Name}</span>
            {Binned ? (
              <span className="t3">{t('volumes.use.binned')}</span>
            ) : (
              container && <StateBadge container={container} />
            )}
          </span>
        );
      })}
      {holders.length > MOST && <span className="s12 t3">{t('remove.andMore', { count: holders.length - MOST })}</span>}
    </>
  );
}
