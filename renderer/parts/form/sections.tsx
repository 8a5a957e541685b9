/** The parts of the form about a container, for creating one and for editing one. They hold nothing: the value is given and set. */
import type { ClipboardEvent, ReactNode } from 'react';
import { ChevronDown, ChevronRight, CircleAlert, Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { joinCommand } from '../command-line.js';
import { isSecretVariable } from '../secrets.js';
import { CheckLine } from '../../ui/Field.js';
import { Segments } from '../../ui/Segments.js';
import { portAnswer, ULIMITS, type FormProblem, type Section } from './problems.js';
import { FormField, ProblemNote, Rows, TextField, type FormPart } from './rows.js';
import { pastedPairs, type ContainerForm, type Pair, type PortRow, type Restart } from './value.js';

const emptyPair: Pair = { key: '', value: '' };
const emptyPort: PortRow = { ip: '', host: '', container: '', protocol: 'tcp' };

export function Basics({
  onPaste,
  imageHint,
  ...part
}: FormPart & { onPaste?(event: ClipboardEvent): void; imageHint?: ReactNode }) {
  const { t } = useTranslation();
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
          {entry}
        </button>
      ))}
    </div>
  );
}

export function Mounts(part: FormPart) {
  const { t } = useTranslation();
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
          { key: 'target', label: t('form.mountTarget'), width: 'minmax(0, 1fr)' },
          { key: 'readOnly', label: t('form.mountReadOnly'), width: '96px', kind: 'check' },
        ]}
        fresh={{ source: '', target: '', readOnly: false, options: '', strict: false }}
        addLabel={t('form.addMount')}
        removeLabel={(row) => t('form.removeMount', { path: row.target })}
        onChange={(mounts) => set({ mounts })}
        rowEnd={({ options, strict }) => (
          <>
            {options !== '' && <code className="tag">{options}</code>}
            {strict && <code className="tag">--mount</code>}
          </>
        )}
      >
        <Suggested
          label={t('form.declaredVolumes')}
          entries={declared}
          onAdd={(target) =>
            set({ mounts: [...value.mounts, { source: '', target, readOnly: false, options: '', strict: false }] })
          }
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

/** Pasted lines of `KEY=value` become rows; what is there already with that key gets the new value. */
function merged(rows: Pair[], pasted: Pair[]): Pair[] {
  const kept = rows.filter(({ key, value }) => (key !== '' || value !== '') && !pasted.some((one) => one.key === key));
  return [...kept, ...pasted];
}

function PairRows({
  part,
  field,
  ...words
}: {
  part: FormPart;
  field: 'env' | 'labels' | 'tmpfs' | 'extraHosts' | 'sysctls' | 'ulimits' | 'logOptions';
  label: string;
  keyLabel: string;
  valueLabel: string;
  addLabel: string;
  remove(key: string): string;
  keyPlaceholder?: string;
  valuePlaceholder?: string;
  list?: string;
  pasted?: boolean;
  hint?: string;
}) {
  const rows = part.value[field];
  return (
    <Rows
      part={part}
      field={field}
      label={words.label}
      rows={rows}
      columns={[
        {
          key: 'key',
          label: words.keyLabel,
          width: 'minmax(0, 2fr)',
          placeholder: words.keyPlaceholder,
          list: words.list,
        },
        {
          key: 'value',
          label: words.valueLabel,
          width: 'minmax(0, 3fr)',
          placeholder: words.valuePlaceholder,
          covered: ({ key, value }) => field === 'env' && part.mode === 'edit' && isSecretVariable(key, value),
        },
      ]}
      fresh={emptyPair}
      addLabel={words.addLabel}
      removeLabel={({ key }) => words.remove(key)}
      onChange={(changed) => part.set({ [field]: changed })}
      onPaste={(text, column) => {
        const pairs = words.pasted ? pastedPairs(text, column) : undefined;
        if (pairs) part.set({ [field]: merged(rows, pairs) });
        return pairs !== undefined;
      }}
    >
      {words.hint && rows.length > 0 && <span className="hint">{words.hint}</span>}
    </Rows>
  );
}

export function Environment(part: FormPart) {
  const { t } = useTranslation();
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
    />
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

function Select({
  part,
  field,
  label,
  hint,
  options,
}: {
  part: FormPart;
  field: 'restart' | 'pull' | 'network' | 'logDriver';
  label: string;
  hint?: ReactNode;
  options: { value: string; label: string }[];
}) {
  return (
    <FormField part={part} field={field} label={label} hint={hint}>
      <select
        className="input"
        data-field={field}
        value={part.value[field]}
        onChange={(event) => part.set({ [field]: event.target.value } as Partial<ContainerForm>)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </FormField>
  );
}

export function ProcessPart(part: FormPart) {
  const { t } = useTranslation();
  const { value, set, image, mode } = part;
  return (
    <>
      <div className="columns">
        <TextField
          part={part}
          field="entrypoint"
          label={t('form.entrypoint')}
          placeholder={joinCommand(image?.Entrypoint ?? [])}
        />
        <TextField part={part} field="workdir" label={t('form.workdir')} placeholder={image?.WorkingDir || '/'} />
        <TextField part={part} field="user" label={t('form.user')} placeholder={image?.User || 'root'} />
        <TextField part={part} field="hostname" label={t('form.hostname')} />
        <TextField
          part={part}
          field="stopSignal"
          label={t('form.stopSignal')}
          placeholder={image?.StopSignal || 'SIGTERM'}
        />
        <TextField part={part} field="stopTimeout" label={t('form.stopTimeout')} placeholder="10" className="num" />
      </div>
      <CheckLine
        label={t('form.init')}
        hint={part.mark?.('init')}
        checked={value.init}
        onChange={(init) => set({ init })}
      />
      {mode !== 'edit' && (
        <Select
          part={part}
          field="pull"
          label={t('form.pull')}
          options={(['missing', 'always', 'never'] as const).map((policy) => ({
            value: policy,
            label: t(`form.pullPolicy.${policy}`),
          }))}
        />
      )}
    </>
  );
}

export function RestartPart(part: FormPart) {
  const { t } = useTranslation();
  const { value, set, image } = part;
  const { health } = value;
  const setHealth = (changed: Partial<ContainerForm['health']>) => set({ health: { ...health, ...changed } });
  const healthField = (field: 'command' | 'interval' | 'timeout' | 'startPeriod' | 'retries', placeholder: string) => (
    <FormField part={part} field={`health.${field}`} label={t(`form.health.${field}`)}>
      <input
        className="input mono"
        data-field={`health.${field}`}
        placeholder={placeholder}
        value={health[field]}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => setHealth({ [field]: event.target.value })}
      />
    </FormField>
  );
  const own = image?.Healthcheck?.Test?.slice(1).join(' ');
  return (
    <>
      <div className="columns">
        <Select
          part={part}
          field="restart"
          label={t('form.restart')}
          options={(['no', 'on-failure', 'unless-stopped', 'always'] as const).map((policy: Restart) => ({
            value: policy,
            label: t(`summary.policy.${policy}`),
          }))}
        />
        {value.restart === 'on-failure' && (
          <TextField
            part={part}
            field="retries"
            label={t('form.retries')}
            hint={t('form.retriesHint')}
            className="num"
          />
        )}
      </div>
      <div className="field">
        <span className="field-label">
          {t('form.health.title')}
          {part.mark?.('health')}
        </span>
        <div>
          <Segments
            label={t('form.health.title')}
            value={health.mode}
            onChange={(mode) => setHealth({ mode })}
            options={(['image', 'command', 'none'] as const).map((mode) => ({
              value: mode,
              label: t(`form.health.${mode === 'command' ? 'own' : mode}`),
            }))}
          />
        </div>
        {health.mode === 'image' && own && <code className="hint">{own}</code>}
      </div>
      {health.mode === 'command' && healthField('command', 'curl -f http://localhost/ || exit 1')}
      {health.mode !== 'none' && (health.mode === 'command' || own) && (
        <div className="columns four">
          {healthField('interval', '30s')}
          {healthField('timeout', '30s')}
          {healthField('startPeriod', '0s')}
          {healthField('retries', '3')}
        </div>
      )}
    </>
  );
}

export function NetworkPart(part: FormPart) {
  const { t } = useTranslation();
  const { value, facts, mode } = part;
  const names = facts.networks ?? ['bridge', 'host', 'none'];
  const others = [...(facts.names?.keys() ?? [])]
    .filter((name) => name !== value.name)
    .map((name) => `container:${name}`);
  const all = [...names, ...others.sort()];
  const listed = all.includes(value.network) || value.network === '' ? all : [...all, value.network];
  const label = (name: string) =>
    name === 'host' || name === 'none' ? `${name} · ${t(`form.networkOf.${name}`)}` : name;
  return (
    <>
      <div className="columns">
        {mode !== 'edit' && (
          <Select
            part={part}
            field="network"
            label={t('form.network')}
            options={[
              { value: '', label: t('form.networkDefault') },
              ...listed.map((name) => ({ value: name, label: label(name) })),
            ]}
          />
        )}
        <TextField part={part} field="dns" label={t('form.dns')} placeholder="1.1.1.1 9.9.9.9" />
      </div>
      <PairRows
        part={part}
        field="extraHosts"
        label={t('form.extraHosts')}
        keyLabel={t('form.extraHostName')}
        valueLabel={t('form.extraHostAddress')}
        valuePlaceholder="10.0.0.5, host-gateway"
        addLabel={t('form.addExtraHost')}
        remove={(key) => t('form.removeRow', { name: key })}
      />
    </>
  );
}

export function LimitsPart(part: FormPart) {
  const { t } = useTranslation();
  const placeholders = { memory: '512m', memorySwap: '1g', shm: '64m', cpus: '1.5', cpuset: '0-1', pids: '200' };
  return (
    <>
      <div className="columns three">
        {(['memory', 'memorySwap', 'shm', 'cpus', 'cpuset', 'pids'] as const).map((limit) => (
          <TextField
            key={limit}
            part={part}
            field={limit}
            label={t(`form.${limit}`)}
            placeholder={placeholders[limit]}
            className="num"
          />
        ))}
      </div>
      <PairRows
        part={part}
        field="ulimits"
        label={t('form.ulimits')}
        keyLabel={t('form.ulimitName')}
        valueLabel={t('form.ulimitValue')}
        keyPlaceholder="nofile"
        valuePlaceholder="1024:4096"
        list="known-ulimits"
        addLabel={t('form.addUlimit')}
        remove={(key) => t('form.removeRow', { name: key })}
      />
      <datalist id="known-ulimits">
        {ULIMITS.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

export function SecurityPart(part: FormPart) {
  const { t } = useTranslation();
  const { value, set } = part;
  const privileged = part.problemOf('privileged');
  return (
    <>
      <div className="form-checks">
        <CheckLine
          label={t('form.readOnly')}
          hint={part.mark?.('readOnly')}
          checked={value.readOnly}
          onChange={(readOnly) => set({ readOnly })}
        />
        <CheckLine
          label={t('form.noNewPrivileges')}
          hint={part.mark?.('noNewPrivileges')}
          checked={value.noNewPrivileges}
          onChange={(noNewPrivileges) => set({ noNewPrivileges })}
        />
        <CheckLine
          label={t('form.privileged')}
          hint={part.mark?.('privileged')}
          checked={value.privileged}
          onChange={(checked) => set({ privileged: checked })}
        />
      </div>
      {privileged && <ProblemNote problem={privileged} />}
      <div className="columns">
        <TextField part={part} field="capAdd" label={t('form.capAdd')} placeholder="NET_ADMIN SYS_TIME" />
        <TextField part={part} field="capDrop" label={t('form.capDrop')} placeholder="ALL" />
      </div>
      <Rows
        part={part}
        field="devices"
        label={t('form.devices')}
        rows={value.devices}
        columns={[
          { key: 'host', label: t('form.deviceHost'), width: 'minmax(0, 2fr)', placeholder: '/dev/fuse' },
          { key: 'container', label: t('form.deviceContainer'), width: 'minmax(0, 2fr)' },
          { key: 'permissions', label: t('form.devicePermissions'), width: '84px', placeholder: 'rwm' },
        ]}
        fresh={{ host: '', container: '', permissions: '' }}
        addLabel={t('form.addDevice')}
        removeLabel={(row) => t('form.removeRow', { name: row.host })}
        onChange={(devices) => set({ devices })}
      />
      <PairRows
        part={part}
        field="sysctls"
        label={t('form.sysctls')}
        keyLabel={t('form.sysctlName')}
        valueLabel={t('form.envValue')}
        keyPlaceholder="net.core.somaxconn"
        addLabel={t('form.addSysctl')}
        remove={(key) => t('form.removeRow', { name: key })}
      />
    </>
  );
}

export function LabelsPart(part: FormPart) {
  const { t } = useTranslation();
  return (
    <>
      <PairRows
        part={part}
        field="labels"
        label={t('form.labels')}
        keyLabel={t('form.labelKey')}
        valueLabel={t('form.envValue')}
        addLabel={t('form.addLabel')}
        remove={(key) => t('form.removeRow', { name: key })}
        pasted
      />
      <Select
        part={part}
        field="logDriver"
        label={t('form.logDriver')}
        options={[
          { value: '', label: t('form.logDefault') },
          { value: 'json-file', label: 'json-file' },
          { value: 'none', label: t('form.logNone') },
          ...(['', 'json-file', 'none'].includes(part.value.logDriver)
            ? []
            : [{ value: part.value.logDriver, label: part.value.logDriver }]),
        ]}
      />
      <PairRows
        part={part}
        field="logOptions"
        label={t('form.logOptions')}
        keyLabel={t('form.logOption')}
        valueLabel={t('form.envValue')}
        keyPlaceholder="max-size"
        valuePlaceholder="10m"
        addLabel={t('form.addLogOption')}
        remove={(key) => t('form.removeRow', { name: key })}
      />
    </>
  );
}

export function OtherPart(part: FormPart) {
  const { t } = useTranslation();
  const { value, set, mode } = part;
  return (
    <>
      {mode !== 'edit' && (
        <PairRows
          part={part}
          field="tmpfs"
          label={t('form.tmpfs')}
          keyLabel={t('form.tmpfsPath')}
          valueLabel={t('form.tmpfsOptions')}
          keyPlaceholder="/run"
          valuePlaceholder="size=64m,mode=1777"
          addLabel={t('form.addTmpfs')}
          remove={(key) => t('form.removeRow', { name: key })}
        />
      )}
      <FormField part={part} field="other" label={t('form.other')} hint={t('form.otherHint')}>
        <textarea
          className="input mono"
          data-field="other"
          rows={2}
          placeholder="--ipc host --group-add audio"
          value={value.other}
          spellCheck={false}
          onChange={(event) => set({ other: event.target.value })}
        />
      </FormField>
    </>
  );
}

/** The parts that fold, in their order. */
export const FOLDS: { section: Section; Part(part: FormPart): ReactNode }[] = [
  { section: 'process', Part: ProcessPart },
  { section: 'restart', Part: RestartPart },
  { section: 'network', Part: NetworkPart },
  { section: 'limits', Part: LimitsPart },
  { section: 'security', Part: SecurityPart },
  { section: 'labels', Part: LabelsPart },
  { section: 'other', Part: OtherPart },
];

/** A part that folds, and says while it is folded what is in it. */
export function Fold({
  section,
  open,
  onToggle,
  set,
  mode,
  wrong,
  children,
}: {
  section: Section;
  open: boolean;
  onToggle(): void;
  /** Fields of it that say something; where one is edited, something else than before. */
  set: number;
  mode?: FormPart['mode'];
  wrong: number;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const Icon = open ? ChevronDown : ChevronRight;
  return (
    <section className="form-fold" aria-label={t(`form.section.${section}`)}>
      <button type="button" className="form-fold-head" aria-expanded={open} onClick={onToggle}>
        <Icon className="icon s14" aria-hidden />
        <span className="grow">{t(`form.section.${section}`)}</span>
        {wrong > 0 && (
          <span className="form-note error">
            <CircleAlert className="icon s12" aria-hidden />
            {t('form.wrongIn', { count: wrong })}
          </span>
        )}
        {set > 0 && (
          <span className="tag">{t(mode === 'edit' ? 'change.changedIn' : 'form.setIn', { count: set })}</span>
        )}
      </button>
      {open && <div className="form-fold-body">{children}</div>}
    </section>
  );
}
