import { defaultFieldResolver, isObjectType, type GraphQLField, type GraphQLSchema } from 'graphql';
import { GatewayError } from '../errors.ts';
import type { Context } from './context.ts';

/**
 * What a run token shows: the types that a run and its events are made of, and of some others these fields. All that is not here
 * is closed to it, as is everything that is added.
 */
export const shownToOnlookers: Readonly<Record<string, 'all' | readonly string[]>> = {
  Query: ['run'],
  Subscription: ['runEvents'],
  ChatRun: 'all',
  WorkflowRun: 'all',
  RunError: 'all',
  RunTiming: 'all',
  Usage: 'all',
  Progress: 'all',
  NodeRun: 'all',
  HumanInputForm: 'all',
  FormField: 'all',
  FormAction: 'all',
  MessageFile: 'all',
  Citation: 'all',
  AgentStep: 'all',
  App: ['name', 'title', 'description'],
  Message: [
    'id',
    'conversationId',
    'parentMessageId',
    'query',
    'answer',
    'reasoning',
    'rawAnswer',
    'inputs',
    'error',
    'createdAt',
    'files',
    'citations',
    'agentSteps',
    'usage',
  ],
};

/** Closes to run tokens what is not theirs. What is open is left as it is, and costs nothing. */
export function closedToOnlookers(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    const shown = shownToOnlookers[type.name] ?? [];
    const isEvent = type.getInterfaces().some(({ name }) => name === 'RunEvent');
    if (shown === 'all' || isEvent) continue;
    for (const field of Object.values(type.getFields())) if (!shown.includes(field.name)) close(field);
  }
  return schema;
}

function close(field: GraphQLField<unknown, Context>): void {
  const { resolve = defaultFieldResolver, subscribe } = field;
  field.resolve = (source, args, context, info) => {
    refuseOnlookers(context);
    return resolve(source, args, context, info);
  };
  if (!subscribe) return;
  field.subscribe = (source, args, context, info) => {
    refuseOnlookers(context);
    return subscribe(source, args, context, info);
  };
}

function refuseOnlookers({ onlyRun }: Context): void {
  if (onlyRun !== null) throw new GatewayError('FORBIDDEN', 'A run token shows its run, and nothing else.');
}
