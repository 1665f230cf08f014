// The first script of a page: shows the launcher, keeps what the page says to us, fetches the app when wanted.

import type { App, Emit, Options, Shell } from "./commands";
import { wipe } from "./commands";
import { label, launcherOf } from "./launcher";

type Listener = (event: Record<string, unknown>) => void;
type Api = ((name: string, ...args: unknown[]) => unknown) & Record<string, (...args: unknown[]) => unknown>;

const page = window as unknown as { stepfour?: Api & { q?: ArrayLike<unknown>[]; here?: true } };
const script = (document.currentScript ?? document.querySelector('script[src*="/loader.js"]')) as HTMLScriptElement;
const options: Options = { ...script.dataset };
const listeners = new Map<string, Set<Listener>>();
const waiting: [string, unknown[]][] = [];
let app: App | undefined;
let loading: Promise<void> | undefined;
let shell: Shell | undefined;

const COMMANDS = [
  "boot", "identify", "context", "open", "close", "toggle", "show", "hide", "newConversation", "ask",
  "setLocale", "setTheme", "on", "shutdown", "destroy",
]; // prettier-ignore

function on(name: string, listener: Listener): () => void {
  const all = listeners.get(name) ?? new Set();
  listeners.set(name, all.add(listener));
  return () => void all.delete(listener);
}

const emit: Emit = (type, detail = {}) => {
  const event = { id: Math.random().toString(36).slice(2), type, at: new Date().toISOString(), ...detail };
  for (const listener of [...(listeners.get(type) ?? [])]) {
    try {
      listener(event);
    } catch (error) {
      setTimeout(() => {
        throw error; // the page's own mistake: it is told, and we go on
      });
    }
  }
};

function place(): HTMLElement | null {
  if (options.launcher === "none" || (!options.launcher && document.querySelector("stepfour-chat"))) return null;
  const host = document.createElement("stepfour-chat");
  host.setAttribute("mode", "launcher");
  host.setAttribute("place", options.launcher ?? "bottom-right");
  dress(host);
  const button = launcherOf(host);
  button.addEventListener("click", () => app || run("open", [true]));
  for (const sign of ["pointerenter", "focus"]) button.addEventListener(sign, () => void load().catch(() => 0), { once: true });
  document.body.append(host);
  return host;
}

function dress(host: HTMLElement): void {
  for (const name of ["locale", "theme", "slack"] as const) if (options[name]) host.setAttribute(name, options[name]);
  if (options.zIndex) host.style.setProperty("--stepfour-z", String(options.zIndex));
  host.shadowRoot?.querySelector(".launcher")?.setAttribute("aria-label", label(options.locale));
}

function load(): Promise<void> {
  const button = shell?.launcher?.shadowRoot?.querySelector(".launcher");
  button?.setAttribute("aria-busy", "true");
  loading ??= import(new URL("chat.js", script.src).href)
    .then((made: { start(shell: Shell): App }) => {
      app = made.start(shell!);
      for (const [name, args] of waiting.splice(0)) app.run(name, args);
    })
    .catch((error: Error) => {
      loading = undefined; // the next press tries again
      emit("error", { code: "unreachable", message: error.message });
      throw error;
    })
    .finally(() => button?.removeAttribute("aria-busy"));
  return loading;
}

/** What a word means while the app is not there: kept in the options, or a reason to fetch it. */
function early(name: string, args: unknown[]): void {
  const [first] = args;
  const host = shell?.launcher;
  if (name === "boot") Object.assign(options, first);
  else if (name === "identify") options.getToken = first as NonNullable<Options["getToken"]>;
  else if (name === "context") options.context = { ...options.context, ...(first as object) };
  else if (name === "setLocale") options.locale = first as string;
  else if (name === "setTheme") options.theme = first as string;
  else if (name === "show" || name === "hide") host?.toggleAttribute("hidden", name === "hide");
  else if (name === "shutdown" || name === "destroy") {
    wipe();
    delete options.getToken;
    waiting.length = 0;
    if (name === "destroy") host?.remove();
  } else if (name !== "close") {
    waiting.push([name, args]);
    if (shell) void load().catch(() => 0);
  }
  if (host) dress(host);
}

function run(name: string, args: unknown[]): unknown {
  if (!COMMANDS.includes(name)) throw new Error(`stepfour: there is no "${name}". There is ${COMMANDS.join(", ")}.`);
  if (name === "on") return on(args[0] as string, args[1] as Listener);
  if (app) return app.run(name, args);
  return early(name, args);
}

/** Somebody who has talked with us here may have news; a page with the chat in it needs the app at once. */
function wanted(): boolean {
  if (!shell!.launcher && document.querySelector("stepfour-chat")) return true;
  try {
    return Object.keys(localStorage).some((key) => key.startsWith("stepfour.conversation."));
  } catch {
    return false;
  }
}

/** A panel that was open on the last page is open on this one, unless it would cover it all. */
function wasOpen(): boolean {
  try {
    return sessionStorage.getItem("stepfour.open") === "1" && innerWidth > 480;
  } catch {
    return false;
  }
}

function begin(): void {
  shell = { options, emit, launcher: null };
  shell.launcher = place();
  if (shell.launcher && wasOpen()) waiting.push(["open", [false]]);
  if (waiting.length) void load().catch(() => 0);
  else if (wanted()) (window.requestIdleCallback ?? setTimeout)(() => void load().catch(() => 0));
}

if (!page.stepfour?.here) {
  const queue = page.stepfour?.q ?? [];
  const api = ((name: string, ...args: unknown[]) => run(name, args)) as Api & { here?: true };
  for (const name of COMMANDS) api[name] = (...args) => run(name, args);
  api.here = true;
  page.stepfour = api;
  for (const [name, ...args] of Array.from(queue, (call) => Array.from(call))) run(name as string, args);
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
}
