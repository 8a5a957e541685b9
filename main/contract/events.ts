/** `GET /events`: what happened, in order. */
export interface EngineEvent {
  Type: 'container' | 'image' | 'network' | 'volume' | 'builder' | 'daemon';
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  scope: 'local';
  /** Unix seconds and nanoseconds. */
  time: number;
  timeNano: number;
  /** Before API 1.22's Actor; old clients still read them. */
  status?: string;
  id?: string;
  from?: string;
}
