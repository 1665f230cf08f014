// The payloads of the numbered events, as app/events.py makes them.

export type Word =
  | "verified"
  | "contradicted"
  | "missing"
  | "evidenced"
  | "claimed"
  | "not_done"
  | "failed"
  | "unknown"
  | "not_applicable";

export interface Source {
  n: number;
  title: string;
  path: string;
  anchor: string | null;
  url: string | null;
  quote: string;
  updated_at: string;
  lang: string;
}

export interface Message {
  id: string;
  role: "customer" | "agent" | "bot";
  name?: string | null;
  text: string;
  at: string;
  client_message_id?: string | null;
  decision?: string | null;
  citations?: Source[];
}

export interface Step {
  id: string;
  title: string;
  word: Word;
  claim?: string | null;
  subject?: string | null;
  seen?: string | null;
  at?: string | null;
  until?: string | null;
  quote?: { message: string; text: string } | null;
}

export interface Steps {
  procedure: string;
  title: string;
  steps: Step[];
  watching: { step: string; next_look_at: string } | null;
}

export interface Proposed {
  request: string;
  action: string;
  title: string;
  inputs: [string, string][];
  undo: string | null;
  prerequisites: { title: string; met: boolean | null; seen: string | null; at: string | null }[];
  approval: "customer" | "agent";
  expires_at: string;
}

export type RequestState =
  | "proposed"
  | "approved"
  | "executing"
  | "verifying"
  | "done"
  | "undone"
  | "needs_person"
  | "refused"
  | "expired";

export interface Payloads {
  "conversation.status": { status: string; reason: string | null };
  task: { turn: string; task: string; title: string; state: "pending" | "in_progress" | "complete" | "error" };
  "message.delta": { message: string; offset: number; text: string };
  "message.done": { message: Message };
  "message.reset": { message: string };
  steps: Steps;
  "action.proposed": Proposed;
  "action.state": { request: string; action: string; title: string; state: RequestState; detail: string | null };
  handoff: { state: "requested" | "queued" | "joined" | "ended"; reason: string | null; name: string | null };
  error: { code: string; message: string; retryable: boolean; retry_after_s: number | null };
}

export type Event = { [T in keyof Payloads]: { seq: number; type: T; payload: Payloads[T] } }[keyof Payloads];
