/** `GET /parameters` (§1.26): what an app asks for and what it can do. Versions and modes send different parts of it. */
export interface AppParameters {
  readonly openingStatement: string | null;
  readonly suggestedQuestions: readonly string[];
  /** Text-to-speech is on and plays by itself: audio may follow `message_end`. */
  readonly autoPlay: boolean;
  /** What has to be sent as `inputs`, in the order of the form. */
  readonly inputs: readonly InputField[];
  readonly features: AppFeatures;
}

/** One item of `user_input_form` (§1.1.1). */
export interface InputField {
  /**
   * `text-input`, `paragraph`, `select`, `number`, `checkbox`, `file`, `file-list`, `json_object`, `external_data_tool`; an open
   * set.
   */
  readonly type: string;
  /** The key in `inputs`. */
  readonly variable: string;
  readonly label: string;
  readonly description: string | null;
  readonly required: boolean;
  readonly default: unknown;
  /** Of a `select`. */
  readonly options: readonly string[];
  /** Characters of a text, files of a `file-list`. */
  readonly maxLength: number | null;
  readonly allowedFileTypes: readonly string[];
  readonly allowedFileExtensions: readonly string[];
  readonly allowedUploadMethods: readonly string[];
  /** Not shown in Dify's own web app. */
  readonly hide: boolean;
  /** Of a `json_object`. */
  readonly jsonSchema: Readonly<Record<string, unknown>> | null;
}

export interface AppFeatures {
  readonly fileUpload: FileUpload;
  /** Of this server, in MB; null where it does not say. */
  readonly sizeLimitsMb: {
    readonly document: number | null;
    readonly image: number | null;
    readonly audio: number | null;
    readonly video: number | null;
  };
  /** Files in one workflow run. */
  readonly workflowFileLimit: number | null;
  readonly speechToText: boolean;
  readonly textToSpeech: {
    readonly enabled: boolean;
    readonly voice: string | null;
    readonly language: string | null;
    readonly autoPlay: boolean;
  };
  readonly suggestedQuestionsAfterAnswer: boolean;
  readonly citations: boolean;
  readonly annotationReply: boolean;
  readonly moreLikeThis: boolean;
  readonly sensitiveWordAvoidance: boolean;
}

/** Files that may go with a question. */
export interface FileUpload {
  readonly enabled: boolean;
  /** `image`, `document`, `audio`, `video`, `custom`. */
  readonly types: readonly string[];
  /** With the dot; they matter for the type `custom`. */
  readonly extensions: readonly string[];
  /** `local_file`, `remote_url`. */
  readonly methods: readonly string[];
  /** Files with one question. */
  readonly numberLimit: number | null;
}
