export { HostResolver, type HostServer } from './host-resolver.js';
export { Resolver, type NetworkNames, type ResolverView } from './resolver.js';
