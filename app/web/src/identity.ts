// Who the page speaks as: a signed token from the address bar's fragment, or a visitor token we were issued.

function read(store: Storage | null, key: string): string | null {
  try {
    return store?.getItem(key) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

// A browser may forbid storage; then the conversation lives as long as the page.
const memory = new Map<string, string>();

function write(store: Storage | null, key: string, value: string | null): void {
  if (value === null) memory.delete(key);
  else memory.set(key, value);
  try {
    if (value === null) store?.removeItem(key);
    else store?.setItem(key, value);
  } catch {
    return;
  }
}

function storage(kind: "localStorage" | "sessionStorage"): Storage | null {
  try {
    return window[kind];
  } catch {
    return null;
  }
}

const local = storage("localStorage");
const session = storage("sessionStorage");

/** Takes `#token=...` out of the address bar at once, so that it is neither shared nor bookmarked. */
export function takeTokenFromAddress(): boolean {
  const found = /^#token=([\w.-]+)$/.exec(location.hash);
  if (!found) return false;
  write(session, "stepfour.token", found[1]!);
  history.replaceState(null, "", location.pathname + location.search);
  return true;
}

export const signed = (): string | null => read(session, "stepfour.token");
export const signOut = (): void => write(session, "stepfour.token", null);
export const visitor = (): string | null => read(local, "stepfour.visitor");
export const keepVisitor = (token: string | null): void => write(local, "stepfour.visitor", token);

/** Keeps what belongs to one person apart from another's on the same machine; proves nothing. */
function owner(): string {
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

export const conversation = (): string | null => read(local, `stepfour.conversation.${owner()}`);
export const keepConversation = (id: string | null): void => write(local, `stepfour.conversation.${owner()}`, id);

export interface Unsent {
  id: string;
  text: string;
  at: string;
  refused?: string;
}

export function unsent(): Unsent[] {
  try {
    return JSON.parse(read(local, `stepfour.outbox.${owner()}`) ?? "[]") as Unsent[];
  } catch {
    return [];
  }
}

export const keepUnsent = (messages: Unsent[]): void =>
  write(local, `stepfour.outbox.${owner()}`, messages.length ? JSON.stringify(messages) : null);
