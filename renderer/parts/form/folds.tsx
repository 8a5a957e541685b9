/** The parts of the form that fold: what fewer people use. */
import type { ReactNode } from 'react';
import { ChevronDown, ChevronRight, CircleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { joinCommand } from '../command-line.js';
import { CheckLine } from '../../ui/Field.js';
import { Segments } from '../../ui/Segments.js';
import { LabelRows, PairRows } from './pairs.js';
import { countSet, sectionOf, ULIMITS, type FormProblem, type Section } from './problems.js';
import { FormField, ProblemNote, Rows, Select, TextField, type FormPart } from './rows.js';
import type { ContainerForm, Restart } from './value.js';

function ProcessPart(part: FormPart) {
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

function RestartPart(part: FormPart) {
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

function NetworkPart(part: FormPart) {
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
      />
    </>
  );
}

function LimitsPart(part: FormPart) {
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
      />
      <datalist id="known-ulimits">
        {ULIMITS.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

function SecurityPart(part: FormPart) {
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
      />
    </>
  );
}

function LabelsPart(part: FormPart) {
  const { t } = useTranslation();
  return (
    <>
      <LabelRows part={part} />
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
      />
    </>
  );
}

function OtherPart(part: FormPart) {
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
        />
      )}
      {mode !== 'edit' && (
        <TextField
          part={part}
          field="volumesFrom"
          label={t('form.volumesFrom')}
          hint={t('form.volumesFromHint')}
          placeholder="data cache:ro"
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
const FOLDS: { section: Section; Part(part: FormPart): ReactNode }[] = [
  { section: 'process', Part: ProcessPart },
  { section: 'restart', Part: RestartPart },
  { section: 'network', Part: NetworkPart },
  { section: 'limits', Part: LimitsPart },
  { section: 'security', Part: SecurityPart },
  { section: 'labels', Part: LabelsPart },
  { section: 'other', Part: OtherPart },
];

/** All parts that fold. `before`: what its fields are compared with, to say how many say something. */
export function Folds({
  part,
  before,
  problems,
  open,
  onToggle,
}: {
  part: FormPart;
  before: ContainerForm;
  problems: readonly FormProblem[];
  open: readonly Section[];
  onToggle(section: Section): void;
}) {
  return (
    <div className="form-folds">
      {FOLDS.map(({ section, Part }) => (
        <Fold
          key={section}
          section={section}
          open={open.includes(section)}
          onToggle={() => onToggle(section)}
          set={countSet(part.value, before, section)}
          mode={part.mode}
          said={section === 'process' && part.mode !== 'edit' ? saidByImage(part) : ''}
          wrong={problems.filter(({ field, level }) => level === 'error' && sectionOf(field) === section).length}
        >
          <Part {...part} />
        </Fold>
      ))}
    </div>
  );
}

/** What the image says where the form says nothing. */
const saidByImage = ({ value, image }: FormPart): string =>
  [
    value.entrypoint === '' && image?.Entrypoint?.length ? joinCommand(image.Entrypoint) : '',
    value.user === '' ? image?.User : '',
    value.workdir === '' ? image?.WorkingDir : '',
  ]
    .filter(Boolean)
    .join(' · ');

/** A part that folds, and says while it is folded what is in it. */
function Fold({
  section,
  open,
  onToggle,
  set,
  mode,
  said,
  wrong,
  children,
}: {
  section: Section;
  open: boolean;
  onToggle(): void;
  /** Fields of it that say something; where one is edited, something else than before. */
  set: number;
  mode?: FormPart['mode'];
  said: string;
  wrong: number;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const Icon = open ? ChevronDown : ChevronRight;
  return (
    <section className="form-fold" aria-label={t(`form.section.${section}`)}>
      <button type="button" className="form-fold-head" aria-expanded={open} onClick={onToggle}>
        <Icon className="icon s14" aria-hidden />
        <span className="fold-title">{t(`form.section.${section}`)}</span>
        <span className="grow cut s12 t3">{!open && said !== '' && t('form.fromImage', { said })}</span>
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
