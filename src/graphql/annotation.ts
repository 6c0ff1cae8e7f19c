import type { AnnotationRecord, AnnotationReplyJob as Job } from '../dify/annotations.ts';
import type { DifyApp } from '../dify/dify-app.ts';
import { GatewayError } from '../errors.ts';
import { builder } from './builder.ts';
import { appNamed, requireAdmin, type Context } from './context.ts';
import { isUuid } from './ids.ts';
import { pageByNumber } from './numbered-list.ts';
import { connection, pageSize } from './paging.ts';
import { textWithoutSignedUrls } from './public-url.ts';
import { fromSeconds } from './scalars.ts';

const Annotation = builder.objectRef<AnnotationRecord>('Annotation').implement({
  description: 'A question whose answer a person has written.',
  fields: (t) => ({
    id: t.exposeID('id'),
    question: t.string({ nullable: true, resolve: ({ question }) => textWithoutSignedUrls(question) }),
    answer: t.string({ nullable: true, resolve: ({ answer }) => textWithoutSignedUrls(answer) }),
    hitCount: t.exposeInt('hitCount', { nullable: true, description: 'How often it has answered.' }),
    createdAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ createdAt }) => fromSeconds(createdAt) }),
  }),
});

const AnnotationConnection = builder.connectionObject(
  { type: Annotation, name: 'AnnotationConnection' },
  { name: 'AnnotationEdge' },
);

const AnnotationReplyAction = builder.enumType('AnnotationReplyAction', {
  values: { ENABLE: { value: 'enable' }, DISABLE: { value: 'disable' } } as const,
});

const AnnotationJobStatus = builder.enumType('AnnotationJobStatus', {
  values: {
    WAITING: {},
    PROCESSING: {},
    COMPLETED: {},
    FAILED: {},
    UNKNOWN: { description: 'Dify says something new.' },
  } as const,
});

const AnnotationReplyJob = builder.objectRef<Job>('AnnotationReplyJob').implement({
  description: 'Annotations are switched on and off by a job in Dify: every one of them is embedded.',
  fields: (t) => ({
    id: t.exposeID('jobId'),
    status: t.field({
      type: AnnotationJobStatus,
      resolve: ({ status }) => (Object.hasOwn(statuses, status) ? statuses[status]! : 'UNKNOWN'),
    }),
    error: t.exposeString('error', { nullable: true }),
  }),
});

const statuses: Readonly<Record<string, (typeof AnnotationJobStatus)['$inferType']>> = {
  waiting: 'WAITING',
  processing: 'PROCESSING',
  completed: 'COMPLETED',
  error: 'FAILED',
};

builder.queryFields((t) => ({
  annotations: t.field({
    type: AnnotationConnection,
    description: 'Prepared answers of an app, newest first; needs the scope `admin`.',
    args: {
      app: t.arg.id(),
      keyword: t.arg.string({ description: 'Only those that have it in question or answer.' }),
      first: t.arg.int({ defaultValue: 20 }),
      after: t.arg.string(),
    },
    resolve: async (_, { app, keyword, first, after }, context) => {
      const { annotations } = administered(context, app);
      const search = keyword == null || keyword === '' ? {} : { keyword };
      const { edges, more } = await pageByNumber<AnnotationRecord>(
        { fetch: (page, limit) => annotations.list({ page, limit, ...search }), id: ({ id }) => id },
        pageSize('first', first, 20),
        after,
      );
      return connection(edges, more, after != null);
    },
  }),
  annotationReplyJob: t.field({
    type: AnnotationReplyJob,
    nullable: true,
    description: 'How far a job is; null when there is none such. Needs the scope `admin`.',
    args: {
      app: t.arg.id(),
      action: t.arg({ type: AnnotationReplyAction, required: true, description: 'What the job does.' }),
      jobId: t.arg.id({ required: true }),
    },
    resolve: async (_, { app, action, jobId }, context) => {
      const { annotations } = administered(context, app);
      if (!isUuid(jobId)) return null;
      return annotations.replyJob({ action, jobId }).catch((error: unknown) => {
        if (error instanceof GatewayError && error.difyCode === 'invalid_param') return null;
        throw error;
      });
    },
  }),
}));

builder.mutationFields((t) => ({
  createAnnotation: t.field({
    type: Annotation,
    description: 'Prepare an answer; needs the scope `admin`.',
    args: { app: t.arg.id(), question: t.arg.string({ required: true }), answer: t.arg.string({ required: true }) },
    resolve: (_, { app, question, answer }, context) =>
      administered(context, app).annotations.create(written(question, answer)),
  }),
  updateAnnotation: t.field({
    type: Annotation,
    description: 'Change both; needs the scope `admin`.',
    args: {
      app: t.arg.id(),
      id: t.arg.id({ required: true }),
      question: t.arg.string({ required: true }),
      answer: t.arg.string({ required: true }),
    },
    resolve: (_, { app, id, question, answer }, context) =>
      administered(context, app).annotations.update({ id: known(id), ...written(question, answer) }),
  }),
  deleteAnnotation: t.field({
    type: 'ID',
    description: 'Returns the id of what was deleted, for cache eviction; needs the scope `admin`.',
    args: { app: t.arg.id(), id: t.arg.id({ required: true }) },
    resolve: async (_, { app, id }, context) => {
      await administered(context, app).annotations.delete(known(id));
      return id;
    },
  }),
  setAnnotationReply: t.field({
    type: AnnotationReplyJob,
    description: [
      'Let annotations answer what is like them, or not any more: starts a job, see Query.annotationReplyJob. Dify wants to know',
      'the model that embeds in both cases. Needs the scope `admin`.',
    ].join('\n'),
    args: {
      app: t.arg.id(),
      enabled: t.arg.boolean({ required: true }),
      scoreThreshold: t.arg.float({ required: true, description: '0 to 1: how alike a question must be.' }),
      embeddingProvider: t.arg.string({ required: true }),
      embeddingModel: t.arg.string({ required: true }),
    },
    resolve: (_, { app, enabled, ...setting }, context) => {
      const { annotations } = administered(context, app);
      if (!(setting.scoreThreshold >= 0 && setting.scoreThreshold <= 1))
        throw new GatewayError('BAD_USER_INPUT', '`scoreThreshold` must be from 0 to 1.');
      return annotations.setReply({ action: enabled ? 'enable' : 'disable', ...setting });
    },
  }),
}));

function administered(context: Context, app: string | null | undefined): DifyApp {
  requireAdmin(context);
  return appNamed(context, app).dify;
}

function written(question: string, answer: string): { readonly question: string; readonly answer: string } {
  if (question.trim() !== '' && answer.trim() !== '') return { question, answer };
  throw new GatewayError('BAD_USER_INPUT', '`question` and `answer` must not be blank.');
}

function known(id: string): string {
  if (isUuid(id)) return id;
  throw new GatewayError('NOT_FOUND', 'There is no such annotation.');
}
