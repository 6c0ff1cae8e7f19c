import { randomUUID } from 'node:crypto';
import { literal, type Examples } from './examples.ts';

export function app({ chat, workflow, completion }: Examples): string | null {
  const name = chat ?? workflow?.app ?? completion?.app;
  if (name === undefined) return null;
  return `
# What an app asks for and what it can do.
query App {
  app(name: ${literal(name)}) {
    title
    mode
    serverVersion
    openingStatement
    suggestedQuestions
    inputs { variable label type required options }
    features { citations speechToText textToSpeech fileUpload { types numberLimit sizeLimitsMb } }
    capabilities
    site { title icon iconBackground defaultLanguage }
    toolIcons
  }
}

query Apps {
  viewer { id scopes }
  apps { name title description mode tags isDefault }
}`;
}

export function speech({ speaker, narrator }: Examples): string | null {
  if (speaker === null && narrator === null) return null;
  const parts = [];
  if (speaker !== null)
    parts.push(`
# Have something spoken: open the URL on this server, for five minutes. A messageId in place of the text speaks an answer.
mutation Speak {
  speak(input: { app: ${literal(speaker)}, text: "Good morning! What can I do for you?" }) { url mimeType expiresAt }
}
`);
  if (narrator !== null)
    parts.push(`
# This app reads its answers aloud while it writes them: pieces of MP3 in base64.
subscription Listen {
  chatStream(input: { app: ${literal(narrator)}, query: "Tell me a story", idempotencyKey: "${randomUUID()}" }) {
    __typename
    seq
    ... on TextDelta { accumulated }
    ... on AudioChunk { final base64 }
    ... on RunFinished { status error { code message } run { id ... on ChatRun { answer } } }
  }
}
`);
  return parts.join('');
}

export const files = ({ fileTaker }: Examples) =>
  fileTaker &&
  `
# Ask about a file. "Upload a file", below, hands one over:
# paste what it gives in place of "files: []".
mutation Files {
  chat(
    input: {
      app: ${literal(fileTaker)}
      query: "What is this?"
      files: []
    }
  ) {
    answer
    conversationId
    run { id status error { code message } }
  }
}

# The files of your newest conversation: open a URL on this server.
query Sent {
  conversations(app: ${literal(fileTaker)}, first: 1) {
    nodes { history(last: 5) { nodes { query files { name type mimeType size fromUser url } } } }
  }
}`;
