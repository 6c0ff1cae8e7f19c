import type { WireEvent } from '../dify/wire-event.ts';

/**
 * An event without addresses that Dify has signed, by `own`; but for those that files are known by, and for texts that come in
 * pieces.
 */
export function shownEvent(wire: WireEvent, own: <T>(said: T) => T): WireEvent {
  switch (wire.event) {
    case 'message':
    case 'agent_message':
    case 'text_chunk':
    case 'text_replace':
    case 'reasoning_chunk':
    case 'message_file':
    case 'tts_message':
    case 'tts_message_end':
      return wire;
    case 'message_replace':
      return { ...wire, reason: own(wire.reason) };
    case 'message_end':
    case 'workflow_finished':
      return { ...own(wire), files: wire.files };
    default:
      return own(wire);
  }
}
