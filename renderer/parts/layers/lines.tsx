import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import type { FileMark } from '../../../main/contract/files.js';
import type { Difference, LayerEntry } from '../../../main/contract/layers.js';
import { bytes } from '../../ui/format.js';
import { FileIcon } from '../files/FileIcon.js';
import { netBytes } from './words.js';

const signs: Record<FileMark, [className: string, sign: string]> = {
  added: ['add', '+'],
  changed: ['mod', '~'],
  deleted: ['del', '−'],
};

/** What is done to a name, as a sign in a box. */
export function MarkBox({ change }: { change: FileMark | undefined }) {
  const { t } = useTranslation();
  if (!change) return <span className="mk" aria-hidden />;
  const [className, sign] = signs[change];
  return (
    <span className={clsx('mk', className)} title={t(`files.marks.${change}`)}>
      {sign}
    </span>
  );
}

/** A name as it is at a layer. */
export function LayerLine({ entry, open }: { entry: LayerEntry; open: boolean | undefined }) {
  return (
    <>
      <FileIcon kind={entry.Kind} open={open} />
      <MarkBox change={entry.Change} />
      <span className="files-name grow cut">
        {entry.Name}
        {entry.LinkTarget !== undefined && <span className="dim"> → {entry.LinkTarget}</span>}
      </span>
      <span className="files-size">{entry.Kind === 'file' || entry.Kind === 'directory' ? bytes(entry.Size) : ''}</span>
    </>
  );
}

/** A name that differs. */
export function DifferenceLine({ entry, open }: { entry: Difference; open: boolean | undefined }) {
  const { t } = useTranslation();
  const { Before, After, Content, Itself } = entry;
  const kind = (After ?? Before)?.Kind ?? 'file';
  const onlyRights = Before && After && Itself && !Content && kind !== 'directory';
  return (
    <>
      <FileIcon kind={kind} open={open} />
      <MarkBox change={entry.Change} />
      <span className="files-name grow cut">{entry.Name}</span>
      {onlyRights && <span className="tag">{t('layers.rights')}</span>}
      <span className="files-size wide">{netBytes(entry.Net)}</span>
    </>
  );
}
