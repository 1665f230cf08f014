// <stepfour-chat>: the chat as an element, in the corner (launcher), in a page's text (inline) or as a page.

import type { Emit } from "./commands";
import { h, icon, logo } from "./dom";
import { say } from "./format";
import { launcherOf } from "./launcher";
import { pick } from "./locale";
import css from "./style.css" with { type: "text" };
import { Talk } from "./talk";
import { language, speak, texts } from "./texts";
import { keepConversation, keepOpen, NEW, signed } from "./who";

const WIDE = 960;
const SMALL = "(max-width: 480px)";
const dark = matchMedia("(prefers-color-scheme: dark)");
const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

/** Shared by all of them: who speaks, and what the page says of itself. Set by `chat.ts`. */
export const shared: { emit: Emit; page: () => string; ready: Promise<void> } = {
  emit: () => undefined,
  page: () => location.href,
  ready: Promise.resolve(),
};

export class StepfourChat extends HTMLElement {
  static observedAttributes = ["theme", "locale"];
  talk: Talk | null = null;
  private frame: HTMLElement | null = null;
  private launcher: HTMLButtonElement | null = null;
  private starting: Promise<void> | null = null;
  private again = 0;
  private readonly wide = new ResizeObserver(() => this.fit());
  private isWide = false;

  get mode(): "launcher" | "inline" | "page" {
    const mode = this.getAttribute("mode");
    return mode === "launcher" || mode === "page" ? mode : "inline";
  }

  get opened(): boolean {
    return this.mode !== "launcher" || (this.frame as HTMLDialogElement | null)?.open === true;
  }

  connectedCallback(): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
    if (this.mode === "launcher") {
      this.launcher = launcherOf(this);
      this.launcher.onclick = () => (this.opened ? this.close() : this.open(true));
    }
    dark.addEventListener("change", this.paint);
    document.addEventListener("visibilitychange", this.look);
    this.paint();
    void this.restart();
  }

  disconnectedCallback(): void {
    dark.removeEventListener("change", this.paint);
    document.removeEventListener("visibilitychange", this.look);
    this.wide.disconnect();
    this.talk?.close();
    this.talk = null;
    this.frame?.remove();
    this.frame = this.starting = null;
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (name === "theme") this.paint();
    else if (before !== now && this.talk) void this.restart();
  }

  private readonly paint = (): void => {
    const theme = this.getAttribute("theme");
    this.dataset["scheme"] = theme === "dark" || theme === "light" ? theme : dark.matches ? "dark" : "light";
  };

  private readonly look = (): void => {
    if (this.opened && !document.hidden) this.talk?.looked();
  };

  /** Leaves the conversation; the next message begins another. */
  fresh(): Promise<void> {
    keepConversation(NEW);
    return this.restart();
  }

  /** Shows everything anew: another language, another customer, another conversation. */
  restart(): Promise<void> {
    const turn = ++this.again;
    this.starting = (async () => {
      const ours = this.mode === "page";
      await Promise.all([speak(pick(this.getAttribute("locale"), ours ? null : document.documentElement.lang)), shared.ready]);
      if (turn !== this.again || !this.isConnected) return;
      this.build();
      await this.talk!.start();
    })();
    return this.starting;
  }

  /** Once it is shown for the first time. */
  async begun(): Promise<void> {
    while (!this.talk) await (this.starting ?? new Promise((done) => setTimeout(done, 50)));
  }

  private build(): void {
    const wasOpen = this.frame ? this.opened : false;
    const written = this.talk?.composer.value ?? "";
    this.talk?.close();
    this.frame?.remove();
    const talk = (this.talk = new Talk({
      emit: shared.emit,
      page: shared.page,
      unread: (n) => this.showUnread(n),
      looking: () => this.opened && !document.hidden,
      restart: () => void this.restart(),
      fresh: () => void this.fresh(),
    }));
    this.frame = this.layout(talk);
    this.frame.lang = language;
    // As our languages run, whichever way the page does; the frame stands where the page's way puts it.
    for (const part of this.frame.children) (part as HTMLElement).dir = "ltr";
    this.shadowRoot!.append(this.frame);
    talk.composer.takeDrops(this.frame);
    this.wide.disconnect();
    this.wide.observe(this.frame);
    this.isWide = false;
    this.fit();
    this.showUnread(0);
    if (this.mode === "page") {
      document.documentElement.lang = language;
      document.title = texts.name;
    }
    talk.composer.value = written;
    if (wasOpen && this.mode === "launcher") this.open(false);
  }

  private layout(talk: Talk): HTMLElement {
    const page = this.mode === "page";
    const close = h("button", { type: "button", class: "plain close", "aria-label": texts.close }, icon("close"));
    close.addEventListener("click", () => this.close());
    const inner = [
      h(
        page ? "header" : "div",
        { class: "head", part: "head" },
        logo("logo"),
        h("div", { class: "title" }, h(page ? "h1" : "h2", { id: "title" }, texts.name), talk.status),
        page ? talk.person : null,
        this.mode === "launcher" ? close : null,
      ),
      h(
        page ? "main" : "div",
        { class: "main" },
        talk.view.element,
        talk.checklist.element,
        h(
          "div",
          { class: "foot" },
          talk.banner,
          talk.composer.element,
          h("p", { class: "keys", id: "compose-keys" }, texts.keys),
          h("div", { class: "under" }, h("p", { class: "keys" }, page ? texts.disclosure : texts.disclosureShort), this.hasAttribute("slack") && signed() ? talk.slack : null, page ? null : talk.person),
        ),
      ),
      talk.announcer,
    ];
    if (page) return h("div", { class: "frame", part: "frame" }, ...inner);
    if (this.mode === "inline") return h("section", { class: "frame", part: "frame", "aria-label": texts.chat }, ...inner);
    const dialog = h("dialog", { class: "frame", part: "frame", id: "panel", "aria-label": texts.chat, "aria-modal": "false" }, ...inner);
    this.launcher!.setAttribute("aria-controls", "panel");
    dialog.addEventListener("keydown", (key) => {
      if (key.key !== "Escape" || key.defaultPrevented) return;
      key.preventDefault();
      this.close();
    });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.close();
    });
    return dialog;
  }

  private fit(): void {
    const wide = this.frame!.clientWidth >= WIDE;
    this.frame!.toggleAttribute("data-wide", wide);
    if (wide !== this.isWide) this.talk?.checklist.fit(wide);
    this.isWide = wide;
  }

  /** `pressed`: by the customer, so that the focus may go where they will write. */
  open(pressed: boolean): void {
    const dialog = this.frame;
    if (!(dialog instanceof HTMLDialogElement)) return void this.begun().then(() => this.mode === "launcher" && this.open(pressed));
    if (!dialog.open) {
      const full = matchMedia(SMALL).matches;
      dialog.setAttribute("aria-modal", String(full));
      // Not by show(): it takes the focus, and who has not pressed anything keeps theirs.
      if (full && pressed) dialog.showModal();
      else dialog.setAttribute("open", "");
      this.launcher!.setAttribute("aria-expanded", "true");
      this.toggleAttribute("open", true);
      this.talk!.view.toEnd();
      this.talk!.looked();
      keepOpen(true);
      shared.emit("open");
    }
    if (pressed) this.talk!.composer.input.focus();
  }

  close(): void {
    const dialog = this.frame;
    if (!(dialog instanceof HTMLDialogElement) || !dialog.open) return;
    const held = dialog.contains(this.shadowRoot!.activeElement);
    dialog.close();
    keepOpen(false);
    this.toggleAttribute("open", false);
    this.launcher!.setAttribute("aria-expanded", "false");
    if (held) this.launcher!.focus();
    shared.emit("close");
  }

  private showUnread(n: number): void {
    if (!this.launcher) return;
    const label = n === 0 ? texts.chat : n === 1 ? texts.launcherOne : say(texts.launcherMany, { n });
    this.launcher.setAttribute("aria-label", label);
    this.launcher.querySelector(".badge")!.textContent = n ? String(Math.min(n, 99)) : "";
    if (n) shared.emit("unread", { count: n });
  }
}
