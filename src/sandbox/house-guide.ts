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
