import { isChat } from './app.ts';
import { appUnavailable, notChatApp, notWorkflowApp } from './errors.ts';
import { bodyOf, requiredUser, success, type Call, type Reply } from './http.ts';
import type { World } from './world.ts';

/**
 * `POST /chat-messages/{task}/stop` and `POST /completion-messages/{task}/stop`: always success, whatever happens. Only the
 * owner's stop takes effect, except on a chatflow, whose graph obeys anybody (§8.1).
 */
export function stopMessage(world: World, call: Call): Reply {
  const { app, params } = call;
  const user = requiredUser(app, bodyOf(call)['user']);
  if (call.path.startsWith('/v1/chat-messages/')) {
    if (!isChat(app)) throw notChatApp();
  } else if (app.mode !== 'completion') {
    throw appUnavailable();
  }
  const turn = world.turns.get(params['task'] ?? '');
  if (turn !== undefined && (turn.user.id === user.id || turn.app.mode === 'advanced-chat')) turn.stop();
  return success;
}

/** `POST /workflows/tasks/{task}/stop`: neither user nor app are checked. */
export function stopWorkflow(world: World, call: Call): Reply {
  requiredUser(call.app, bodyOf(call)['user']);
  if (call.app.mode !== 'workflow') throw notWorkflowApp();
  const turn = world.turns.get(call.params['task'] ?? '');
  if (turn !== undefined && turn.app.mode === 'workflow') turn.stop();
  return success;
}
