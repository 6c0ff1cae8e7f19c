import { literal, type Examples } from './examples.ts';

export function feedback({ chat, yours: { answer, isAdmin } }: Examples): string | null {
  if (chat === null) return null;
  const app = literal(answer?.app ?? chat);
  return `
# Your newest answers, and what you thought of them.
query Feedback {
  runs(filter: { kinds: [CHAT] }, first: 5) {
    nodes { id app { name } ... on ChatRun { message { id query rating } } }
  }
}

# Rate one: the id of its message goes here. A null rating takes it back.
mutation Rate {
  rateMessage(app: ${app}, messageId: ${literal(answer?.messageId ?? 'the id of a message')}, rating: LIKE, comment: "Just what I needed") {
    messageId
    rating
  }
}

# What could be asked next. Runs a model.
query Suggested {
  run(id: ${literal(answer?.run ?? 'an id from Feedback')}) { ... on ChatRun { message { suggestedQuestions } } }
}
${isAdmin ? everybodys(app) : ''}`;
}

const everybodys = (app: string) => `
# For admins: what everybody thinks, and who they are.
query Everybody {
  feedbacks(app: ${app}, first: 10) { nodes { rating comment createdAt messageId endUserId } }
}

query Who {
  endUser(app: ${app}, id: "an endUserId from Everybody") { user type isAnonymous createdAt }
}
`;

export function annotations({ chat, yours: { isAdmin } }: Examples): string | null {
  if (chat === null || !isAdmin) return null;
  const app = literal(chat);
  return `
# For admins: answers that a person has prepared.
query Annotations {
  annotations(app: ${app}, first: 10) { nodes { id question answer hitCount createdAt } }
}

mutation Create {
  createAnnotation(app: ${app}, question: "When are you open?", answer: "From nine to five.") { id question answer }
}

mutation Update {
  updateAnnotation(app: ${app}, id: "an id from Annotations", question: "When are you open?", answer: "Always.") { id answer }
}

mutation Delete {
  deleteAnnotation(app: ${app}, id: "an id from Annotations")
}

# Lets them answer what is like them. That is a job in Dify: "Job" tells when it is done.
mutation SwitchOn {
  setAnnotationReply(
    app: ${app}
    enabled: true
    scoreThreshold: 0.9
    embeddingProvider: "openai"
    embeddingModel: "text-embedding-3-small"
  ) { id status error }
}

query Job {
  annotationReplyJob(app: ${app}, action: ENABLE, jobId: "the id from SwitchOn") { status error }
}`;
}
