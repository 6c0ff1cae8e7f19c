import { randomUUID } from 'node:crypto';

const mostPerApp = 1_000;

/** A question whose answer a person has written. */
export interface Annotation {
  readonly id: string;
  /** Microseconds. */
  readonly createdAt: number;
  question: string;
  answer: string;
  hits: number;
}

/** How annotations answer for an app. */
export interface ReplySetting {
  /** Of 1: how alike a question must be. */
  readonly threshold: number;
  readonly provider: string;
  readonly model: string;
}

/** Dify sets the replies up in a job; `since` and `doneAt` are microseconds. */
interface Job {
  readonly app: string;
  readonly action: string;
  readonly doneAt: number;
  readonly setting: ReplySetting | undefined;
  done: boolean;
}

/** The annotations of all apps. */
export class Annotations {
  readonly #byApp = new Map<string, Annotation[]>();
  readonly #settings = new Map<string, ReplySetting>();
  readonly #jobs = new Map<string, Job>();

  /** Newest first. */
  of(app: string): readonly Annotation[] {
    return (this.#byApp.get(app) ?? []).toReversed();
  }

  add(app: string, about: Pick<Annotation, 'question' | 'answer'>, now: number): Annotation {
    const added = { id: randomUUID(), createdAt: now, ...about, hits: 0 };
    this.#byApp.set(app, [...(this.#byApp.get(app) ?? []), added].slice(-mostPerApp));
    return added;
  }

  find(app: string, id: string): Annotation | undefined {
    return this.#byApp.get(app)?.find((one) => one.id === id.toLowerCase());
  }

  remove(app: string, id: string): void {
    this.#byApp.set(app, this.#byApp.get(app)?.filter((one) => one.id !== id.toLowerCase()) ?? []);
  }

  /** Starts the job that turns replies on, or off without a setting, and gives its id. It takes effect at `doneAt`. */
  schedule(app: string, action: string, doneAt: number, setting: ReplySetting | undefined): string {
    const id = randomUUID();
    this.#jobs.set(id, { app, action, doneAt, setting, done: false });
    if (this.#jobs.size > mostPerApp) this.#jobs.delete(this.#jobs.keys().next().value ?? '');
    return id;
  }

  /** Where a job is; undefined when there is none such. */
  job(app: string, action: string, id: string, now: number): 'waiting' | 'completed' | undefined {
    this.#work(now);
    const job = this.#jobs.get(id.toLowerCase());
    if (job?.app !== app || job.action !== action) return undefined;
    return job.done ? 'completed' : 'waiting';
  }

  /** How annotations answer for an app; undefined when they do not. */
  setting(app: string, now: number): ReplySetting | undefined {
    this.#work(now);
    return this.#settings.get(app);
  }

  /** The annotation that answers a question, if one is near enough. That it did is counted. */
  answering(app: string, question: string, now: number): Annotation | undefined {
    const setting = this.setting(app, now);
    if (setting === undefined) return undefined;
    const [best] = this.of(app)
      .map((annotation) => ({ annotation, score: likeness(annotation.question, question) }))
      .filter(({ score }) => score >= setting.threshold)
      .toSorted((one, other) => other.score - one.score);
    if (best !== undefined) best.annotation.hits += 1;
    return best?.annotation;
  }

  #work(now: number): void {
    for (const job of this.#jobs.values()) {
      if (job.done || job.doneAt > now) continue;
      job.done = true;
      if (job.setting === undefined) this.#settings.delete(job.app);
      else this.#settings.set(job.app, job.setting);
    }
  }
}

/** How much two questions have in common: 1 when their words are the same, whatever the order and the punctuation. */
function likeness(one: string, other: string): number {
  const [these, those] = [wordsOf(one), wordsOf(other)];
  const all = new Set([...these, ...those]).size;
  return all === 0 ? 0 : [...these].filter((word) => those.has(word)).length / all;
}

const wordsOf = (text: string) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu));
