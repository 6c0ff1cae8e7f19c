/** A form that a person is to fill in (§2.5, `human_input_required`). */
export interface HumanForm {
  readonly id: string;
  readonly nodeId: string;
  readonly title: string;
  /** May hold `{{#$output.x#}}` where the input `x` goes. */
  readonly content: string;
  readonly fields: readonly FormField[];
  readonly actions: readonly FormAction[];
  /** Epoch seconds. */
  readonly expiresAt: number | null;
  /** What Dify takes an answer by. It never leaves the gateway; null where the form is answered elsewhere (e-mail). */
  readonly token: string | null;
}

export interface FormField {
  readonly name: string;
  /** paragraph, select, file, file-list */
  readonly type: string;
  readonly default: unknown;
  readonly options: readonly string[] | null;
}

export interface FormAction {
  readonly id: string;
  readonly title: string;
  readonly style: string | null;
}

type Wire = Readonly<Record<string, unknown>>;

/** The form of a `human_input_required` event, or of a reason of `workflow_paused`, which say the same; null if it has no id. */
export function formOf(data: Wire): HumanForm | null {
  const id = text(data['form_id']);
  if (id === null) return null;
  const defaults = wire(data['resolved_default_values']);
  return {
    id,
    nodeId: text(data['node_id']) ?? '',
    title: text(data['node_title']) ?? '',
    content: text(data['form_content']) ?? '',
    fields: list(data['inputs']).map((input) => fieldOf(input, defaults)),
    actions: list(data['actions']).map(actionOf),
    expiresAt: typeof data['expiration_time'] === 'number' ? data['expiration_time'] : null,
    token: text(data['form_token']),
  };
}

function fieldOf(input: Wire, defaults: Wire): FormField {
  const name = text(input['output_variable_name']) ?? '';
  const options = wire(input['option_source'])['value'];
  const standard = wire(input['default'])['value'];
  return {
    name,
    type: text(input['type']) ?? 'paragraph',
    default: (Object.hasOwn(defaults, name) ? defaults[name] : null) ?? (standard === '' ? null : (standard ?? null)),
    options: Array.isArray(options)
      ? options.map((option) => (typeof option === 'string' ? option : JSON.stringify(option)))
      : null,
  };
}

function actionOf(action: Wire): FormAction {
  const id = text(action['id']) ?? '';
  return { id, title: text(action['title']) ?? id, style: text(action['button_style']) };
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function wire(value: unknown): Wire {
  return typeof value === 'object' && value !== null ? (value as Wire) : {};
}

function list(value: unknown): readonly Wire[] {
  return Array.isArray(value) ? value.map(wire) : [];
}
