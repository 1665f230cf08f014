// Talks to the API: tokens in headers only, clear errors, and an event stream that comes back by itself.

import type { Event } from "./events";
import { conversation, keepConversation, keepVisitor, signed, visitor } from "./identity";

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
  /** Trying the very same again may work. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

async function call(method: string, path: string, token: string | null, body?: object, headers = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      cache: "no-store",
      credentials: "omit",
      headers: {
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(body ? { "Content-Type": "application/json" } : {}),
        ...headers,
      },
      ...(body ? { body: JSON.stringify(body), signal: AbortSignal.timeout(20_000) } : {}),
    });
  } catch {
    throw new Refused(0, "unreachable");
  }
  if (response.ok) return response;
  const told = (await response.json().catch(() => null)) as { error?: { code?: string } } | null;
  throw new Refused(response.status, told?.error?.code ?? "unknown");
}

async function json<T>(answer: Promise<Response>): Promise<T> {
  return (await (await answer).json()) as T;
}

const token = (): string | null => signed() ?? visitor();

let opening: Promise<string> | null = null;

/** The conversation of whoever speaks; opened, with a visitor token where nobody signed in, on first use. */
export async function openConversation(): Promise<string> {
  const known = conversation();
  if (known) return known;
  opening ??= open().finally(() => {
    opening = null;
  });
  return opening;
}

async function open(): Promise<string> {
  if (!token()) keepVisitor((await json<{ token: string }>(call("POST", "/v1/visitors", null, {}))).token);
  const page = document.referrer.slice(0, 2000);
  const made = await json<{ id: string }>(call("POST", "/v1/conversations", token(), page ? { page } : {}));
  keepConversation(made.id);
  return made.id;
}

export interface Known {
  status: string;
  seq: number;
}

export const readConversation = (id: string): Promise<Known> => json(call("GET", `/v1/conversations/${id}`, token()));

export async function sendMessage(id: string, clientId: string, text: string): Promise<void> {
  await call("POST", `/v1/conversations/${id}/messages`, token(), { client_message_id: clientId, text });
}

export async function askForPerson(id: string): Promise<void> {
  await call("POST", `/v1/conversations/${id}/handoff`, token(), {});
}

export async function decide(request: string, decision: "approve" | "reject"): Promise<void> {
  await call("POST", `/v1/requests/${encodeURIComponent(request)}/${decision}`, token(), {});
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
    const response = await fetch(`/v1/conversations/${id}/events`, {
      cache: "no-store",
      credentials: "omit",
      signal: quiet.signal,
      headers: {
        Accept: "text/event-stream",
        Authorization: `Bearer ${token()}`,
        ...(after ? { "Last-Event-ID": String(after) } : {}),
      },
    });
    if (!response.ok || !response.body) throw new Refused(response.status, "stream");
    connected();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), SILENCE_MS);
      buffer += value;
      const records = buffer.split("\n\n");
      buffer = records.pop()!;
      for (const record of records) {
        const event = parse(record);
        if (!event || event.seq <= after) continue;
        after = event.seq;
        see(event);
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
  const seq = Number(fields.get("id"));
  const data = fields.get("data");
  if (!seq || data === undefined) return null;
  return { seq, type: fields.get("event"), payload: JSON.parse(data) } as Event;
}
