import type { AppClient } from './app-client.ts';
import { wireReference, type FileReference } from './file-reference.ts';
import { parseForm, type FormRecord } from './form.ts';
import { notDify } from './not-dify.ts';
import { path } from './path.ts';

/** The forms on which paused runs wait (§8.3, since Dify 1.14). Who has the token may answer: it is told in no error. */
export class Forms {
  readonly #client: AppClient;

  constructor(client: AppClient) {
    this.#client = client;
  }

  /** `GET /form/human_input/{token}` (§1.11). FORM_EXPIRED once it is answered or over. */
  async get(token: string): Promise<FormRecord> {
    const from = await this.#client.read({ path: path`/form/human_input/${token}`, secret: token });
    return 'form_content' in from ? parseForm(from) : notDify('/form/human_input');
  }

  /** `POST /form/human_input/{token}` (§1.12). Once only; the run goes on afterwards, of which the reply says nothing. */
  async submit(q: {
    readonly token: string;
    readonly user: string;
    /** The id of one of the form's actions. */
    readonly action: string;
    readonly inputs: Readonly<Record<string, unknown>>;
    /** Values of fields of the types `file` and `file-list`, besides `inputs` and instead of what they have there. */
    readonly files?: Readonly<Record<string, FileReference | readonly FileReference[]>>;
  }): Promise<void> {
    const files = Object.entries(q.files ?? {}).map(([name, named]) => [
      name,
      Array.isArray(named) ? named.map(wireReference) : wireReference(named as FileReference),
    ]);
    const body = { user: q.user, action: q.action, inputs: { ...q.inputs, ...Object.fromEntries(files) } };
    const to = path`/form/human_input/${q.token}`;
    await this.#client.command({ method: 'POST', path: to, body, secret: q.token });
  }
}
