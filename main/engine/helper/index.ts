export { Helper, type HelperOptions } from './helper.js';
export { Monitor, attachMonitor, type MonitorAttachment, type MonitorExit, type MonitorListener } from './monitor.js';
export type {
  BridgeRequest,
  BundleFile,
  Compressed,
  CompressProgress,
  EndpointRequest,
  ExecRequest,
  FilesPlace,
  ForeignRuntime,
  HealthProbe,
  HelperHello,
  LogPlan,
  PathStat,
  RunRequest,
  SeenDirectory,
  SeenFile,
  Started,
  StreamPlan,
  UnpackProgress,
  Unpacked,
  Wire,
} from './protocol.js';
