// The app: defines the element, and does what the host page asks for.

import { join, Refused } from "./api";
import type { App, Identity, Options, Shell } from "./commands";
import { wipe } from "./commands";
import { shared, StepfourChat } from "./element";
import { forgetFiles } from "./files";
import * as who from "./who";

const all = (): StepfourChat[] => [...document.querySelectorAll<StepfourChat>("stepfour-chat")].filter((one) => one instanceof StepfourChat);

function restart(): Promise<unknown> {
  return Promise.all(all().map((one) => one.restart()));
}

/** The proven customer goes on with what the visitor began, once the server has joined the two. */
async function identify(identity: Identity): Promise<void> {
  const before = who.visitorHas();
  const visitor = who.visitor();
  try {
    await who.identify(identity);
  } catch {
    return shared.emit("identity_expired");
  }
  if (!who.signed()) return;
  let joined = false;
  if (before.id && before.id !== who.NEW && visitor) {
    try {
      await join(before.id, visitor);
      joined = true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.passing) return; // the next identify tries again: nothing of the visitor's is dropped
    }
  }
  who.adopt(joined ? before.id : null, before.waiting);
}

function configure(element: HTMLElement, options: Options): void {
  for (const name of ["locale", "theme"] as const) {
    const value = options[name];
    if (value) element.setAttribute(name, value);
  }
  if (options.zIndex) element.style.setProperty("--stepfour-z", String(options.zIndex));
}

export function start(shell: Shell): App {
  const { options, emit } = shell;
  shared.emit = emit;
  shared.page = () => String(options.context?.["page"] ?? location.href);
  if (options.getToken) shared.ready = identify(options.getToken);
  define();
  const first = (): StepfourChat | null => (shell.launcher as StepfourChat | null) ?? all()[0] ?? null;

  // What was said before we were there was said while the page loaded: it opens, and takes nobody's focus.
  let early = true;
  setTimeout(() => (early = false));
  const pressed = (): boolean => !early && (navigator.userActivation?.isActive ?? false);

  const commands: Record<string, (...args: never[]) => unknown> = {
    boot(more: Options = {}) {
      Object.assign(options, more);
      for (const element of all()) configure(element, more);
      if (more.getToken) commands["identify"]!(more.getToken as never);
    },
    identify(identity: Identity) {
      shared.ready = identify(identity);
      void restart();
    },
    context: (more: Record<string, unknown>) => void (options.context = { ...options.context, ...more }),
    open: (byLauncher?: boolean) => first()?.open(byLauncher ?? pressed()),
    close: () => first()?.close(),
    toggle: () => (first()?.opened ? first()?.close() : first()?.open(pressed())),
    show: () => shell.launcher?.toggleAttribute("hidden", false),
    hide: () => shell.launcher?.toggleAttribute("hidden", true),
    async newConversation({ prefill = "" }: { prefill?: string } = {}) {
      const focus = pressed();
      const one = first();
      who.keepConversation(who.NEW);
      await restart();
      one?.open(focus);
      if (one?.talk && prefill) one.talk.composer.value = prefill;
    },
    async ask(text: string) {
      const [one, focus] = [first(), pressed()];
      await one?.begun();
      one?.open(focus);
      if (text.trim()) one?.talk?.send(text.trim());
    },
    setLocale: (locale: string) => commands["boot"]!({ locale } as never),
    setTheme: (theme: string) => commands["boot"]!({ theme } as never),
    shutdown() {
      who.signOut();
      wipe();
      forgetFiles();
      delete options.getToken;
      shared.ready = Promise.resolve();
      for (const element of all()) element.close();
      void restart();
    },
    destroy() {
      who.signOut();
      wipe();
      forgetFiles();
      for (const element of all()) element.remove();
    },
  };
  return { run: (name, args) => commands[name]!(...(args as never[])) };
}

function define(): void {
  if (!customElements.get("stepfour-chat")) customElements.define("stepfour-chat", StepfourChat);
}

// Our own page has the element and no loader.
if (document.querySelector('stepfour-chat[mode="page"]')) {
  who.takeTokenFromAddress();
  addEventListener("hashchange", () => who.takeTokenFromAddress() && void restart());
  define();
}
