import { literal, type Examples } from './examples.ts';

export function history({ chat, chatflow, yours: { answer } }: Examples): string | null {
  if (chat === null) return null;
  const known = `app: ${literal(answer?.app ?? chat)}, conversationId: ${literal(answer?.conversationId ?? 'an id from History')}`;
  return `
# Your conversations, and what was said in them.
query History {
  conversations(app: ${literal(chat)}, first: 5) {
    nodes {
      id
      name
      updatedAt
      history(last: 10) {
        nodes { query answer reasoning createdAt files { name url } }
        pageInfo { hasPreviousPage startCursor }
      }
    }
  }
}

# Without a name, Dify makes one.
mutation Rename {
  renameConversation(${known}, name: "What I asked first") { id name }
}

mutation Delete {
  deleteConversation(app: ${literal(chat)}, conversationId: "an id from History")
}
${chatflow === null ? '' : variables(chatflow)}`;
}

const variables = (app: string) => `
# What a chatflow remembers of your conversations with it. "Remember" starts one.
mutation Remember {
  chat(input: { app: ${literal(app)}, query: "When is breakfast?" }) { answer conversationId }
}

query Variables {
  conversations(app: ${literal(app)}, first: 3) {
    nodes { id name variables { nodes { id name valueType value } } }
  }
}

mutation SetVariable {
  setConversationVariable(
    app: ${literal(app)}
    conversationId: "an id from Variables"
    variableId: "the id of one of its variables"
    value: "of its type"
  ) { name value }
}
`;
