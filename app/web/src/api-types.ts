// The API's shapes. Made by types.mjs from openapi.json: do not edit, run `npm run types:write`.

export interface Accepted {
  message: MessageOut;
  seen_before: boolean;
  /** What follows from the message has greater event numbers than this, unless it was seen before. */
  seq: number;
}

export interface ActionProposed {
  action: string;
  approval: "customer" | "agent";
  /** An approval is for exactly this. */
  digest: string;
  expires_at: string;
  inputs: [string, string][];
  prerequisites: ShownPrerequisite[];
  request: string;
  /** What will be done, as a command for a button: "Switch HTTPS on". */
  title: string;
  /** How it can be undone, as a sentence. */
  undo: string | null;
}

export interface ActionState {
  action: string;
  /** Who approved or rejected it, where a person did. */
  by: string | null;
  /** What a customer may know of why it stands so, as a sentence. */
  detail: string | null;
  request: string;
  state: "proposed" | "approved" | "executing" | "verifying" | "done" | "sent" | "undone" | "needs_person" | "refused" | "expired";
  /** What is done, as a progress line: "Switching HTTPS on". */
  title: string;
}

/** Something is new in a conversation: its view is to be read again. */
export interface AgentCase {
  case: string | null;
  conversation: string;
  what: "message" | "turn" | "status" | "note" | "feedback" | "resolution";
}

/** A case was handed to people. `turn` is the key of its dossier, which is stored already. */
export interface AgentHandoff {
  /** The customer said that it is not solved after all. */
  again: boolean;
  case: string | null;
  conversation: string;
  reason: string;
  team: string | null;
  turn: string | null;
}

/** A sync changed documents: how many pages, and what of ours follows them. */
export interface AgentKnowledge {
  /** Open cases that follow such a procedure, or were sent words of such a page. */
  cases: number;
  changed: number;
  new: number;
  procedures: string[];
  removed: number;
  /** Number of the sync; `stepfour changes --since NUMBER` shows it word for word. */
  run: number;
  source: string;
}

/** An action request that an agent may decide, or what became of it. */
export interface AgentRequest {
  by: string | null;
  case: string;
  conversation: string;
  request: string;
  state: "proposed" | "approved" | "executing" | "verifying" | "done" | "sent" | "undone" | "needs_person" | "refused" | "expired";
}

/** A reply that waits for an agent, or what became of it. */
export interface AgentSuggestion {
  case: string | null;
  conversation: string;
  state: "open" | "sent" | "edited" | "dismissed" | "superseded";
  suggestion: string;
}

export interface ApproveIn {
  procedure: string;
  source: string;
  /** The version whose difference was shown: the approval counts for exactly that, or not at all. */
  version: string;
}

export interface ApprovedOut {
  approved_by: string;
  procedure: string;
  version: string;
}

/** One line of the list: a conversation and the case it is about now. */
export interface CaseRow {
  account: string | null;
  /** An action waits for an agent's yes. */
  approval: boolean;
  /** Why that word, as a sentence. */
  because: string;
  case: string | null;
  channel: string;
  conversation: string;
  /** Id of the customer in your system; empty for a visitor who is not signed in. */
  customer: string;
  lang: string;
  /** A person of our side is active there: the bot is silent. */
  person: boolean;
  state: "open" | "waiting" | "solved" | "handed_off" | "asked" | "closed" | null;
  status: "bot_working" | "awaiting_customer" | "awaiting_approval" | "watching" | "with_agents" | "human_active" | "resolved";
  /** A suggested reply waits for an agent. */
  suggestion: boolean;
  /** What it is about, in a few words: the procedure's title, else what was asked. */
  title: string;
  triage: "not_read" | "in_the_middle" | "exhausted" | "needs_us" | "needs_person" | "solved" | "new";
  /** Since when the customer waits for a word of ours, bot or person; None where nobody waits. */
  waiting_since: string | null;
}

export interface CaseView {
  /** Why that word, as a sentence. */
  because: string;
  id: string;
  opened_at: string;
  procedure: string | null;
  resolution: "verified" | "confirmed" | "silent" | null;
  state: "open" | "waiting" | "solved" | "handed_off" | "asked" | "closed";
  title: string;
  triage: "not_read" | "in_the_middle" | "exhausted" | "needs_us" | "needs_person" | "solved" | "new";
}

export interface CasesOut {
  /** Those who wait longest first, then the newest. */
  cases: CaseRow[];
  /** What is switched off, and `budget` where today's budget of the models is used up. */
  off: ("models" | "actions" | "budget")[];
  /** Number of the agents' log that this list is from: follow it with GET /v1/agent/events?after=seq. */
  seq: number;
}

export interface CitedSource {
  anchor: string | null;
  /** What became of the page since it was cited: `changed`, `moved`, `gone`, or `erased` with its words. */
  became: "changed" | "moved" | "gone" | "erased" | null;
  /** The page's id; empty in what was sent before it was kept. */
  document: string;
  lang: string;
  /** The number that [n] in the text refers to. */
  n: number;
  /** Path of the page now, where it is at another one than when it was cited. */
  now_at: string | null;
  path: string;
  quote: string;
  title: string;
  updated_at: string;
  /** Where the page can be read now; None where it is not published. */
  url: string | null;
}

/** What the customer said or showed about one step; the newest about a step wins. */
export interface Claim {
  confidence: number;
  disputed: boolean;
  message: string;
  quote: string;
  shown: boolean;
  status: string;
  step: string;
  subject: string | null;
}

/** The customer's word. */
export interface ClaimView {
  at: string | null;
  message: string;
  /** Verbatim words of the message. */
  quote: string;
  /** It rests on pasted output rather than on the word alone. */
  shown: boolean;
  status: string;
}

export interface Clause {
  /** Messages it comes from, oldest first; none where a machine knows it. */
  messages: string[];
  /** Part of a sentence; what stands in backticks is a value. */
  text: string;
}

export interface ConversationIn {
  /** Address of the page the customer has open, where the Referer header does not say it. */
  page?: string | null;
}

export interface ConversationOut {
  channel: string;
  id: string;
  opened_at: string;
  person_active: boolean;
  status: "bot_working" | "awaiting_customer" | "awaiting_approval" | "watching" | "with_agents" | "human_active" | "resolved";
}

export interface ConversationStatus {
  reason: string | null;
  status: "bot_working" | "awaiting_customer" | "awaiting_approval" | "watching" | "with_agents" | "human_active" | "resolved";
}

export interface ConversationView {
  account: string | null;
  channel: string;
  /** What the client showed without being asked: user_agent, page, language. */
  context: Record<string, string>;
  /** Id of the customer in your system; empty for a visitor who is not signed in. */
  customer: string;
  danger: "security" | "fraud" | "legal" | "harm" | "billing_dispute" | null;
  id: string;
  lang: string;
  opened_at: string;
  person_active: boolean;
  /** Who the customer is has been proven by a signed token or the like, not only said. */
  proven: boolean;
  status: "bot_working" | "awaiting_customer" | "awaiting_approval" | "watching" | "with_agents" | "human_active" | "resolved";
  waiting_since: string | null;
}

export interface ConversationWithMessages {
  channel: string;
  id: string;
  messages: MessageOut[];
  opened_at: string;
  person_active: boolean;
  /** Number of the newest event. */
  seq: number;
  status: "bot_working" | "awaiting_customer" | "awaiting_approval" | "watching" | "with_agents" | "human_active" | "resolved";
}

export interface ConversationsOut {
  /** Newest first. */
  conversations: ConversationOut[];
}

export interface DecideIn {
  /** What the card showed: the decision counts for exactly that, or not at all. */
  digest: string;
}

export interface DecisionIn {
  /** What the card showed, from `action.proposed`: the decision counts for exactly that, or not at all. */
  digest?: string | null;
}

export interface DismissIn {
  reason?: string;
}

/** Everything known, for the person who takes over. */
export interface Dossier {
  agents: Quoted[];
  attachments: string[];
  because: string;
  context: [string, string][];
  customer: Principal;
  lang: string;
  ledger: Noted[];
  left: string[];
  next_move: string;
  notes: Quoted[];
  places: app__models__dossier__Place[];
  procedure: string | null;
  request: string;
  requests: Tried[];
  sent: string[];
  since: PageSince[];
  steps: StepState[];
  summary: string;
  title: string;
  words: Quoted[];
  words_left_out: number;
}

/** Another conversation of the same case: what the summary points at may stand there. */
export interface EarlierView {
  channel: string;
  id: string;
  messages: ShownMessage[];
  opened_at: string;
}

export interface ErrorOut {
  error: Wrong;
}

export interface ErrorShown {
  code: string;
  /** For the customer: what happened and what to do. */
  message: string;
  retry_after_s: number | null;
  retryable: boolean;
}

/** Words of a conversation that a finding rests on. */
export interface Evidence {
  conversation: string;
  message: string;
  quote: string;
}

/** Something shown: pasted output, or what an agent saw. */
export interface EvidenceView {
  at: string;
  /** The agent; None where the customer showed it. */
  by: string | null;
  note: string;
}

export interface Feedback {
  helped: boolean;
  message: string;
  reason: string | null;
}

export interface FeedbackIn {
  helped: boolean;
  /** The answer that it is about. */
  message: string;
  reason?: string | null;
}

/** What a probe saw. `met` is None where it could not look: unknown is not yes. */
export interface Finding {
  at: string;
  check: string;
  code: string;
  met: boolean | null;
  needs_time: boolean;
  seen: [string, string][];
  subject: string | null;
  until: string;
}

/** Something wrong with one page, or with two that do not go together. */
export interface FindingOut {
  /** Some of the other pages that hold one of the two lines. */
  also: knowledge__model__Place[];
  also_count: number;
  /** Who made of it what `state` says. */
  by: string | null;
  /** How many cases it caused, where that is known. */
  cases: number | null;
  closed_at: string | null;
  confidence: number;
  /** Words of conversations that it rests on. */
  evidence: Evidence[];
  found_at: string | null;
  id: string;
  judged: JudgedOut | null;
  kind: "same_text" | "reworded" | "same_task" | "contradiction" | "superseded" | "gone_from_product" | "dated" | "translation_behind" | "broken_link" | "dead_end" | "never_found" | "no_page" | "screen_missing" | "probe_contradicts" | "marked_wrong" | "no_source";
  note: string | null;
  other: knowledge__model__Place | null;
  place: knowledge__model__Place;
  source: "run" | "conversation";
  state: "open" | "accepted" | "dismissed" | "task";
  /** What to look at first: how sure it is and how much it matters. */
  strength: number;
  todo: string;
  why: string;
}

/** What a machine saw. */
export interface FindingView {
  at: string;
  /** It is looked at again before it is used. */
  expired: boolean;
  /** None: it could not look, which is not a yes. */
  met: boolean | null;
  /** As a sentence; what stands in backticks is a value. */
  seen: string;
  subject: string | null;
  until: string | null;
}

export interface FindingsOut {
  /** What matters most first. */
  findings: FindingOut[];
  /** None where the last look had no model to ask. */
  judging: JudgingOut | null;
  total: number;
}

export interface Handoff {
  /** How long it took lately, in seconds; None where we do not know. */
  eta_s: number | null;
  hours: "open" | "closed" | null;
  /** The agent who joined. */
  name: string | null;
  /** When somebody is there again, where nobody is now. */
  opens_at: string | null;
  reason: string | null;
  state: "requested" | "queued" | "joined" | "ended";
  team: string | null;
}

export interface Health {
  status: "ok";
}

/** What a language model makes of a finding: it moves the confidence within bounds, and no more. */
export interface JudgedOut {
  /** The confidence without it. */
  alone: number;
  at: string;
  /** What the two lines are to each other. */
  kind: "contradiction" | "superseded" | "same_task" | "none";
  model: string;
  reason: "figures" | "who" | "rule" | "place" | "order" | "one_goal" | "other_case" | "other_thing" | "says_same" | "example" | "too_little" | "no_answer";
  said: string;
  verdict: "holds" | "does_not_hold" | "unsure";
}

/** What the last look asked a language model. */
export interface JudgingOut {
  asked: number;
  at: string;
  /** The name of the failure after which it was asked no more. */
  ended: string | null;
  /** Findings whose lines it had judged before. */
  known: number;
  model: string;
  said: string;
  tokens: number;
  unanswered: number;
}

export interface LinkCodeOut {
  /** Entered in the other place, once: it joins what is said there to this customer. */
  code: string;
  expires_at: string;
}

export interface LocatedOut {
  conversation: string;
}

/** What a new look at all pages changed. */
export interface LookedOut {
  closed: number;
  kept: number;
  new: number;
}

export interface MeOut {
  /** Exact origins that may show the page in a frame and speak to it. */
  hosts: string[];
  /** The signed-in agent; None for whoever is not signed in. */
  name: string | null;
  /** Signing in with the company's own accounts is possible: GET /assist/oidc/start. */
  oidc: boolean;
  /** Host of the provider, for the button. */
  provider: string | null;
}

/** A piece of a reply being written. `offset` makes a replay harmless: drop what you already have. */
export interface MessageDelta {
  message: string;
  offset: number;
  text: string;
}

/** A whole message; it replaces every delta with its id. */
export interface MessageDone {
  message: ShownMessage;
}

export interface MessageIn {
  /** Ids of files uploaded to this conversation before. */
  attachments?: string[];
  /** Made by the client once per message: the same id again changes nothing. */
  client_message_id: string;
  page?: string | null;
  /** May be empty where there are attachments. */
  text: string;
}

export interface MessageOut {
  at: string;
  attachments: ShownAttachment[];
  id: string;
  /** Who speaks, where an agent is named. */
  name: string | null;
  role: "customer" | "agent" | "bot";
  text: string;
}

/** What was streamed of this message does not count. */
export interface MessageReset {
  message: string;
}

/** What an agent wrote down for the other agents. */
export interface Note {
  at: string;
  by: string;
  conversation: string;
  id: string;
  text: string;
}

/** One line of the ledger in words, for a dossier. */
export interface Noted {
  at: string;
  by: string | null;
  kind: "claim" | "evidence" | "finding" | "not_applicable" | "note" | "correction";
  message: string | null;
  status: string;
  step: string;
  subject: string;
  text: string;
}

/** An empty JSON object. */
export interface NothingIn {

}

/** A page that was quoted, and what became of it. */
export interface PageSince {
  became: "changed" | "moved" | "gone" | "erased";
  now_at: string | null;
  title: string;
}

export interface PassOut {
  /** For a frame that cannot see this window's cookie: it signs in the same agent, once, within a minute. */
  code: string;
}

/** Who has been proven to speak. Made by a channel from a proof, never from text or a body field. */
export interface Principal {
  account: string | null;
  id: string;
  kind: "anonymous" | "customer" | "agent" | "machine";
}

export interface ProceduresOut {
  /** Whether you may approve, as the settings say now. */
  may_approve: boolean;
  waiting: WaitingOut[];
}

/** A message as it was written, for a dossier. */
export interface Quoted {
  at: string;
  attachments: string[];
  message: string;
  name: string | null;
  role: "customer" | "agent" | "bot";
  text: string;
}

export interface RequestOut {
  id: string;
  state: string;
}

/** The customer's card, with what agents may know besides. */
export interface RequestView {
  /** Whose it is: the account that would be changed. */
  account: string | null;
  action: string;
  approval: "customer" | "agent";
  /** Who approved it. */
  by: string | null;
  customer: string;
  /** Why it stands as it does. */
  detail: string;
  /** An approval is for exactly this. */
  digest: string;
  expires_at: string;
  inputs: [string, string][];
  prerequisites: ShownPrerequisite[];
  request: string;
  state: "proposed" | "approved" | "executing" | "verifying" | "done" | "sent" | "undone" | "needs_person" | "refused" | "expired";
  /** What will be done, as a command for a button: "Switch HTTPS on". */
  title: string;
  /** How it can be undone, as a sentence. */
  undo: string | null;
}

/** Whether the matter is solved: asked of the customer, or how it is known. */
export interface Resolved {
  case: string;
  /** `lost`: it was verified, and looked at again it does not hold any more. */
  state: "asked" | "verified" | "confirmed" | "silent" | "denied" | "lost";
}

/** One thing that machines follow, in lines; none on the side where it is not there. */
export interface RowOut {
  after: string[];
  before: string[];
  what: string;
}

export interface SaidOut {
  message: ShownMessage;
}

export interface SayIn {
  /** Made by the client once per message: the same id again changes nothing. */
  client_message_id: string;
  text: string;
}

export interface SendIn {
  /** The agent's own words; left out, the suggestion goes out as it is, in the bot's name. */
  text?: string | null;
}

export interface SessionIn {
  /** A one-time link's code, a desk's ticket, or a pass: used once, in a POST alone. */
  code: string;
}

export interface SessionOut {
  /** The conversation a ticket was made for. */
  conversation: string | null;
  name: string;
}

export interface SettleIn {
  note?: string;
  /** `dismissed` stays away until one of its lines changes. */
  state: "open" | "accepted" | "dismissed" | "task";
}

export interface ShownAttachment {
  id: string;
  image: boolean;
  name: string;
  size: number;
  type: string;
}

export interface ShownMessage {
  at: string;
  attachments: ShownAttachment[];
  citations: CitedSource[];
  /** On a customer's message: the id the client gave it. */
  client_message_id: string | null;
  /** On ours: kind of the decision it carries out, never to be read from the text. */
  decision: string | null;
  id: string;
  /** Addresses in the text that lead to pages of your own sites. Beside these, what is cited and our help pages, show no address as a link. */
  links: string[];
  /** Who speaks, where an agent wants to be named. */
  name: string | null;
  role: "customer" | "agent" | "bot";
  text: string;
}

export interface ShownPrerequisite {
  at: string | null;
  met: boolean | null;
  seen: string | null;
  title: string;
}

export interface ShownStep {
  at: string | null;
  /** A machine can look: "check again" makes sense. */
  checkable: boolean;
  claim: "done" | "not_done" | "failed" | "unknown" | string | null;
  /** Nothing is left to do about it. */
  holds: boolean;
  id: string;
  /** The customer's words the claim rests on. */
  quote: StepQuote | null;
  /** What a probe saw, as a sentence. */
  seen: string | null;
  /** The subject the word is about, where one decides it. */
  subject: string | null;
  title: string;
  until: string | null;
  word: "verified" | "contradicted" | "missing" | "evidenced" | "claimed" | "not_done" | "failed" | "unknown" | "not_applicable";
}

export interface SolvedIn {
  solved: boolean;
}

/** How the conversation stands after what was done. */
export interface StandingOut {
  id: string;
  person_active: boolean;
  status: "bot_working" | "awaiting_customer" | "awaiting_approval" | "watching" | "with_agents" | "human_active" | "resolved";
}

export interface StepQuote {
  message: string;
  text: string;
}

/** All that is known of one step over all its subjects, and the word that people see. */
export interface StepState {
  checkable: boolean;
  claim: Claim | null;
  findings: Finding[];
  holds: boolean;
  must_check: boolean;
  outcome: string | null;
  step: string;
  word: "verified" | "contradicted" | "missing" | "evidenced" | "claimed" | "not_done" | "failed" | "unknown" | "not_applicable";
}

export interface StepView {
  applicable: boolean;
  checkable: boolean;
  claim: ClaimView | null;
  evidence: EvidenceView[];
  findings: FindingView[];
  holds: boolean;
  id: string;
  title: string;
  /** As of the last look, as the customer sees it. */
  word: "verified" | "contradicted" | "missing" | "evidenced" | "claimed" | "not_done" | "failed" | "unknown" | "not_applicable";
}

/** The whole checklist; the newest one counts. */
export interface Steps {
  procedure: string;
  steps: ShownStep[];
  title: string;
  watching: Watching | null;
}

export interface StreamedActionProposed {
  data: ActionProposed;
  event: "action.proposed";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedActionState {
  data: ActionState;
  event: "action.state";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedAgentCase {
  data: AgentCase;
  event: "agent.case";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export type StreamedAgentEvent = StreamedAgentCase | StreamedAgentSuggestion | StreamedAgentRequest | StreamedAgentHandoff | StreamedAgentKnowledge;

export interface StreamedAgentHandoff {
  data: AgentHandoff;
  event: "agent.handoff";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedAgentKnowledge {
  data: AgentKnowledge;
  event: "agent.knowledge";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedAgentRequest {
  data: AgentRequest;
  event: "agent.request";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedAgentSuggestion {
  data: AgentSuggestion;
  event: "agent.suggestion";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedConversationStatus {
  data: ConversationStatus;
  event: "conversation.status";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedErrorShown {
  data: ErrorShown;
  event: "error";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export type StreamedEvent = StreamedConversationStatus | StreamedTask | StreamedMessageDelta | StreamedMessageDone | StreamedMessageReset | StreamedSteps | StreamedActionProposed | StreamedActionState | StreamedHandoff | StreamedFeedback | StreamedResolved | StreamedErrorShown;

export interface StreamedFeedback {
  data: Feedback;
  event: "feedback";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedHandoff {
  data: Handoff;
  event: "handoff";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedMessageDelta {
  data: MessageDelta;
  event: "message.delta";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedMessageDone {
  data: MessageDone;
  event: "message.done";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedMessageReset {
  data: MessageReset;
  event: "message.reset";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedResolved {
  data: Resolved;
  event: "resolution";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedSteps {
  data: Steps;
  event: "steps";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface StreamedTask {
  data: Task;
  event: "task";
  /** What to come back with, as `Last-Event-ID`. */
  id: number;
}

export interface SuggestionOut {
  id: string;
  state: "open" | "sent" | "edited" | "dismissed" | "superseded";
}

export interface SuggestionView {
  at: string;
  because: string;
  citations: CitedSource[];
  decision: string;
  id: string;
  /** The action request that waits with it. */
  request: string | null;
  state: "open" | "sent" | "edited" | "dismissed" | "superseded";
  text: string;
  /** Why to look twice: `uncited`, `old_source`, `contradicts_verified`, `other_language`, `doubtful`. */
  warnings: string[];
}

export interface SummaryLine {
  clauses: Clause[];
  kind: "problem" | "tried" | "blocked";
  /** Every message that the line comes from. */
  messages: string[];
  /** The clauses as one line. */
  text: string;
}

export interface SwitchIn {
  /** For the others to read. */
  because?: string;
  off: boolean;
  switch: "models" | "actions";
}

/** How one switch stands. */
export interface SwitchOut {
  because: string;
  by: string | null;
  name: "models" | "actions";
  off: boolean;
  /** Since when it stands so; None where nobody has ever touched it. */
  since: string | null;
}

export interface SwitchedOut {
  /** Whether you may switch, as the settings say now. */
  may_switch: boolean;
  /** What is switched off, and `budget` where today's budget of the models is used up. */
  off: ("models" | "actions" | "budget")[];
  switches: SwitchOut[];
}

/** A look or a move under way; the title is a sentence for the customer. */
export interface Task {
  state: "pending" | "in_progress" | "complete" | "error";
  task: string;
  title: string;
  turn: string;
}

export interface TextIn {
  text: string;
}

export interface TicketIn {
  /** Our id of the conversation that the desk shows, where it knows it. */
  conversation?: string | null;
}

export interface TicketOut {
  expires_at: string;
  /** Hand it to the frame in `init`: it signs in this agent, once, within a minute. */
  ticket: string;
}

/** An action request and how it ended, for a dossier. */
export interface Tried {
  action: string;
  at: string;
  by: string | null;
  detail: string;
  inputs: [string, string][];
  request: string;
  state: string;
}

export interface View {
  case: CaseView | null;
  conversation: ConversationView;
  /** It was handed over with a dossier; without one it is made when asked for. */
  dossier: boolean;
  earlier: EarlierView[];
  messages: ShownMessage[];
  notes: Note[];
  /** Newest first. */
  requests: RequestView[];
  /** Number of the newest event of this conversation. */
  seq: number;
  steps: StepView[];
  suggestion: SuggestionView | null;
  /** Three lines: problem, tried, blocked on; none before anything was read. */
  summary: SummaryLine[];
  watching: Watching | null;
  why: Why | null;
}

export interface VisitorOut {
  /** Send it as `Authorization: Bearer TOKEN`. We keep its digest only: it cannot be shown again. */
  token: string;
}

/** A procedure whose page says what nobody has approved yet. */
export interface WaitingOut {
  /** Who approved that one. */
  approved_by: string | null;
  /** What an approval would change, a line each. */
  changes: string[];
  /** The version that is followed until then; None where nothing is. */
  followed: string | null;
  path: string;
  procedure: string;
  /** Subjects, steps with outcomes and checks, and the action: before and after. */
  rows: RowOut[];
  source: string;
  title: string;
  /** What an approval is bound to. */
  version: string;
}

export interface Watching {
  next_look_at: string;
  step: string;
}

/** Why the last turn did what it did. */
export interface Why {
  at: string;
  because: string;
  decision: string;
  /** What it went by, as sentences. */
  facts: string[];
  messages: string[];
  /** Which reader read the conversation. */
  reader: string;
  /** Name of the rule in `app/policy.py` that spoke. */
  rule: string;
  rule_text: string;
  sources: CitedSource[];
}

export interface Wrong {
  code: string;
  fix: string;
  message: string;
}

/** A conversation in which the matter was spoken of. */
export interface app__models__dossier__Place {
  at: string;
  channel: string;
  conversation: string;
  url: string | null;
}

/** A line of a page that something is said about. */
export interface knowledge__model__Place {
  anchor: string | null;
  document: string;
  line: number;
  path: string;
  quote: string;
  version: string;
  whole: boolean;
}
