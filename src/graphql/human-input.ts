import { coerceInputValue, type GraphQLInputType } from 'graphql';
import { GatewayError } from '../errors.ts';
import type { FormAction as Action, FormField as Field, HumanForm } from '../runs/human-form.ts';
import type { FormAnswer } from '../runs/pause.ts';
import type { KeptRun } from '../runs/run-log.ts';
import { checkedInputs, referencesOf, refuseForeignUploads, type FileInput } from './ask.ts';
import { builder } from './builder.ts';
import { appNamed, type Context } from './context.ts';
import { formAnswer } from './form-answer.ts';
import { Run } from './run.ts';
import { fromSeconds } from './scalars.ts';

const FormField = builder.objectRef<Field>('FormField').implement({
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The key in `inputs`.' }),
    type: t.exposeString('type', { description: 'paragraph, select, file or file-list.' }),
    default: t.expose('default', { type: 'JSON', nullable: true }),
    options: t.field({ type: 'JSON', nullable: true, resolve: ({ options }) => options }),
  }),
});

const FormAction = builder.objectRef<Action>('FormAction').implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    title: t.exposeString('title'),
    style: t.exposeString('style', { nullable: true, description: 'As in Dify: primary, default, accent, ghost.' }),
  }),
});

export const HumanInputForm = builder.objectRef<{ readonly form: HumanForm; readonly run: KeptRun }>('HumanInputForm');
HumanInputForm.implement({
  description: 'A form that a run waits for.',
  fields: (t) => ({
    id: t.id({ resolve: ({ form }) => form.id }),
    runId: t.id({ resolve: ({ run }) => run.state.header.id }),
    title: t.string({ nullable: true, resolve: ({ form }) => form.title || null }),
    content: t.string({
      description: 'Markdown; `{{#$output.x#}}` stands where the field `x` goes.',
      resolve: ({ form }) => form.content,
    }),
    fields: t.field({ type: [FormField], resolve: ({ form }) => [...form.fields] }),
    actions: t.field({ type: [FormAction], resolve: ({ form }) => [...form.actions] }),
    answerable: t.boolean({
      description: 'False if Dify takes the answer elsewhere only, such as by e-mail.',
      resolve: ({ form }) => form.token !== null,
    }),
    expiresAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ form }) => fromSeconds(form.expiresAt) }),
  }),
});

const SubmitHumanInputInput = builder.inputType('SubmitHumanInputInput', {
  fields: (t) => ({
    formId: t.id({ required: true }),
    action: t.id({ required: true, description: 'Id of one of the form’s actions.' }),
    inputs: t.field({
      type: 'JSON',
      description: [
        'Values of the form’s fields: an object. A file is what FileInput is, `{ upload: { id, type } }` or',
        '`{ remote: { url, type } }`, and a file-list a list of those.',
      ].join('\n'),
    }),
  }),
});

const SubmitHumanInputPayload = builder.objectRef<{ readonly run: KeptRun }>('SubmitHumanInputPayload').implement({
  fields: (t) => ({ run: t.field({ type: Run, resolve: ({ run }) => run }) }),
});

builder.queryField('pendingForms', (t) =>
  t.field({
    type: [HumanInputForm],
    description: 'Forms that wait for you.',
    args: { app: t.arg.id() },
    resolve: async (_, { app }, context) => {
      const named = app == null ? null : appNamed(context, app).served.name;
      const runs = (await context.runs.list()).filter(({ state }) => named === null || state.header.app === named);
      const forms = runs.flatMap((run) => Array.from(run.state.forms.values(), (form) => ({ form, run })));
      const waiting = await Promise.all(forms.map(({ form, run }) => stillWaits(form, run, context)));
      return forms.filter((_form, nth) => waiting[nth]);
    },
  }),
);

/** Somebody may have answered elsewhere; what Dify cannot tell now is taken to wait. */
async function stillWaits({ token }: HumanForm, { state }: KeptRun, context: Context): Promise<boolean> {
  if (token === null) return true;
  const { dify } = appNamed(context, state.header.app);
  return dify.forms.get(token).then(
    () => true,
    (error: unknown) => !(error instanceof GatewayError && error.code === 'FORM_EXPIRED'),
  );
}

builder.mutationField('submitHumanInput', (t) =>
  t.field({
    type: SubmitHumanInputPayload,
    description: 'Answer a paused run’s form. The run goes on under the same id, with the same event log.',
    args: { input: t.arg({ type: SubmitHumanInputInput, required: true }) },
    resolve: async (_, { input: { formId, action, inputs } }, context, { schema }) => {
      const { runs } = context;
      const given = { action, inputs: checkedInputs(inputs) };
      const form = (await runs.list()).flatMap(({ state }) => state.forms.get(formId) ?? [])[0];
      // The JSON scalar knows nothing of `FileInput`: its own rules are applied here.
      const type = schema.getType('FileInput') as GraphQLInputType;
      const named = (value: unknown) => {
        const file = coerceInputValue(value, type) as typeof FileInput.$inferInput | undefined;
        return file && referencesOf([file])[0];
      };
      const answer: FormAnswer = form ? formAnswer(form, given, named) : given;
      const files = Object.values(answer.files ?? {}).flat();
      await refuseForeignUploads({ files, inputs: answer.inputs }, context);
      return { run: await runs.answer(formId, answer) };
    },
  }),
);
