const usage = 'usage { promptTokens completionTokens totalTokens totalPrice currency latencySeconds }';
const file = '{ id type name mimeType size fromUser }';
const progress = 'progress { started finished failed current }';
const nodes = `nodes { id nodeId type title index status startedAt finishedAt elapsedSeconds error
  usage { totalTokens totalPrice currency } parentNodeId round retries }`;
const step = '{ id position thought tool toolLabels toolInput observation files }';
const error = 'error { code difyCode difyStatus nodeId }';

const events = `__typename seq runId
  ... on RunAttached { mode text reasoning }
  ... on RunStarted { conversationId messageId taskId workflowRunId }
  ... on TextDelta { offset text }
  ... on TextReplaced { text }
  ... on ReasoningDelta { offset text }
  ... on AgentStepChanged { step ${step} }
  ... on AgentLogged { id parentId logNode: nodeId label logStatus: status logError: error }
  ... on NodeChanged { node { id nodeId status round } ${progress} }
  ... on RoundStarted { container: nodeId round }
  ... on FileProduced { file ${file} }
  ... on AudioChunk { base64 }
  ... on UnknownEvent { name data }
  ... on RunFinished { status ${error} ${usage} }`;

/** Ask and follow, as a client without a schema would write it: everything there is. */
export const asking = {
  CHAT: `subscription Ask($input: ChatInput!, $after: Int, $options: StreamOptions) {
    event: chatStream(input: $input, after: $after, options: $options) { ${events} } }`,
  COMPLETION: `subscription Ask($input: CompleteInput!, $after: Int, $options: StreamOptions) {
    event: completionStream(input: $input, after: $after, options: $options) { ${events} } }`,
  WORKFLOW: `subscription Ask($input: RunWorkflowInput!, $after: Int, $options: StreamOptions) {
    event: workflowStream(input: $input, after: $after, options: $options) { ${events} } }`,
};

export const following = `subscription Follow($runId: ID!, $after: Int, $options: StreamOptions) {
  event: runEvents(runId: $runId, after: $after, options: $options) { ${events} } }`;

export const looking = `query Look($id: ID!) { run(id: $id) {
  id status lastSeq watchers ${error} ${usage}
  ... on ChatRun { conversationId messageId answer reasoning ${nodes}
    message { answer reasoning rawAnswer files ${file} citations { position datasetId datasetName documentId documentName
      segmentId score content } agentSteps ${step} ${usage} } }
  ... on WorkflowRun { workflowRunId outputs answer: text ${progress} ${nodes} files ${file} }
} }`;

export const stopping =
  'mutation Stop($runId: ID!, $waitMs: Int) { stopRun(runId: $runId, waitMs: $waitMs) { confirmed } }';
