// What the server says about cases, as app/channels/assist/wire.py makes it.

import type { Message as Said, Proposed, RequestState, Source, Word } from "../events";

export type Triage = "not_read" | "in_the_middle" | "exhausted" | "needs_us" | "needs_person" | "solved" | "new";
export type Status =
  | "bot_working"
  | "awaiting_customer"
  | "awaiting_approval"
  | "watching"
  | "with_agents"
  | "human_active"
  | "resolved";
export type Danger = "security" | "fraud" | "legal" | "harm" | "billing_dispute";

/** What is switched off; the budget is used up until tomorrow. */
export type Off = "models" | "actions" | "budget";

/** How one switch stands; `since` and `by` are null where nobody has touched it. */
export interface Switch {
  name: "models" | "actions";
  off: boolean;
  since: string | null;
  by: string | null;
  because: string;
}

export interface Switched {
  switches: readonly Switch[];
  off: readonly Off[];
  may_switch: boolean;
}

export interface Me {
  name: string | null;
  /** Signing in with the company's own accounts is possible. */
  oidc: boolean;
  /** What those accounts are called, for the button. */
  provider?: string | null;
  /** Exact origins that may frame this page. */
  hosts: string[];
}

export interface CaseRow {
  conversation: string;
  case: string | null;
  channel: string;
  title: string;
  customer: string;
  account: string | null;
  triage: Triage;
  because: string;
  status: Status;
  state: string | null;
  waiting_since: string | null;
  person: boolean;
  suggestion: boolean;
  approval: boolean;
  lang: string;
}

export type { Attachment as File, Message as Said } from "../events";

export interface Step {
  id: string;
  title: string;
  word: Word;
  holds: boolean;
  checkable: boolean;
  applicable: boolean;
  claim: { status: string; quote: string; message: string; at: string | null; shown: boolean } | null;
  evidence: { note: string; by: string | null; at: string }[];
  findings: { subject: string | null; met: boolean | null; seen: string; at: string; until: string | null; expired: boolean }[];
}

export interface Suggestion {
  id: string;
  text: string;
  decision: string;
  because: string;
  citations: Source[];
  warnings: string[];
  request: string | null;
  state: "open" | "sent" | "edited" | "dismissed" | "superseded";
  at: string;
}

export interface Request extends Proposed {
  account: string | null;
  customer: string;
  state: RequestState;
  by: string | null;
  detail: string;
}

export interface Note {
  id: string;
  by: string;
  text: string;
  at: string;
}

export interface View {
  conversation: {
    id: string;
    channel: string;
    status: Status;
    person_active: boolean;
    opened_at: string;
    customer: string;
    account: string | null;
    proven: boolean;
    context: Record<string, string>;
    waiting_since: string | null;
    danger: Danger | null;
    lang: string;
  };
  messages: Said[];
  /** Other conversations of the same case, oldest first. */
  earlier: { id: string; channel: string; opened_at: string; messages: Said[] }[];
  seq: number;
  case: {
    id: string;
    procedure: string | null;
    title: string;
    state: string;
    resolution: "verified" | "confirmed" | "silent" | null;
    triage: Triage;
    because: string;
    opened_at: string;
  } | null;
  summary: { kind: string; text: string; clauses: { text: string; messages: string[] }[] }[];
  steps: Step[];
  watching: { step: string; next_look_at: string } | null;
  suggestion: Suggestion | null;
  requests: Request[];
  dossier: boolean;
  notes: Note[];
  why: { decision: string; because: string; rule_text: string; facts: string[]; messages: string[]; reader: string; at: string } | null;
}

/** One line of the agents' log. */
export interface News {
  conversation?: string;
  what?: string;
  state?: string;
}
