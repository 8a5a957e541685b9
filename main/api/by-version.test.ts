import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerInspect } from '../contract/containers.js';
import type { ImageInspect } from '../contract/images.js';
import { containerAt, createAskedAt, diskTypesAt, diskUsageAt, imageAt, waitAt } from './by-version.js';
import type { ApiVersion } from './versions.js';

const v = (version: string) => version as ApiVersion;
const host = (version: string, given: object, cgroupVersion: 1 | 2 = 1) =>
  createAskedAt(v(version), { Image: 'web', HostConfig: given }, cgroupVersion).HostConfig;

test('what a client’s version did not have is not taken from it', () => {
  assert.deepEqual(host('1.24', { AutoRemove: true, IpcMode: 'private', CgroupnsMode: 'private' }), {
    IpcMode: 'private',
    CgroupnsMode: 'private',
  });
  assert.deepEqual(host('1.41', { ConsoleSize: [1, 1], Annotations: { a: 'b' } }), {});
  assert.deepEqual(host('1.43', { Annotations: { a: 'b' }, KernelMemory: 5 }), { Annotations: { a: 'b' } });
  const check = { Test: ['CMD', 'true'], StartInterval: 5 };
  const asked = createAskedAt(v('1.43'), { Healthcheck: check } as object, 1) as { Healthcheck: object };
  assert.deepEqual(asked.Healthcheck, { Test: check.Test });
});

test('silence means what it meant then', () => {
  assert.deepEqual(host('1.39', {}), { IpcMode: 'shareable', CgroupnsMode: 'host' });
  assert.deepEqual(host('1.39', {}, 2), { IpcMode: 'shareable' });
  assert.deepEqual(host('1.40', {}), { CgroupnsMode: 'host' });
  assert.deepEqual(host('1.41', {}), {});
});

test('several networks at once came with 1.44', () => {
  const body = { NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } };
  assert.throws(() => createAskedAt(v('1.43'), body, 2), {
    kind: 'invalid',
    message: 'Container cannot be created with multiple network endpoints: a, b',
  });
  assert.deepEqual(createAskedAt(v('1.44'), body, 2).NetworkingConfig, body.NetworkingConfig);
});

test('answers have the fields of their version', () => {
  const container = {
    HostConfig: { Memory: 5 },
    NetworkSettings: { Networks: { bridge: { IPAddress: '' } } },
  } as unknown as ContainerInspect;
  assert.deepEqual(containerAt(v('1.41'), container), {
    HostConfig: { Memory: 5, KernelMemory: 0, KernelMemoryTCP: 0 },
    NetworkSettings: { Networks: { bridge: { IPAddress: '' } } },
  });
  assert.deepEqual(containerAt(v('1.44'), container), {
    HostConfig: { Memory: 5 },
    NetworkSettings: { Networks: { bridge: { IPAddress: '', DNSNames: null } } },
  });
  const image = { Size: 7, Config: { Cmd: ['sh'] } } as unknown as ImageInspect;
  const names = (version: string) => Object.keys(imageAt(v(version), image));
  assert.deepEqual(names('1.43'), ['Size', 'Config', 'VirtualSize', 'Container', 'ContainerConfig']);
  assert.deepEqual(names('1.44'), ['Size', 'Config', 'Container', 'ContainerConfig']);
  assert.deepEqual(names('1.45'), ['Size', 'Config']);
  assert.deepEqual(waitAt(v('1.41'), { StatusCode: 1 }), { Error: null, StatusCode: 1 });
  assert.deepEqual(waitAt(v('1.42'), { StatusCode: 1 }), { StatusCode: 1 });
});

test('what is counted may be picked since 1.42', () => {
  const usage = { LayersSize: 1, Images: [], Containers: [], Volumes: [], BuildCache: [] };
  assert.deepEqual(diskUsageAt(v('1.41'), usage, ['image']), { ...usage, BuilderSize: 0 });
  assert.deepEqual(diskUsageAt(v('1.42'), usage, []), usage);
  assert.deepEqual(diskUsageAt(v('1.42'), usage, ['image']), { LayersSize: 1, Images: [] });
  assert.deepEqual(diskTypesAt(v('1.41'), ['bogus']), []);
  assert.deepEqual(diskTypesAt(v('1.42'), ['image', 'build-cache']), ['image', 'build-cache']);
  assert.throws(() => diskTypesAt(v('1.42'), ['bogus']), { kind: 'invalid' });
});
