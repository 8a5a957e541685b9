export { Attachment, type AttachStream } from './attachment.js';
export {
  Containers,
  type AttachRequest,
  type ContainersOptions,
  type ListRequest,
  type LogsRequest,
  type RunningContainer,
} from './containers.js';
export { parseDetachKeys } from './detach-keys.js';
export { capabilitiesOf } from './capabilities.js';
export { environmentOf, mergeEnvironment } from './spec.js';
export { hostNameOf } from './launch.js';
export { containerPaths, type ContainerPaths } from './paths.js';
export { cgroupOf } from './spec.js';
export { securityOptions } from './plan.js';
export type { HelperRoom, ImagesRoom, StoreRoom } from './rooms.js';
export type { ContainerRecord } from './record.js';
