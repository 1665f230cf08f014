// Talks to the server as the signed-in agent: the cookie says who, a header says that this page asked.

import type { CaseRow, Me, Off, Switch, Switched, View } from "./wire";

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** What to do about it. */
    readonly fix = "",
  ) {
    super(message);
  }
}

let signedOut: () => void = () => {};
export const whenSignedOut = (tell: () => void): void => {
  signedOut = tell;
};

export async function call<T>(method: string, path: string, body?: object, patience = 20_000): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      cache: "no-store",
      credentials: "same-origin",
      signal: AbortSignal.timeout(patience),
      headers: { "Stepfour-Agent": "1", "Accept-Language": document.documentElement.lang, ...(body ? { "Content-Type": "application/json" } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  } catch {
    throw new Refused(0, "unreachable", "");
  }
  if (response.status === 204) return undefined as T;
  if (response.ok) return (await response.json()) as T;
  const told = (await response.json().catch(() => null)) as { error?: { code?: string; message?: string; fix?: string } } | null;
  if (response.status === 401 && path !== "/v1/agent/session") signedOut();
  throw new Refused(response.status, told?.error?.code ?? "unknown", told?.error?.message ?? "", told?.error?.fix ?? "");
}

const of = (conversation: string, rest = ""): string => `/v1/agent/conversations/${encodeURIComponent(conversation)}${rest}`;

export const me = (): Promise<Me> => call("GET", "/v1/agent/me");
export const signIn = (code: string): Promise<{ name: string; conversation: string | null }> => call("POST", "/v1/agent/session", { code });
export const signOut = (): Promise<void> => call("DELETE", "/v1/agent/session");
/** A one-time code for the frame that opened this window. */
export const pass = (): Promise<{ code: string }> => call("POST", "/v1/agent/session/pass", {});

export const cases = (): Promise<{ cases: CaseRow[]; seq?: number; off?: readonly Off[] }> => call("GET", "/v1/agent/cases?state=all");
export const switches = (): Promise<Switched> => call("GET", "/v1/agent/switches");
export const switchTo = (name: Switch["name"], off: boolean, because: string): Promise<Switched> =>
  call("POST", "/v1/agent/switches", { switch: name, off, because });
export const view = (conversation: string): Promise<View> => call("GET", of(conversation));
export const inChatwoot = (account: number, conversation: number): Promise<{ conversation: string }> =>
  call("GET", `/v1/agent/hosts/chatwoot/${account}/${conversation}`);

type Move = "take-over" | "give-back" | "checks" | "ask-solved";
export const move = (conversation: string, what: Move): Promise<void> => call("POST", of(conversation, `/${what}`), {});
export const note = (conversation: string, text: string): Promise<void> => call("POST", of(conversation, "/notes"), { text });
export const say = (conversation: string, id: string, text: string): Promise<void> =>
  call("POST", of(conversation, "/messages"), { client_message_id: id, text });
export const settle = (conversation: string, step: string, how: "attest" | "not-applicable", text: string): Promise<void> =>
  call("POST", of(conversation, `/steps/${encodeURIComponent(step)}/${how}`), { text });

export const sendSuggestion = (id: string, text?: string): Promise<void> =>
  call("POST", `/v1/agent/suggestions/${encodeURIComponent(id)}/send`, text === undefined ? {} : { text });
export const dismiss = (id: string, reason: string): Promise<void> =>
  call("POST", `/v1/agent/suggestions/${encodeURIComponent(id)}/dismiss`, reason ? { reason } : {});
export const decide = (request: string, digest: string, decision: "approve" | "reject"): Promise<void> =>
  call("POST", `/v1/agent/requests/${encodeURIComponent(request)}/${decision}`, { digest });

export const dossierAt = (conversation: string, form: "md" | "json"): string => of(conversation, `/dossier.${form}`);
export const fileAt = (id: string): string => `/v1/agent/attachments/${encodeURIComponent(id)}`;

export async function readDossier(conversation: string): Promise<string> {
  const response = await fetch(dossierAt(conversation, "md"), { cache: "no-store", credentials: "same-origin", headers: { "Accept-Language": document.documentElement.lang } }).catch(() => null);
  if (!response?.ok) throw new Refused(response?.status ?? 0, "dossier", "");
  return response.text();
}
