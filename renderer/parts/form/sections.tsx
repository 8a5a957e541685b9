/** The parts of the form about a container that are always in sight, for creating one and for editing one. They hold nothing: the value is given and set. */
import type { ClipboardEvent, ReactNode } from 'react';
import { Layers, Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { joinCommand } from '../command-line.js';
import { namedImages } from '../image-names.js';
import { isSecretVariable, splitVariable } from '../secrets.js';
import { useEngine } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { CheckLine } from '../../ui/Field.js';
import { PairRows } from './pairs.js';
import { portAnswer, type FormProblem } from './problems.js';
import { ProblemNote, Rows, TextField, type FormPart } from './rows.js';
import { isPath, type MountRow, type PortRow } from './value.js';

/** So many names of images are suggested. */
const MOST_KNOWN = 100;

const emptyPort: PortRow = { ip: '', host: '', container: '', protocol: 'tcp' };

export function Basics({
  onPaste,
  imageHint,
  ...part
}: FormPart & { onPaste?(event: ClipboardEvent): void; imageHint?: ReactNode }) {
  const { t } = useTranslation();
  const images = useEngine((state) => state.images);
  const typed = part.value.image.trim().toLowerCase();
  const fitting = namedImages(images ?? []).filter((row) => row.repository && row.reference.includes(typed));
  const known = [...new Set(fitting.slice(0, MOST_KNOWN).map(({ reference }) => reference))];
  return (
    <>
      <div className="columns">
        <TextField
          part={part}
          field="image"
          label={t('form.image')}
          hint={imageHint}
          list="known-images"
          onPaste={onPaste}
        />
        <TextField
          part={part}
          field="name"
          label={t('form.name')}
          hint={part.mode === 'edit' ? undefined : t('form.nameHint')}
          className=""
        />
      </div>
      <TextField
        part={part}
        field="command"
        label={t('form.command')}
        hint={t('form.commandHint')}
        placeholder={joinCommand(part.image?.Cmd ?? [])}
      />
      <datalist id="known-images">
        {known.map((reference) => (
          <option key={reference} value={reference} />
        ))}
      </datalist>
    </>
  );
}

/** Published ports. What the engine cannot do is said here, once. */
export function Ports(part: FormPart) {
  const { t } = useTranslation();
  const { value, set, facts } = part;
  const rows = value.ports;
  const cannot = facts.canPublish === false && value.network !== 'host';
  const declared = Object.keys(part.image?.ExposedPorts ?? {}).filter(
    (port) => !rows.some(({ container, protocol }) => port === `${container}/${protocol}`),
  );
  const add = (port: string) => {
    const [container = '', protocol = 'tcp'] = port.split('/');
    set({ ports: [...rows, { ip: '', host: container, container, protocol: protocol as 'tcp' }] });
  };
  const hostNetwork = (
    <button type="button" className="link" onClick={() => set({ network: 'host' })}>
      {t('form.useHostNetwork')}
    </button>
  );
  const action = (problem: FormProblem, index: number) => {
    if (problem.word === 'ports-unavailable') return hostNetwork;
    const row = rows[index];
    if (!row || !problem.word.startsWith('port-taken') || value.network === 'host') return undefined;
    const next = portAnswer(facts, row.ip.trim(), Number(row.host), row.protocol)?.Next;
    if (!next) return undefined;
    return (
      <button
        type="button"
        className="link"
        onClick={() => set({ ports: rows.map((one, at) => (at === index ? { ...one, host: String(next) } : one)) })}
      >
        {t('form.usePort', { port: next })}
      </button>
    );
  };
  return (
    <Rows
      part={part}
      field="ports"
      label={t('form.ports')}
      rows={rows}
      columns={[
        { key: 'host', label: t('form.portHost'), width: 'minmax(0, 3fr)' },
        { key: 'container', label: t('form.portContainer'), width: 'minmax(0, 3fr)' },
        { key: 'protocol', label: t('form.protocol'), width: '76px', options: ['tcp', 'udp', 'sctp'] },
        { key: 'ip', label: t('form.portAddress'), width: 'minmax(0, 4fr)', placeholder: t('form.portAnyAddress') },
      ]}
      fresh={emptyPort}
      addLabel={t('form.addPort')}
      removeLabel={(row) => t('form.removePort', { port: row.container })}
      onChange={(ports) => set({ ports })}
      noteAction={action}
    >
      {cannot && rows.length === 0 && (
        <ProblemNote problem={{ field: 'ports', level: 'note', word: 'ports-unavailable' }}>{hostNetwork}</ProblemNote>
      )}
      {cannot && declared.length > 0 && (
        <span className="hint">{t('form.listensOn', { ports: declared.join(' ') })}</span>
      )}
      {!cannot && <Suggested label={t('form.declaredPorts')} entries={declared} onAdd={add} />}
    </Rows>
  );
}

function Suggested({ label, entries, onAdd }: { label: string; entries: string[]; onAdd(entry: string): void }) {
  if (entries.length === 0) return null;
  return (
    <div className="form-suggested" role="group" aria-label={label}>
      <span className="hint">{label}</span>
      {entries.map((entry) => (
        <button key={entry} type="button" className="chip" onClick={() => onAdd(entry)}>
          <Plus className="icon s12" aria-hidden />
          <span className="cut">{entry}</span>
        </button>
      ))}
    </div>
  );
}

/** A volume or an image can be mounted in part. */
const hasParts = ({ source, image, subpath }: MountRow): boolean =>
  image === true || Boolean(subpath) || (source.trim() !== '' && !isPath(source));

export function Mounts(part: FormPart) {
  const { t } = useTranslation();
  const fresh: MountRow = { source: '', target: '', readOnly: false, options: '', strict: false };
  const { value, set, image, facts } = part;
  const declared = Object.keys(image?.Volumes ?? {}).filter(
    (path) => !value.mounts.some(({ target }) => target.trim() === path),
  );
  return (
    <>
      <Rows
        part={part}
        field="mounts"
        label={t('form.mounts')}
        rows={value.mounts}
        columns={[
          {
            key: 'source',
            label: t('form.mountSource'),
            width: 'minmax(0, 1fr)',
            list: 'known-volumes',
          },
          ...(value.mounts.some(hasParts)
            ? [{ key: 'subpath', label: t('form.mountPart'), width: 'minmax(0, 0.6fr)' } as const]
            : []),
          { key: 'target', label: t('form.mountTarget'), width: 'minmax(0, 1fr)' },
          { key: 'readOnly', label: t('form.mountReadOnly'), width: '96px', kind: 'check' },
        ]}
        fresh={fresh}
        addLabel={t('form.addMount')}
        removeLabel={(row) => t('form.removeMount', { path: row.target })}
        // An image is never written to.
        onChange={(mounts) => set({ mounts: mounts.map((row) => (row.image ? { ...row, readOnly: true } : row)) })}
        rowEnd={({ options, strict, image: ofImage }) => (
          <>
            {options !== '' && <code className="tag">{options}</code>}
            {ofImage && <span className="tag">{t('form.mountImage')}</span>}
            {strict && !ofImage && <code className="tag">--mount</code>}
          </>
        )}
      >
        <div>
          <Button
            size="small"
            variant="ghost"
            icon={Layers}
            onClick={() => set({ mounts: [...value.mounts, { ...fresh, readOnly: true, image: true }] })}
          >
            {t('form.addImageMount')}
          </Button>
        </div>
        <Suggested
          label={t('form.declaredVolumes')}
          entries={declared}
          onAdd={(target) => set({ mounts: [...value.mounts, { ...fresh, target }] })}
        />
      </Rows>
      <datalist id="known-volumes">
        {facts.volumes?.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

export function Environment(part: FormPart) {
  const { t } = useTranslation();
  const declared = (part.mode === 'edit' ? [] : (part.image?.Env ?? []))
    .map((variable) => {
      const [key, value] = splitVariable(variable);
      return { key, value };
    })
    .filter(({ key }) => !part.value.env.some((row) => row.key.trim() === key))
    // What every image sets, and hardly anybody else.
    .sort((a, b) => Number(a.key === 'PATH') - Number(b.key === 'PATH'));
  return (
    <PairRows
      part={part}
      field="env"
      label={t('form.env')}
      keyLabel={t('form.envKey')}
      valueLabel={t('form.envValue')}
      addLabel={t('form.addEnv')}
      remove={(key) => t('form.removeEnv', { key })}
      pasted
      hint={t('form.envHint')}
    >
      <Suggested
        label={t('form.declaredEnv')}
        entries={declared.map(({ key, value }) => (isSecretVariable(key, value) ? key : `${key}=${value}`))}
        onAdd={(entry) => {
          const found = declared.find(({ key }) => key === entry.split('=')[0]);
          if (found)
            part.set({ env: [...part.value.env.filter(({ key, value }) => key !== '' || value !== ''), found] });
        }}
      />
    </PairRows>
  );
}

/** How it runs and how it ends. */
export function Manner({ value, set, mode, mark }: FormPart) {
  const { t } = useTranslation();
  return (
    <div className="form-checks">
      <CheckLine
        label={t('form.interactive')}
        hint={mark?.('interactive')}
        checked={value.interactive}
        onChange={(interactive) => set({ interactive })}
      />
      <CheckLine label={t('form.tty')} hint={mark?.('tty')} checked={value.tty} onChange={(tty) => set({ tty })} />
      {mode !== 'edit' && (
        <CheckLine label={t('form.detach')} checked={value.detach} onChange={(detach) => set({ detach })} />
      )}
      <CheckLine
        label={t('form.autoRemove')}
        hint={mark?.('autoRemove')}
        checked={value.autoRemove}
        onChange={(autoRemove) => set({ autoRemove })}
      />
    </div>
  );
}
