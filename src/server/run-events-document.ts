/** What `GET /runs/{id}/events` tells of each event: everything that costs no question to Dify, and of the text nothing twice before its end. */
export const runEventsDocument = /* GraphQL */ `
  subscription RunEvents($runId: ID!, $after: Int) {
    runEvents(runId: $runId, after: $after) {
      __typename
      runId
      seq
      at
      ... on RunAttached {
        mode
        text
        reasoning
        run {
          ...State
        }
      }
      ... on RunQueued {
        position
      }
      ... on RunStarted {
        conversationId
        messageId
        taskId
        workflowRunId
      }
      ... on TextDelta {
        offset
        text
        source
      }
      ... on TextReplaced {
        text
        reason
      }
      ... on ReasoningDelta {
        offset
        text
        nodeId
      }
      ... on AgentStepChanged {
        step {
          id
          position
          thought
          tool
          toolLabels
          toolInput
          observation
        }
      }
      ... on AgentLogged {
        id
        parentId
        nodeId
        label
        status
        error
      }
      ... on NodeChanged {
        node {
          ...Node
        }
        progress {
          started
          finished
          failed
          current
        }
      }
      ... on RoundStarted {
        nodeId
        title
        round
      }
      ... on FileProduced {
        file {
          id
          type
          name
          mimeType
          size
          fromUser
          url
        }
      }
      ... on AudioChunk {
        base64
        final
      }
      ... on RunPaused {
        forms {
          ...Form
        }
      }
      ... on RunResumed {
        formId
        action
        timedOut
      }
      ... on UpstreamRecovered {
        by
        lostDetail
      }
      ... on UnknownEvent {
        name
        data
      }
      ... on RunFinished {
        status
        run {
          ...State
          ... on ChatRun {
            answer
            reasoning
          }
          ... on WorkflowRun {
            text
          }
        }
      }
    }
  }

  fragment State on Run {
    __typename
    id
    kind
    status
    lastSeq
    createdAt
    finishedAt
    error {
      code
      message
      retryable
      retryAfterMs
      difyCode
      difyStatus
      nodeId
    }
    usage {
      promptTokens
      completionTokens
      totalTokens
      totalPrice
      currency
      latencySeconds
      source
    }
    forms {
      ...Form
    }
    timing {
      queuedMs
      firstByteMs
      firstTextMs
      totalMs
      reconnects
      settledBy
    }
    ... on ChatRun {
      conversationId
      messageId
      nodes {
        ...Node
      }
    }
    ... on WorkflowRun {
      workflowRunId
      outputs
      progress {
        started
        finished
        failed
        current
      }
      nodes {
        ...Node
      }
      files {
        id
        type
        name
        mimeType
        size
        fromUser
        url
      }
    }
  }

  fragment Node on NodeRun {
    id
    nodeId
    type
    title
    index
    status
    startedAt
    finishedAt
    elapsedSeconds
    error
    parentNodeId
    round
    retries
  }

  fragment Form on HumanInputForm {
    id
    title
    content
    fields {
      name
      type
      options
      default
    }
    actions {
      id
      title
      style
    }
    expiresAt
  }
`;
