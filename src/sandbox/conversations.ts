import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { EndUser } from './ids.ts';
import type { Conversation, Feedback, Message } from './message.ts';

/** How many of each are kept; the oldest go first. */
const conversationsPerUser = 1_000;
const conversationsInAll = 20_000;
const messagesPerConversation = 1_000;
const loneMessages = 10_000;

/** Everything said so far, by app and user. It lives as long as the process. */
export class Conversations {
  readonly #conversations = new Map<string, Conversation>();
  readonly #byUser = new Map<string, Set<Conversation>>();
  readonly #lone = new Map<string, Message>();
  readonly #messages = new Map<string, Message>();
  readonly #rated = new Set<Message>();
  readonly #now: Clock;

  constructor(now: Clock) {
    this.#now = now;
  }

  open(app: string, user: EndUser, about: Pick<Conversation, 'name' | 'inputs' | 'introduction'>): Conversation {
    const now = this.#now();
    const opened: Conversation = {
      id: randomUUID(),
      app,
      userId: user.id,
      ...about,
      createdAt: now,
      updatedAt: now,
      messages: [],
      variables: [],
    };
    this.#conversations.set(opened.id, opened);
    const own = this.#byUser.get(user.id) ?? new Set();
    this.#byUser.set(user.id, own.add(opened));
    if (own.size > conversationsPerUser) this.remove(own.values().next().value);
    if (this.#conversations.size > conversationsInAll) this.remove(this.#conversations.values().next().value);
    return opened;
  }

  /** Adds a question; its answer is empty until it has been said to the end. */
  ask(
    app: string,
    user: EndUser,
    conversation: Conversation | null,
    asked: Pick<Message, 'query' | 'inputs' | 'files'>,
  ): Message {
    const message: Message = {
      id: randomUUID(),
      app,
      userId: user.id,
      conversation,
      ...asked,
      createdAt: this.#now(),
      answer: '',
      status: 'normal',
      error: null,
      feedback: null,
      citations: [],
      thoughts: [],
      forms: [],
      usage: undefined,
    };
    this.#messages.set(message.id, message);
    if (conversation === null) {
      this.#lone.set(message.id, message);
      if (this.#lone.size > loneMessages) this.#drop(this.#lone.values().next().value);
    } else {
      conversation.messages.push(message);
      conversation.updatedAt = message.createdAt;
      if (conversation.messages.length > messagesPerConversation) this.#drop(conversation.messages.shift());
    }
    return message;
  }

  /** A conversation of this user with this app. */
  find(app: string, user: EndUser, id: string): Conversation | undefined {
    const found = this.#conversations.get(id.toLowerCase());
    return found?.app === app && found.userId === user.id ? found : undefined;
  }

  findMessage(app: string, user: EndUser, id: string): Message | undefined {
    const found = this.#messages.get(id.toLowerCase());
    return found?.app === app && found.userId === user.id ? found : undefined;
  }

  rate(message: Message, feedback: Feedback | null): void {
    if (feedback === null) this.#rated.delete(message);
    else if (message.feedback === null) this.#rated.add(message);
    message.feedback = feedback;
  }

  /** The messages of an app that somebody has rated, the last one first. */
  rated(app: string): Message[] {
    return [...this.#rated].filter((message) => message.app === app).toReversed();
  }

  /** All of one user of one app, oldest first. */
  of(user: EndUser): Conversation[] {
    return [...(this.#byUser.get(user.id) ?? [])];
  }

  rename(conversation: Conversation, name: string): void {
    conversation.name = name;
    conversation.updatedAt = this.#now();
  }

  remove(conversation: Conversation | undefined): void {
    if (conversation === undefined) return;
    this.#conversations.delete(conversation.id);
    for (const message of conversation.messages) this.#drop(message);
    const own = this.#byUser.get(conversation.userId);
    own?.delete(conversation);
    if (own?.size === 0) this.#byUser.delete(conversation.userId);
  }

  #drop(message: Message | undefined): void {
    if (message === undefined) return;
    this.#messages.delete(message.id);
    this.#lone.delete(message.id);
    this.#rated.delete(message);
  }
}
