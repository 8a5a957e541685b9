import type { ContainerChange } from '../../../main/contract/changes.js';
import type { ContainerCreate } from '../../../main/contract/containers.js';
import { createBody } from '../form/body.js';
import type { FormProblem } from '../form/problems.js';
import type { ContainerForm } from '../form/value.js';

type Fields = Record<string, unknown>;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** What is said otherwise; what is said no more is null. */
function difference(before: Fields, after: Fields): Fields | undefined {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const differing = names.filter((name) => !same(before[name], after[name]));
  return differing.length > 0 ? Object.fromEntries(differing.map((name) => [name, after[name] ?? null])) : undefined;
}

/** What is to be changed for one form to become the other; undefined: nothing. An empty name or image is one that stays. */
export function changeOf(before: ContainerForm, after: ContainerForm): ContainerChange | undefined {
  const parts = (form: ContainerForm) => {
    const { HostConfig = {}, Image: _, NetworkingConfig: __, ...Config }: ContainerCreate = createBody(form);
    return { Config: Config as Fields, HostConfig: HostConfig as Fields };
  };
  const [was, will] = [parts(before), parts(after)];
  const Config = difference(was.Config, will.Config);
  const HostConfig = difference(was.HostConfig, will.HostConfig);
  const text = (field: 'name' | 'image') => {
    const wanted = after[field].trim();
    return wanted === '' || wanted === before[field] ? undefined : wanted;
  };
  const [Name, Image] = [text('name'), text('image')];
  const change = {
    ...(Name !== undefined && { Name }),
    ...(Config && { Config }),
    ...(HostConfig && { HostConfig }),
    ...(Image !== undefined && { Image }),
  } as ContainerChange;
  return Object.keys(change).length > 0 ? change : undefined;
}

const topOf = (field: string) => (field.split('.')[0] ?? '') as keyof ContainerForm;

/** Of what is to be said about a form, what is about something that was changed: how it was before is how it runs. */
export const ofChanged = (problems: FormProblem[], before: ContainerForm, after: ContainerForm): FormProblem[] =>
  problems.filter(({ field, word }) => word !== 'image-missing' && !same(before[topOf(field)], after[topOf(field)]));

/** The engine's fields that a field of the form says. */
const SAYS: Partial<Record<keyof ContainerForm, string[]>> = {
  ...{ name: ['Name'], image: ['Image', 'ImageID'], command: ['Config.Cmd'], entrypoint: ['Config.Entrypoint'] },
  ...{ workdir: ['Config.WorkingDir'], user: ['Config.User'], hostname: ['Config.Hostname'], env: ['Config.Env'] },
  ...{ labels: ['Config.Labels'], interactive: ['Config.OpenStdin'], tty: ['Config.Tty'] },
  ...{ autoRemove: ['HostConfig.AutoRemove'], restart: ['HostConfig.RestartPolicy'] },
  ...{ retries: ['HostConfig.RestartPolicy'], dns: ['HostConfig.Dns'], extraHosts: ['HostConfig.ExtraHosts'] },
  ...{ memory: ['HostConfig.Memory'], memorySwap: ['HostConfig.MemorySwap'], cpus: ['HostConfig.NanoCpus'] },
  ...{ cpuset: ['HostConfig.CpusetCpus'], pids: ['HostConfig.PidsLimit'], shm: ['HostConfig.ShmSize'] },
  ...{ capAdd: ['HostConfig.CapAdd'], capDrop: ['HostConfig.CapDrop'], privileged: ['HostConfig.Privileged'] },
  ...{
    readOnly: ['HostConfig.ReadonlyRootfs'],
    noNewPrivileges: ['HostConfig.SecurityOpt'],
    init: ['HostConfig.Init'],
  },
  ...{ devices: ['HostConfig.Devices'], sysctls: ['HostConfig.Sysctls'], ulimits: ['HostConfig.Ulimits'] },
  ...{ stopSignal: ['Config.StopSignal'], stopTimeout: ['Config.StopTimeout'], health: ['Config.Healthcheck'] },
  ...{ logDriver: ['HostConfig.LogConfig'], logOptions: ['HostConfig.LogConfig'] },
};

export const fieldsOf = (field: keyof ContainerForm): readonly string[] => SAYS[field] ?? [];
