// Who this page speaks as: a signed token from the host page or the address bar, or a visitor token of ours.

import type { GetToken } from "./commands";

// A browser may forbid storage; then everything lives as long as the page.
const memory = new Map<string, string>();

function storage(kind: "localStorage" | "sessionStorage"): Storage | null {
  try {
    return window[kind];
  } catch {
    return null;
  }
}

const local = storage("localStorage");
const session = storage("sessionStorage");

export function read(key: string, store: Storage | null = local): string | null {
  try {
    return store?.getItem(key) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

export function write(key: string, value: string | null, store: Storage | null = local): void {
  try {
    if (value === null) store?.removeItem(key);
    else store?.setItem(key, value);
    memory.delete(key);
    if (!store && value !== null) memory.set(key, value);
  } catch {
    if (value !== null) memory.set(key, value);
  }
}

/** Takes `#token=...` out of the address bar at once, so that it is neither shared nor bookmarked. */
export function takeTokenFromAddress(): boolean {
  const found = /^#token=([\w.-]+)$/.exec(location.hash);
  if (!found) return false;
  write("stepfour.token", found[1]!, session);
  history.replaceState(null, "", location.pathname + location.search);
  return true;
}

let given: string | null = null;
let getToken: GetToken | null = null;
let renewing: Promise<boolean> | null = null;

export const signed = (): string | null => given ?? read("stepfour.token", session);
export const visitor = (): string | null => read("stepfour.visitor");
export const keepVisitor = (token: string | null): void => write("stepfour.visitor", token);
export const token = (): string | null => signed() ?? visitor();

/** From now on whoever the page's own server signs for. Rejects with what the page's callback rejects with. */
export async function identify(ask: GetToken): Promise<void> {
  getToken = ask;
  given = (await ask()) || null;
}

export function signOut(): void {
  given = getToken = null;
  memory.clear();
  write("stepfour.token", null, session);
}

/** Asks the page once more for a token that the server may take. False where there is no other one. */
export function renew(): Promise<boolean> {
  renewing ??= fresh().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function fresh(): Promise<boolean> {
  const [before, who] = [given, owner()];
  if (!getToken || !before) return false;
  try {
    given = (await getToken()) || before;
  } catch {
    return false;
  }
  if (owner() === who) return given !== before;
  given = before; // somebody else signed in meanwhile: that takes a new `identify`
  return false;
}

/** Keeps what belongs to one person apart from another's on the same machine; proves nothing. */
export function owner(): string {
  const token = signed();
  if (!token) return "visitor";
  try {
    const body = token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/");
    const claims = JSON.parse(atob(body)) as { account?: string; sub?: string };
    return `${claims.account}/${claims.sub}`;
  } catch {
    return "unreadable";
  }
}

// The conversation goes on in every tab; "new" is a customer's wish to begin another one.
export const NEW = "new";
const conversationKey = (): string => `stepfour.conversation.${owner()}`;
export const conversation = (): string | null => read(conversationKey());
export const keepConversation = (id: string | null): void => write(conversationKey(), id);

/** So that the panel stays open from page to page. */
export const keepOpen = (open: boolean): void => write("stepfour.open", open ? "1" : null, session);

export const seen = (id: string): number => Number(read(`stepfour.seen.${id}`) ?? 0);
export const keepSeen = (id: string, seq: number): void => write(`stepfour.seen.${id}`, String(Math.max(seq, seen(id))));

export interface UnsentFile {
  key: string;
  name: string;
  type: string;
  size: number;
  id?: string;
}

export interface Unsent {
  id: string;
  text: string;
  at: string;
  files?: UnsentFile[];
  refused?: string;
}

export function unsent(): Unsent[] {
  try {
    return JSON.parse(read(`stepfour.outbox.${owner()}`) ?? "[]") as Unsent[];
  } catch {
    return [];
  }
}

export const keepUnsent = (messages: Unsent[]): void =>
  write(`stepfour.outbox.${owner()}`, messages.length ? JSON.stringify(messages) : null);

/** What a visitor began is the signed-in customer's, once the server has joined the two. */
export function adopt(id: string | null, waiting: Unsent[]): void {
  if (id) keepConversation(id);
  if (waiting.length) keepUnsent([...unsent(), ...waiting]);
  for (const key of ["visitor", "conversation.visitor", "outbox.visitor"]) write(`stepfour.${key}`, null);
}

export const visitorHas = (): { id: string | null; waiting: Unsent[] } => {
  const waiting = read("stepfour.outbox.visitor");
  return { id: read("stepfour.conversation.visitor"), waiting: waiting ? (JSON.parse(waiting) as Unsent[]) : [] };
};

export function newId(): string {
  // crypto.randomUUID is missing on plain http addresses other than localhost.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
