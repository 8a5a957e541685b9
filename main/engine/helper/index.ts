export { Helper, type HelperOptions } from './helper.js';
export { Monitor, attachMonitor, type MonitorAttachment, type MonitorExit, type MonitorListener } from './monitor.js';
export type {
  BridgeRequest,
  BundleFile,
  EndpointRequest,
  ExecRequest,
  ForeignRuntime,
  HealthProbe,
  HelperHello,
  LogPlan,
  RunRequest,
  Started,
  StreamPlan,
  UnpackProgress,
  Unpacked,
  Wire,
} from './protocol.js';
