// Our side of `triage-assist/1`: the desk that shows this page in a frame names a conversation and takes a reply.
// What a desk says is a hint and never a proof: who asks, and what they may see, is the server's matter.

const APP = "triage-assist";
const WANTED = ["context", "reply.insert", "nav"];

export interface Init {
  host: string;
  ticket: string | null;
  caps: string[];
  theme: "light" | "dark" | null;
  locale: string | null;
}

export interface Heard {
  init(init: Init): void;
  conversation(id: string): void;
  changed(id: string): void;
  sent(suggestion: string, text: string): void;
}

export const framed = window.parent !== window;

let port: MessagePort | null = null;
let caps: readonly string[] = [];
let asked = 0;
const answers = new Map<string, (ok: boolean) => void>();

/** Whether a message comes from the window around us, and from an origin on the list. */
export const fromHost = (event: MessageEvent, hosts: readonly string[]): boolean =>
  framed && event.source === window.parent && hosts.includes(event.origin);

/** The origins a message to the window around us may go to: the one it has, where the browser tells. */
export function targets(hosts: readonly string[]): readonly string[] {
  const around = location.ancestorOrigins as DOMStringList | undefined;
  return around?.length ? hosts.filter((host) => host === around[0]) : hosts;
}

/** Shakes hands with the desk around us, if it is on the list. */
export function connect(hosts: readonly string[], heard: Heard): void {
  if (!framed) return;
  window.addEventListener("message", (event: MessageEvent<unknown>) => {
    const given = event.ports[0];
    if (!given || !fromHost(event, hosts)) return;
    const init = readInit(event.data);
    if (!init) return;
    port?.close(); // the desk shook hands again: its newest port is the one it listens on
    port = given;
    caps = init.caps;
    given.onmessage = (said: MessageEvent<unknown>) => hear(said.data, heard);
    heard.init(init);
  });
  const ready = (): void => {
    if (port) return;
    for (const origin of targets(hosts)) window.parent.postMessage({ v: 1, type: "ready", app: APP, caps_wanted: WANTED }, origin);
  };
  for (const later of [0, 400, 1500, 4000]) setTimeout(ready, later);
}

type Bag = Record<string, unknown>;
const bag = (value: unknown): Bag | null => (typeof value === "object" && value !== null ? (value as Bag) : null);
const text = (value: unknown, most = 200): string | null => (typeof value === "string" && value.length <= most ? value : null);

function readInit(data: unknown): Init | null {
  const said = bag(data);
  if (said?.["v"] !== 1 || said["type"] !== "init") return null;
  const named = Array.isArray(said["caps"]) ? said["caps"] : [];
  const theme = said["theme"];
  return {
    host: text(said["host"]) ?? "",
    ticket: text(said["ticket"], 4000),
    caps: named.filter((cap): cap is string => WANTED.includes(cap as string)),
    theme: theme === "light" || theme === "dark" ? theme : null,
    locale: text(said["locale"], 20),
  };
}

function hear(data: unknown, heard: Heard): void {
  const said = bag(data);
  if (!said || (said["v"] !== undefined && said["v"] !== 1)) return;
  const id = text(said["id"]);
  const suggestion = text(said["suggestion"]);
  switch (said["type"]) {
    case "context": {
      const conversation = text(bag(said["conversation"])?.["id"]);
      if (conversation) heard.conversation(conversation);
      break;
    }
    case "conversation.changed":
      if (id) heard.changed(id);
      break;
    case "reply.sent":
      if (suggestion) heard.sent(suggestion, text(said["final_text"], 20_000) ?? "");
      break;
    case "ok":
    case "err":
      if (id) answers.get(id)?.(said["type"] === "ok");
  }
}

const tellHost = (message: Bag): void => port?.postMessage(message);

export const can = (cap: string): boolean => port !== null && caps.includes(cap);

/** Puts words into the desk's reply box; false where it did not take them. */
export function insert(words: string, suggestion: string): Promise<boolean> {
  if (!can("reply.insert")) return Promise.resolve(false);
  const id = `q${++asked}`;
  return new Promise((resolve) => {
    const end = (ok: boolean): void => {
      answers.delete(id);
      clearTimeout(timer);
      resolve(ok);
    };
    const timer = setTimeout(() => end(false), 5000);
    answers.set(id, end);
    tellHost({ type: "reply.insert", id, format: "markdown", text: words, mode: "replace", suggestion });
  });
}

let height = 0;
export function resize(to: number): void {
  if (to !== height) tellHost({ type: "resize", height: (height = to) });
}

export const badge = (count: number): void => tellHost({ type: "badge", count });

/** Back to the desk's own page: the frame gives the focus away. */
export const leave = (): void => tellHost({ type: "leave" });

/** In a desk that opens addresses itself, links are left to it. http and https only. */
export function nav(link: HTMLAnchorElement): void {
  link.addEventListener("click", (event) => {
    if (!can("nav") || !/^https?:$/.test(link.protocol)) return;
    event.preventDefault();
    tellHost({ type: "nav", url: link.href });
  });
}
