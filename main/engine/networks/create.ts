import { randomBytes } from 'node:crypto';
import { forbidden, invalid, notFound, notImplemented } from '../../base/errors.js';
import type { NetworkCreate } from '../../contract/networks.js';
import {
  contains,
  formatAddress,
  formatSubnet,
  overlaps,
  parseAddress,
  parseSubnet,
  type Subnet,
} from '../wires/index.js';
import { firstAddress, type BridgeRecord, type CustomNetwork, type Pool } from './record.js';

/** What only the machine knows. */
export interface CreateContext {
  /** Subnets of other networks of this engine. */
  taken: Subnet[];
  freeSubnet(): Promise<Subnet>;
  freeName(): Promise<string>;
}

const OPTION = 'com.docker.network.bridge.';
const MTU = 'com.docker.network.driver.mtu';

/** A network that was asked for, checked. In Docker's words where it is refused. */
export async function plannedNetwork(
  body: NetworkCreate,
  context: CreateContext,
): Promise<{ bridge: BridgeRecord; custom: CustomNetwork }> {
  const { Driver, Internal = false, Attachable = false, EnableIPv6 = false, Options, Labels, IPAM } = body;
  if (body.Scope && body.Scope !== 'local')
    throw invalid('swarm-scoped networks need a swarm, which this engine has none of');
  if (body.Ingress) throw invalid('an ingress network needs a swarm, which this engine has none of');
  if (body.ConfigOnly || body.ConfigFrom?.Network) throw missing('config-only networks are');
  if (body.EnableIPv4 === false) throw missing('networks without IPv4 are');
  checkDriver(Driver || 'bridge');
  if (IPAM?.Driver && IPAM.Driver !== 'default') throw missing(`the IPAM driver ${IPAM.Driver} is`);
  const options = optionsOf(Options ?? {});
  const given = (IPAM?.Config ?? []).map(poolOf);
  const pools = [...given];
  const has = (family: 4 | 6): boolean => pools.some(({ subnet }) => parseSubnet(subnet).family === family);
  if (has(6) && !EnableIPv6) throw invalid('an IPv6 subnet needs EnableIPv6: add --ipv6');
  for (const family of [4, 6] as const)
    if (pools.filter(({ subnet }) => parseSubnet(subnet).family === family).length > 1)
      throw invalid(`bridge driver doesn't support multiple IPv${family} subnets`);
  for (const { subnet } of given)
    if (context.taken.some((other) => overlaps(other, parseSubnet(subnet))))
      throw forbidden('invalid pool request: Pool overlaps with other one on this address space');
  if (!has(4)) pools.unshift(poolIn(formatSubnet(await context.freeSubnet())));
  if (EnableIPv6 && !has(6)) pools.push(poolIn(uniqueLocalSubnet()));
  return {
    bridge: {
      name: options.name ?? (await context.freeName()),
      pools,
      ...(Internal && { internal: true }),
      ...(options.icc === false && { icc: false }),
      ...(options.masquerade === false && { masquerade: false }),
      ...(options.mtu !== undefined && { mtu: options.mtu }),
    },
    custom: {
      labels: Labels ?? {},
      options: Options ?? {},
      ...{ attachable: Attachable, ipv6: EnableIPv6, fixed: given.length > 0 },
    },
  };
}

/** The docker CLI's rule for names, and that of the engine. */
export function checkNetworkName(name: string): void {
  if (name.trim() === '') throw invalid('network name cannot be empty');
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name))
    throw invalid(`invalid network name ${name}: use letters, digits, '_', '.' and '-', a letter or digit first`);
}

function checkDriver(driver: string): void {
  if (driver === 'bridge') return;
  if (driver === 'host' || driver === 'null') throw forbidden(`only one instance of "${driver}" network is allowed`);
  if (['macvlan', 'ipvlan', 'overlay'].includes(driver)) throw missing(`the network driver ${driver} is`);
  throw notFound(`could not find plugin ${driver} in v1 plugin registry: plugin not found`);
}

interface BridgeOptions {
  name?: string;
  icc?: boolean;
  masquerade?: boolean;
  mtu?: number;
}

/** What a driver option that we do not know would do is not guessed: it is refused by name. */
function optionsOf(options: Record<string, string>): BridgeOptions {
  const known: BridgeOptions = {};
  for (const [option, value] of Object.entries(options)) {
    if (option === `${OPTION}name`) known.name = linkName(value);
    else if (option === `${OPTION}enable_icc`) known.icc = booleanOf(option, value);
    else if (option === `${OPTION}enable_ip_masquerade`) known.masquerade = booleanOf(option, value);
    else if (option === MTU) known.mtu = mtuOf(value);
    else if (option.startsWith('com.docker.network.')) throw missing(`the network option ${option} is`);
  }
  return known;
}

function linkName(value: string): string {
  if (!/^[^\s/:]{1,15}$/.test(value) || value === '.' || value === '..')
    throw invalid(`invalid bridge name "${value}": at most 15 characters, without spaces, '/' and ':'`);
  return value;
}

function booleanOf(option: string, value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw invalid(`invalid value for ${option}: "${value}" is neither true nor false`);
}

function mtuOf(value: string): number {
  if (!/^\d{1,5}$/.test(value) || Number(value) < 68 || Number(value) > 65535)
    throw invalid(`invalid value for ${MTU}: "${value}" is not between 68 and 65535`);
  return Number(value);
}

type Configured = NonNullable<NonNullable<NetworkCreate['IPAM']>['Config']>[number];

function poolOf({ Subnet: subnet, Gateway, IPRange, AuxiliaryAddresses }: Configured): Pool {
  if (!subnet) throw invalid('invalid network config:\ninvalid subnet: an IPAM config needs one');
  const whole = reading('subnet', subnet, () => parseSubnet(subnet));
  if (formatSubnet(whole) !== subnet.toLowerCase())
    throw invalid(`invalid network config:\ninvalid subnet ${subnet}: it should be ${formatSubnet(whole)}`);
  const inside = (what: string, text: string): string => {
    const address = reading(what, text, () => parseAddress(text));
    if (!contains(whole, address))
      throw invalid(`invalid network config:\ninvalid ${what} ${text}: parent subnet is ${subnet}`);
    return formatAddress(address);
  };
  const pool = poolIn(formatSubnet(whole));
  if (Gateway) pool.gateway = inside('gateway', Gateway.replace(/\/\d+$/, ''));
  if (IPRange) {
    const range = reading('ip-range', IPRange, () => parseSubnet(IPRange));
    if (range.family !== whole.family || range.prefix < whole.prefix || !overlaps(range, whole))
      throw invalid(`invalid network config:\ninvalid ip-range ${IPRange}: parent subnet is ${subnet}`);
    pool.range = formatSubnet(range);
  }
  const auxiliary = Object.entries(AuxiliaryAddresses ?? {});
  if (auxiliary.length > 0)
    pool.auxiliary = Object.fromEntries(auxiliary.map(([name, text]) => [name, inside('auxiliary address', text)]));
  return pool;
}

function reading<Value>(what: string, text: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    throw invalid(`invalid network config:\ninvalid ${what} ${text}`, { cause });
  }
}

const poolIn = (subnet: string): Pool => ({ subnet, gateway: firstAddress(subnet) });

/** RFC 4193: a random 40-bit global id below fd00::/8. */
const uniqueLocalSubnet = (): string =>
  formatSubnet({
    family: 6,
    first: (0xfdn << 120n) | (BigInt(`0x${randomBytes(5).toString('hex')}`) << 80n),
    prefix: 64,
  });

const missing = (what: string) => notImplemented(`${what} not available in this version of Slipway: leave that out`);
