import type { Message } from './conversations.ts';
import { chat, type Outcome } from './chat.ts';
import type { Turn } from './turn.ts';
import type { Memory } from './answers.ts';
export const chatflow = (turn: Turn, message: Message, _memory: Memory): Promise<Outcome> => chat(turn, message, ['soon']);
