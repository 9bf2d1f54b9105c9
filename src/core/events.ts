/** What a watcher reports, a line an event: for people, or as JSON for machines. */

export type EventName =
  | 'started'
  | 'installed'
  | 'failed'
  | 'restored'
  | 'waiting'
  | 'ready'
  | 'not-ready'
  | 'stopping'
  | 'warning';

export interface Event {
  readonly event: EventName;
  /** OCI architecture, where it concerns one. */
  readonly architecture?: string | undefined;
  /** Why it happened. */
  readonly cause?: string | undefined;
}

export type LogFormat = 'text' | 'json';

/** `time`: ISO 8601. */
export function formatEvent({ event, architecture, cause }: Event, time: string, format: LogFormat): string {
  if (format === 'json') return JSON.stringify({ time, event, architecture, cause });
  return `${time} ${event}${architecture === undefined ? '' : ` ${architecture}`}${cause === undefined ? '' : `: ${cause}`}`;
}
