import type { Annotation } from './annotations.ts';
import { seconds } from './clock.ts';
import { invalidParam, noSuchRoute, notFound } from './errors.ts';
import { bodyOf, json, type Call, type Reply } from './http.ts';
import { aNumber, aString, between, validate } from './schema.ts';
import type { World } from './world.ts';

/** How long turning the replies on or off takes, at pace 1. */
const jobMs = 1_000;

const annotationRules = { question: { required: true, check: aString }, answer: { required: true, check: aString } };

/** `GET /apps/annotations`. `has_more` is true whenever the page is full (§1.31). */
export function listAnnotations(world: World, { app, query }: Call): Reply {
  validate('AnnotationListQuery', Object.fromEntries(query), {
    page: { check: between(1, 99_999) },
    limit: { check: between(1, 99_999) },
  });
  const page = Number(query.get('page') ?? 1);
  const limit = Math.min(100, Number(query.get('limit') ?? 20));
  const keyword = (query.get('keyword') ?? '').toLowerCase();
  const found = world.annotations
    .of(app.name)
    .filter(({ question, answer }) => `${question}\n${answer}`.toLowerCase().includes(keyword));
  const data = found.slice((page - 1) * limit, page * limit).map(annotationItem);
  return json({ data, has_more: data.length === limit, limit, total: found.length, page });
}

/** `POST /apps/annotations` */
export function createAnnotation(world: World, call: Call): Reply {
  return json(annotationItem(world.annotations.add(call.app.name, annotationIn(call), world.now())), 201);
}

/** `PUT /apps/annotations/{id}` */
export function updateAnnotation(world: World, call: Call): Reply {
  const given = annotationIn(call);
  return json(annotationItem(Object.assign(annotationOf(world, call), given)));
}

/** `DELETE /apps/annotations/{id}` */
export function deleteAnnotation(world: World, call: Call): Reply {
  world.annotations.remove(call.app.name, annotationOf(world, call).id);
  return 'no content';
}

/** `POST /apps/annotation-reply/{enable|disable}` */
export function setReply(world: World, call: Call): Reply {
  const { app } = call;
  const action = actionOf(call);
  const body = bodyOf(call);
  validate('AnnotationReplyActionPayload', body, {
    score_threshold: { required: true, check: aNumber },
    embedding_provider_name: { required: true, check: aString },
    embedding_model_name: { required: true, check: aString },
  });
  const setting = {
    threshold: body['score_threshold'] as number,
    provider: body['embedding_provider_name'] as string,
    model: body['embedding_model_name'] as string,
  };
  const doneAt = world.now() + jobMs * 1_000 * world.settings.pace;
  const job = world.annotations.schedule(app.name, action, doneAt, action === 'enable' ? setting : undefined);
  return json({ job_id: job, job_status: 'waiting' });
}

/** `GET /apps/annotation-reply/{action}/status/{job}` */
export function replyJob(world: World, call: Call): Reply {
  const id = call.params['job'] ?? '';
  const status = world.annotations.job(call.app.name, actionOf(call), id, world.now());
  if (status === undefined) throw invalidParam('The job does not exist.');
  return json({ job_id: id, job_status: status, error_msg: '' });
}

function actionOf({ params }: Call): string {
  const action = params['action'] ?? '';
  if (action !== 'enable' && action !== 'disable') throw noSuchRoute();
  return action;
}

function annotationIn(call: Call): Pick<Annotation, 'question' | 'answer'> {
  const body = bodyOf(call);
  validate('AnnotationCreatePayload', body, annotationRules);
  return { question: body['question'] as string, answer: body['answer'] as string };
}

function annotationOf(world: World, { app, params, path }: Call): Annotation {
  const found = world.annotations.find(app.name, params['annotation'] ?? '');
  if (found === undefined) throw notFound('Annotation not found', path);
  return found;
}

const annotationItem = ({ id, question, answer, hits, createdAt }: Annotation) => ({
  id,
  question,
  answer,
  hit_count: hits,
  created_at: seconds(createdAt),
});
