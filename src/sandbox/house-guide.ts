import { fixedId } from './ids.ts';

/** A passage an answer rests on, as `retriever_resources` names it. */
export interface Citation {
  readonly position: number;
  readonly dataset_id: string;
  readonly dataset_name: string;
  readonly document_id: string;
  readonly document_name: string;
  readonly data_source_type: string;
  readonly segment_id: string;
  readonly retriever_from: string;
  readonly score: number;
  readonly hit_count: number | null;
  readonly word_count: number | null;
  readonly segment_position: number | null;
  readonly index_node_hash: string | null;
  readonly content: string;
  readonly page: number | null;
  readonly doc_metadata: Readonly<Record<string, unknown>> | null;
  readonly title: string | null;
  readonly files: readonly unknown[] | null;
  readonly summary: string | null;
}

interface Passage {
  readonly document: string;
  readonly about: readonly string[];
  readonly content: string;
}

/** The knowledge base of the concierge. */
const passages: readonly Passage[] = [
  {
    document: 'breakfast.md',
    about: ['breakfast', 'eat', 'coffee', 'food', 'frühstück', 'restaurant', 'hungry', '早餐'],
    content:
      'Breakfast is served from 7:00 to 10:30 in the Wintergarten, at weekends until 11:30. Vegan and gluten-free on request.',
  },
  {
    document: 'wifi.md',
    about: ['wifi', 'wi-fi', 'wlan', 'internet', 'password', 'network'],
    content: 'The network is called “Brücke”. The password is on your key card; it changes every Monday.',
  },
  {
    document: 'arrival.md',
    about: ['check-in', 'checkin', 'arrive', 'arrival', 'luggage', 'check-out', 'checkout', 'leave', 'late'],
    content:
      'Rooms are ready from 15:00. Check-out is until 11:00; the front desk keeps your luggage as long as you like.',
  },
  {
    document: 'getting-here.md',
    about: ['airport', 'train', 'station', 'tram', 'taxi', 'parking', 'car', 'bus', 'get'],
    content:
      'Tram 4 stops at the bridge and reaches the main station in 6 minutes, the airport in 25. Parking costs 18 € a day.',
  },
  {
    document: 'city.md',
    about: ['museum', 'walk', 'see', 'visit', 'city', 'tonight', 'concert', 'sights', 'rain'],
    content:
      'On foot: the old bridge (2 min), the cathedral (10 min), the museum of printing (12 min, free on Thursdays after 17:00).',
  },
  {
    document: 'pool.md',
    about: ['pool', 'sauna', 'swim', 'gym', 'towel', 'spa'],
    content: 'The sauna under the roof is open from 16:00 to 22:00. Towels are beside the lift on every floor.',
  },
];

const dataset = 'House guide';

/** The passages that have something to do with a question, best first; at most two. */
export function lookUp(question: string): Citation[] {
  const asked = question.toLowerCase();
  return passages
    .map((passage, index) => ({ passage, index, hits: passage.about.filter((word) => asked.includes(word)).length }))
    .filter(({ hits }) => hits > 0)
    .toSorted((one, other) => other.hits - one.hits)
    .slice(0, 2)
    .map(({ passage, index, hits }, place) => ({
      position: place + 1,
      dataset_id: fixedId(`dataset/${dataset}`),
      dataset_name: dataset,
      document_id: fixedId(`document/${passage.document}`),
      document_name: passage.document,
      data_source_type: 'upload_file',
      segment_id: fixedId(`segment/${passage.document}`),
      retriever_from: 'workflow',
      score: Math.round((1 - 0.45 / (hits + 0.5)) * 10_000) / 10_000,
      hit_count: hits,
      word_count: passage.content.length,
      segment_position: 1,
      index_node_hash: String(7_397_118_957 + index),
      content: passage.content,
      page: null,
      doc_metadata: null,
      title: null,
      files: null,
      summary: null,
    }));
}

/** A citation as the retrieval node puts it out. */
export function retrieved(citation: Citation): object {
  const { content, document_name: title, position } = citation;
  return {
    metadata: {
      _source: 'knowledge',
      dataset_id: citation.dataset_id,
      dataset_name: citation.dataset_name,
      document_id: citation.document_id,
      document_name: title,
      data_source_type: citation.data_source_type,
      segment_id: citation.segment_id,
      retriever_from: citation.retriever_from,
      score: citation.score,
      child_chunks: [],
      segment_hit_count: citation.hit_count,
      segment_word_count: citation.word_count,
      segment_position: citation.segment_position,
      segment_index_node_hash: citation.index_node_hash,
      doc_metadata: null,
      position,
    },
    title,
    files: null,
    content,
  };
}
