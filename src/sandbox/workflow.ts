import { piecesFor } from './answers.ts';
import type { Graph } from './graph.ts';
import { iterate } from './iteration.ts';
import { callUsage, modelResult, type Prompt } from './model-node.ts';
import { runNode } from './node.ts';
import { openWorkflow, startNode } from './open-workflow.ts';
import { Voice } from './speech.ts';
import { write } from './text-node.ts';
import { gistOf, sentencesOf, summaryOf, wordsIn } from './summary.ts';
import type { Turn } from './turn.ts';

const guideUrl = 'https://style.example/tones';

/** The summarize workflow: split → a gist of each sentence → a style guide fetched at the second attempt → the summary. */
export async function summarize(turn: Turn, inputs: Readonly<Record<string, unknown>>): Promise<Graph> {
  const graph = openWorkflow(turn, inputs);
  const tone = String(inputs['tone']);
  const wanted = Number(inputs['sentences']);
  const voice = new Voice(turn);

  await graph.execute(async () => {
    await startNode(graph);
    const text = turn.magic.text;
    const sentences = await split(graph, text);
    const gists = await iterate(graph, { id: 'each', title: 'Each sentence' }, sentences, (sentence, round) =>
      gist(graph, sentence, round),
    );
    // The first version had no guide.
    const guide = turn.isOld ? '' : await styleGuide(graph, tone);
    const prompts: readonly Prompt[] = [
      { role: 'system', text: `You write summaries. ${guide}` },
      { role: 'user', text: gists.join('\n') },
    ];
    const pieces = piecesFor(turn.magic, () => summaryOf(gists, wanted, tone));
    const node = { id: 'summary', title: 'Write the summary' };
    const thought = `There are ${gists.length} gists, and ${wanted} of them will do.`;
    const summary = await write(graph, node, { prompts, pieces, thought, voice });
    const outputs = { summary, sentences: sentencesOf(summary).length, words: wordsIn(summary) };
    await runNode(graph, { id: 'end', type: 'end', title: 'End' }, () => ({ inputs: outputs, outputs }));
    return outputs;
  });
  await voice.finish();
  return graph;
}

async function split(graph: Graph, text: string): Promise<string[]> {
  const sentences = sentencesOf(text);
  await runNode(graph, { id: 'split', type: 'code', title: 'Split into sentences' }, async () => {
    await graph.turn.wait(60);
    return { inputs: { text }, outputs: { result: sentences } };
  });
  return sentences;
}

async function gist(graph: Graph, sentence: string, round: { iterationId: string; index: number }) {
  const output = gistOf(sentence);
  const prompts: readonly Prompt[] = [{ role: 'user', text: `Say in a few words: ${sentence}` }];
  const startedAt = graph.turn.world.now();
  let usage = callUsage(graph, prompts, output, startedAt);
  await runNode(graph, { id: 'gist', type: 'llm', title: 'Gist', round }, async () => {
    await graph.turn.wait(150);
    usage = callUsage(graph, prompts, output, startedAt);
    return modelResult(prompts, output, usage);
  });
  return { output, promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens };
}

/** Fails once, as a busy server would, so that there is a `node_retry` to see. */
async function styleGuide(graph: Graph, tone: string): Promise<string> {
  const processData = { request: `GET /tones/${tone} HTTP/1.1\r\nHost: style.example\r\n\r\n` };
  const body = `Write in a ${tone} tone.`;
  await runNode(graph, { id: 'guide', type: 'http-request', title: 'Fetch the style guide' }, async (retry) => {
    await graph.turn.wait(200);
    if (!graph.turn.stopped) await retry(`Reached maximum retries (0) for URL ${guideUrl}/${tone}`, processData);
    await graph.turn.wait(120);
    return { processData, outputs: { status_code: 200, body, headers: { 'content-type': 'text/plain' }, files: [] } };
  });
  return body;
}
