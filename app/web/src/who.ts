// Who this page speaks as: a signed token from the host page or the address bar, or a visitor token of ours.

import type { GetToken, Identity } from "./commands";

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

function keys(): string[] {
  try {
    return [...new Set([...Object.keys(local ?? {}), ...memory.keys()])];
  } catch {
    return [...memory.keys()];
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
let ending: ReturnType<typeof setTimeout> | undefined;
const EARLY_S = 60;
const SHORTEST_S = 10; // a token that lives shorter is asked for when it was refused

export const signed = (): string | null => given ?? read("stepfour.token", session);
export const visitor = (): string | null => read("stepfour.visitor");
export const keepVisitor = (token: string | null): void => write("stepfour.visitor", token);
export const token = (): string | null => signed() ?? visitor();

/** From now on whoever the page's own server signs for. Rejects with what the page's callback rejects with. */
export async function identify(identity: Identity): Promise<void> {
  const asks = typeof identity === "function";
  getToken = asks ? identity : identity.refresh;
  take((asks ? await identity() : identity.token) || null);
}

/** A token from the page; the next one is asked for before this one ends. */
function take(token: string | null): void {
  clearTimeout(ending);
  given = token;
  const { exp, iat = Date.now() / 1000 } = token ? claimsOf(token) : {};
  if (!exp) return;
  const lives = exp - iat; // by the clock that made it: the browser's may be wrong
  const asked = lives - Math.min(EARLY_S, lives / 4);
  if (asked >= SHORTEST_S) ending = setTimeout(() => void renew(), asked * 1000);
}

export function signOut(): void {
  clearTimeout(ending);
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
  const [before, ask] = [given, getToken];
  if (!ask || !before) return false;
  let next: string | null | undefined;
  try {
    next = await ask();
  } catch {
    return false;
  }
  // Somebody else signed in meanwhile: that takes a new `identify`.
  if (!next || next === before || given !== before || ownerOf(next) !== ownerOf(before)) return false;
  take(next);
  return true;
}

/** Keeps what belongs to one person apart from another's on the same machine; proves nothing. */
export function owner(): string {
  const token = signed();
  return token ? ownerOf(token) : "visitor";
}

interface Claims {
  account?: string;
  sub?: string;
  exp?: number;
  iat?: number;
}

function claimsOf(token: string): Claims {
  try {
    const body = token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/");
    return (JSON.parse(atob(body)) as Claims | null) ?? {};
  } catch {
    return {};
  }
}

function ownerOf(token: string): string {
  const { account, sub } = claimsOf(token);
  return sub === undefined ? "unreadable" : `${account}/${sub}`;
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

// A line of storage for each message: two tabs that keep one list would write over each other's messages.
const outboxOf = (whose: string): string => `stepfour.outbox.${whose}.`;
export const isUnsent = (key: string | null): boolean => key === null || key.startsWith(outboxOf(owner()));

export function unsent(whose = owner()): Unsent[] {
  const found: Unsent[] = [];
  for (const key of keys()) {
    const kept = key.startsWith(outboxOf(whose)) ? read(key) : null;
    try {
      if (kept) found.push(JSON.parse(kept) as Unsent);
    } catch {
      write(key, null); // not ours, or cut off: nobody can send it
    }
  }
  return found.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

export const keepUnsent = (message: Unsent): void => write(outboxOf(owner()) + message.id, JSON.stringify(message));
export const dropUnsent = (id: string, whose = owner()): void => write(outboxOf(whose) + id, null);
export const isKept = (id: string): boolean => read(outboxOf(owner()) + id) !== null;

/** What a visitor began is the signed-in customer's, once the server has joined the two. */
export function adopt(id: string | null, waiting: Unsent[]): void {
  if (id) keepConversation(id);
  for (const message of waiting) {
    keepUnsent(message);
    dropUnsent(message.id, "visitor");
  }
  for (const key of ["visitor", "conversation.visitor"]) write(`stepfour.${key}`, null);
}

export const visitorHas = (): { id: string | null; waiting: Unsent[] } => ({
  id: read("stepfour.conversation.visitor"),
  waiting: unsent("visitor"),
});

export function newId(): string {
  // crypto.randomUUID is missing on plain http addresses other than localhost.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
