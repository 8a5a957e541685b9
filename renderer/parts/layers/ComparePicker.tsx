import { useMemo, useState } from 'react';
import { Box, Layers } from 'lucide-react';
import { Command } from 'cmdk';
import { useTranslation } from 'react-i18next';
import type { Compared } from '../../../main/contract/layers.js';
import { useEngine } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { Dialog } from '../../ui/Dialog.js';
import { ago, bytes, imageName } from '../../ui/format.js';
import { nameOf } from '../container-state.js';
import { namedImages, nameOfImage } from '../image-names.js';

const AT_MOST = 60;

/** What it is to be compared with: any image or container, other tags of its own first. */
export function ComparePicker({
  what,
  onPick,
  onClose,
}: {
  what: Compared;
  onPick(other: Compared): void;
  onClose(): void;
}) {
  const { t } = useTranslation();
  const [query, setQuery] = useState('');
  const [opened] = useState(() => Date.now());
  const images = useEngine((state) => state.images);
  const containers = useEngine((state) => state.containers);
  const choices = useMemo(() => {
    const repository = what.name.replace(/:[^/:]*$/, '');
    const rows = namedImages(images ?? []).map((row) => ({
      other: { kind: 'image', name: row.reference } satisfies Compared as Compared,
      label: nameOfImage(row),
      note: `${bytes(row.image.Size)} · ${row.image.Created > 0 ? ago(t, opened - row.image.Created * 1000) : '–'}`,
      near: row.repository === repository,
    }));
    const running = (containers ?? []).map((container) => ({
      other: { kind: 'container', name: container.Id } satisfies Compared as Compared,
      label: nameOf(container),
      note: imageName(container.Image),
      near: false,
    }));
    return [...rows.filter(({ near }) => near), ...rows.filter(({ near }) => !near), ...running].filter(
      ({ other }) => other.kind !== what.kind || other.name !== what.name,
    );
  }, [images, containers, what.kind, what.name, t, opened]);
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = choices.filter(({ label, note }) =>
    words.every((word) => `${label} ${note}`.toLowerCase().includes(word)),
  );
  return (
    <Dialog
      title={t('layers.compareTitle')}
      onClose={onClose}
      footer={
        <>
          <span className="grow s12 t3">{t('layers.compareHint')}</span>
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
        </>
      }
    >
      <Command shouldFilter={false} label={t('layers.compareTitle')} className="layer-picker">
        <Command.Input className="input" value={query} onValueChange={setQuery} placeholder={t('layers.compareFind')} />
        <Command.List label={t('layers.compareTitle')}>
          <Command.Empty className="dim">{t('layers.compareNone')}</Command.Empty>
          {found.slice(0, AT_MOST).map(({ other, label, note }) => (
            <Command.Item
              key={`${other.kind} ${other.name}`}
              value={`${other.kind} ${other.name}`}
              className="menu-item"
              onSelect={() => onPick(other)}
            >
              {other.kind === 'image' ? <Layers className="icon" aria-hidden /> : <Box className="icon" aria-hidden />}
              <span className="mono cut grow">{label}</span>
              <span className="s12 t3 cut">{note}</span>
            </Command.Item>
          ))}
        </Command.List>
      </Command>
    </Dialog>
  );
}
