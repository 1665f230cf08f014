// Talks to the API: tokens in headers only, clear errors, and an event stream that comes back by itself.

import type {
  Accepted,
  ConversationOut,
  ConversationsOut,
  ConversationWithMessages,
  LinkCodeOut,
  MessageIn,
  ShownAttachment,
  VisitorOut,
} from "./api-types";
import { base } from "./base";
import type { Event } from "./events";
import * as who from "./who";

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly retryAfterS = 0,
  ) {
    super(code);
  }
  /** Trying the very same again may work. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

interface Ask {
  method?: string;
  token?: string | null;
  headers?: Record<string, string>;
  body?: object;
  signal?: AbortSignal;
}

async function once(path: string, ask: Ask): Promise<Response> {
  const token = ask.token === undefined ? who.token() : ask.token;
  let response: Response;
  try {
    response = await fetch(base + path, {
      method: ask.method ?? (ask.body ? "POST" : "GET"),
      cache: "no-store",
      credentials: "omit",
      headers: {
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(ask.body ? { "Content-Type": "application/json" } : {}),
        ...ask.headers,
      },
      ...(ask.body ? { body: JSON.stringify(ask.body) } : {}),
      signal: ask.signal ?? AbortSignal.timeout(20_000),
    });
  } catch {
    throw new Refused(0, "unreachable");
  }
  if (response.ok) return response;
  const told = (await response.json().catch(() => null)) as { error?: { code?: string } } | null;
  throw new Refused(response.status, told?.error?.code ?? "unknown", Number(response.headers.get("Retry-After")) || 0);
}

/** A token that has just ended is asked for once more before anybody hears of it. */
async function renewed<T>(work: () => Promise<T>): Promise<T> {
  const [before, whose] = [who.token(), who.owner()];
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
    const another = who.token() !== before || (await who.renew()); // there may be one by now
    if (!another || who.owner() !== whose) throw error;
    return work();
  }
}

const call = (path: string, ask: Ask = {}): Promise<Response> => renewed(() => once(path, ask));

async function json<T>(answer: Promise<Response>): Promise<T> {
  return (await (await answer).json()) as T;
}

const of = (id: string, rest: string): string => `/v1/conversations/${encodeURIComponent(id)}/${rest}`;

let opening: Promise<string> | null = null;

/** The conversation of whoever speaks; opened, with a visitor token where nobody signed in, on first use. */
export async function openConversation(page: string): Promise<string> {
  const known = who.conversation();
  if (known && known !== who.NEW) return known;
  opening ??= open(page).finally(() => {
    opening = null;
  });
  return opening;
}

async function open(page: string): Promise<string> {
  if (!who.token()) who.keepVisitor((await json<VisitorOut>(call("/v1/visitors", { body: {}, token: null }))).token);
  const made = await json<ConversationOut>(call("/v1/conversations", { body: page ? { page: page.slice(0, 2000) } : {} }));
  who.keepConversation(made.id);
  return made.id;
}

/** The signed-in customer's newest conversation here, begun in another browser perhaps. */
export async function findConversation(): Promise<string | null> {
  const { conversations } = await json<ConversationsOut>(call("/v1/conversations"));
  return conversations.find((one) => one.channel === "web")?.id ?? null;
}

export const readConversation = (id: string): Promise<ConversationWithMessages> =>
  json(call(`/v1/conversations/${encodeURIComponent(id)}`));

export const sendMessage = (id: string, message: MessageIn): Promise<Accepted> =>
  json(call(of(id, "messages"), { body: message }));

export const askForPerson = (id: string): Promise<Response> => call(of(id, "handoff"), { body: {} });
export const linkCode = (): Promise<LinkCodeOut> => json(call("/v1/link-codes", { body: {} }));
export const lookAgain = (id: string): Promise<Response> => call(of(id, "check"), { body: {} });
export const dispute = (id: string, step: string): Promise<Response> =>
  call(of(id, `steps/${encodeURIComponent(step)}/dispute`), { body: {} });
export const solved = (id: string, solved: boolean): Promise<Response> => call(of(id, "solved"), { body: { solved } });
export const feedback = (id: string, message: string, helped: boolean): Promise<Response> =>
  call(of(id, "feedback"), { body: { message, helped } });
export const decide = (request: string, decision: "approve" | "reject", digest: string): Promise<Response> =>
  call(`/v1/requests/${encodeURIComponent(request)}/${decision}`, { body: { digest } });

/** Makes the visitor's conversation the signed-in customer's. */
export const join = (id: string, visitor: string): Promise<Response> =>
  call(of(id, "join"), { body: {}, headers: { "Stepfour-Visitor": visitor } });

export const fetchFile = async (id: string): Promise<Blob> =>
  (await call(`/v1/attachments/${encodeURIComponent(id)}`, { signal: AbortSignal.timeout(60_000) })).blob();

export const upload = (id: string, name: string, file: Blob, progress: (share: number) => void): Promise<ShownAttachment> =>
  renewed(() => uploadOnce(id, name, file, progress));

// The one thing that fetch cannot do: say how much of a body has been sent.
function uploadOnce(id: string, name: string, file: Blob, progress: (share: number) => void): Promise<ShownAttachment> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", base + of(id, "attachments"));
    request.setRequestHeader("Authorization", `Bearer ${who.token()}`);
    request.responseType = "json";
    request.timeout = 120_000;
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onerror = request.ontimeout = () => fail(new Refused(0, "unreachable"));
    request.onload = () => {
      const told = request.response as (ShownAttachment & { error?: { code?: string } }) | null;
      if (request.status < 300 && told) done(told);
      else fail(new Refused(request.status, told?.error?.code ?? "unknown"));
    };
    const form = new FormData();
    form.append("file", file, name);
    request.send(form);
  });
}

const SILENCE_MS = 40_000; // the server says something every 15 s

/** Reads the events after `after` until the stream ends; returns how far it came. Rejects with `Refused`. */
export async function readEvents(
  id: string,
  after: number,
  stop: AbortSignal,
  connected: () => void,
  see: (event: Event) => void,
): Promise<number> {
  const quiet = new AbortController();
  let timer = setTimeout(() => quiet.abort(), SILENCE_MS);
  const abort = (): void => quiet.abort();
  stop.addEventListener("abort", abort, { once: true });
  try {
    const headers = { Accept: "text/event-stream", ...(after ? { "Last-Event-ID": String(after) } : {}) };
    const response = await call(of(id, "events"), { headers, signal: quiet.signal });
    connected();
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), SILENCE_MS);
      buffer += value;
      const records = buffer.split("\n\n");
      buffer = records.pop()!;
      for (const record of records) {
        const event = parse(record);
        if (!event || event.id <= after) continue;
        after = event.id;
        if (!stop.aborted) see(event);
      }
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
  } finally {
    clearTimeout(timer);
    stop.removeEventListener("abort", abort);
  }
  return after;
}

function parse(record: string): Event | null {
  const fields = new Map<string, string>();
  for (const line of record.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2));
  }
  const id = Number(fields.get("id"));
  const data = fields.get("data");
  if (!id || data === undefined) return null;
  return { id, event: fields.get("event"), data: JSON.parse(data) } as Event;
}
