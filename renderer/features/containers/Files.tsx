import { useMemo } from 'react';
import { FolderTree } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { nameOf } from '../../parts/container-state.js';
import { Browser } from '../../parts/files/Browser.js';
import { useEngine } from '../../store/index.js';
import { Empty } from '../../ui/Empty.js';

/** A container's files, running or stopped. */
export function Files({ container }: { container: ContainerSummary }) {
  const { t } = useTranslation();
  const features = useEngine((state) => state.features);
  const read = useEngine((state) => state.version !== undefined);
  const { Id } = container;
  const name = nameOf(container);
  const place = useMemo(() => ({ of: { container: Id }, name, users: Id }), [Id, name]);
  if (read && !features?.can?.includes('files'))
    return (
      <Empty icon={FolderTree} title={t('files.cannot')}>
        {t('files.cannotText')}
      </Empty>
    );
  return <Browser key={Id} place={place} />;
}
