import { isIP } from 'node:net';
import { invalid } from '../../base/errors.js';
import type { ContainerSummary } from '../../contract/containers.js';
import type { FullConfig, FullHostConfig } from './record.js';
import type { PortWish, PublishedPort } from './rooms.js';

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;

/** `80/tcp`, `80`: a port inside. */
export function containerPort(text: string): { port: number; protocol: PortWish['protocol'] } {
  const [, number = '', name = 'tcp'] = /^(\d{1,5})(?:\/(\w+))?$/.exec(text) ?? [];
  const protocol = PROTOCOLS.find((one) => one === name.toLowerCase());
  const port = Number(number);
  if (!protocol || number === '' || port < 1 || port > 65535)
    throw invalid(`invalid port specification: "${text.split('/')[0]}"`);
  return { port, protocol };
}

/** The ports that are open inside, each once: `80` and `80/TCP` are `80/tcp`. What is no port stays as it is written. */
function exposedPorts({ ExposedPorts }: Pick<FullConfig, 'ExposedPorts'>): string[] {
  const written = Object.keys(ExposedPorts ?? {}).map((text) => text.toLowerCase());
  return [...new Set(written.map((text) => (text.includes('/') ? text : `${text}/tcp`)))];
}

/** What `-p` and `-P` ask for, checked. Docker's words where it is wrong. */
export function portWishes(
  config: Pick<FullConfig, 'ExposedPorts'>,
  { PortBindings, PublishAllPorts }: Pick<FullHostConfig, 'PortBindings' | 'PublishAllPorts'>,
): PortWish[] {
  const bindings = { ...PortBindings };
  for (const text of PublishAllPorts ? exposedPorts(config) : [])
    if (!bindings[text]?.length) bindings[text] = [{ HostIp: '', HostPort: '' }];
  return Object.entries(bindings).flatMap(([text, places]) => {
    const { port, protocol } = containerPort(text);
    return (places ?? []).map(({ HostIp = '', HostPort = '' }) => {
      if (HostIp !== '' && !isIP(HostIp)) throw invalid(`invalid IP address in port binding: ${HostIp}`);
      return { protocol, port, address: HostIp, ...hostPorts(HostPort) };
    });
  });
}

/** Nothing and 0: any that is free. */
function hostPorts(text: string): { first: number; last: number } {
  if (text === '') return { first: 0, last: 0 };
  const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === '' || first > 65535 || last > 65535 || last < first)
    throw invalid(`invalid port specification: "${text}"`);
  return { first, last };
}

/** `NetworkSettings.Ports`: null where a port is open inside only. */
export function inspectedPorts(
  config: Pick<FullConfig, 'ExposedPorts'>,
  published: PublishedPort[],
): Record<string, { HostIp: string; HostPort: string }[] | null> {
  const shown: Record<string, { HostIp: string; HostPort: string }[] | null> = {};
  for (const text of exposedPorts(config)) shown[text] = null;
  for (const { protocol, port, address, hostPort } of published)
    (shown[`${port}/${protocol}`] ??= []).push({ HostIp: address, HostPort: String(hostPort) });
  return shown;
}

/** One row of `docker ps`. */
export function listedPorts(
  config: Pick<FullConfig, 'ExposedPorts'>,
  published: PublishedPort[],
): ContainerSummary['Ports'] {
  const open = Object.entries(inspectedPorts(config, published)).filter(([, places]) => places === null);
  return [
    ...open.map(([text]) => {
      const [number, protocol = 'tcp'] = text.split('/');
      return { PrivatePort: Number(number), Type: protocol };
    }),
    ...published.map(({ protocol, port, address, hostPort }) => ({
      ...{ IP: address, PrivatePort: port, PublicPort: hostPort, Type: protocol },
    })),
  ];
}
