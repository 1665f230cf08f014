// The message log. Only whole messages enter it; what is still being written is shown beside it.

import { decide, Refused } from "./api";
import { add, button, fill, h, icon } from "./dom";
import type { Message, Payloads, Proposed, Source } from "./events";
import type { Unsent } from "./identity";
import { render, renderLine } from "./markdown";
import { actionIcon, actionTone } from "./steps";
import { date, say, texts, time } from "./texts";

interface Card {
  element: HTMLElement;
  state: HTMLElement;
  buttons: HTMLElement;
}

export class Log {
  readonly element = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": texts.log, tabindex: "0" });
  readonly draft = h("div", { class: "draft", "aria-hidden": "true", hidden: true });
  private readonly shown = new Map<string, HTMLElement>();
  private readonly waiting = new Map<string, HTMLElement>();
  private readonly cards = new Map<string, Card>();
  private drafted = { id: "", text: "" };

  constructor(private readonly edit: (message: Unsent) => void) {
    this.element.append(
      h(
        "div",
        { class: "welcome" },
        h("img", { src: "/assets/mark.svg", alt: "", width: "44", height: "44" }),
        h("h2", {}, texts.welcome),
        h("p", {}, texts.welcomeMore),
      ),
    );
  }

  /** While old events are played back nothing is announced. */
  replaying(on: boolean): void {
    this.element.setAttribute("aria-busy", String(on));
  }

  show(message: Message): void {
    if (message.id === this.drafted.id) this.dropDraft(message.id);
    if (this.shown.has(message.id)) return;
    const sent = message.client_message_id ? this.waiting.get(message.client_message_id) : undefined;
    const article = message.role === "customer" ? customer(message.text, message.at) : ours(message);
    this.shown.set(message.id, article);
    if (sent) {
      this.waiting.delete(message.client_message_id!);
      sent.replaceWith(article);
    } else {
      this.append(article);
    }
  }

  showUnsent(message: Unsent): void {
    const article = customer(message.text, message.at);
    const state = h("p", { class: "send-state" }, message.refused ? `${texts.notSent}. ${message.refused}` : texts.sending);
    article.classList.add(message.refused ? "refused" : "unsent");
    article.append(state);
    if (message.refused) article.append(button(texts.edit, "quiet", () => this.edit(message)));
    const before = this.waiting.get(message.id);
    if (before) before.replaceWith(article);
    else this.append(article);
    this.waiting.set(message.id, article);
  }

  sent(id: string): void {
    const article = this.waiting.get(id);
    article?.classList.remove("unsent");
    article?.querySelector(".send-state")?.remove();
  }

  keepWaiting(ids: string[]): void {
    for (const id of ids) {
      const state = this.waiting.get(id)?.querySelector(".send-state");
      if (state) state.textContent = texts.kept;
    }
  }

  forget(id: string): void {
    this.waiting.get(id)?.remove();
    this.waiting.delete(id);
  }

  write(delta: Payloads["message.delta"]): void {
    if (this.shown.has(delta.message)) return;
    if (this.drafted.id !== delta.message) this.drafted = { id: delta.message, text: "" };
    const have = this.drafted.text;
    if (delta.offset > have.length || delta.offset + delta.text.length <= have.length) return;
    this.drafted.text = have.slice(0, delta.offset) + delta.text;
    fill(this.draft, ...render(this.drafted.text, (n) => h("sup", { class: "mark" }, String(n))));
    this.draft.hidden = false;
  }

  dropDraft(id: string): void {
    if (this.drafted.id !== id) return;
    this.drafted = { id: "", text: "" };
    this.draft.hidden = true;
    fill(this.draft);
  }

  note(text: string, tone: string, glyph: Parameters<typeof icon>[0]): void {
    this.append(h("p", { class: "note", "data-tone": tone }, icon(glyph), h("span", {}, text)));
  }

  propose(proposed: Proposed): void {
    if (this.cards.has(proposed.request)) return;
    const state = h("p", { class: "card-state" });
    const buttons = h("div", { class: "card-buttons" });
    const card = {
      element: h(
        "div",
        { class: "card", role: "group", "aria-label": proposed.title, "data-tone": "wait" },
        h("p", { class: "card-asks" }, proposed.approval === "customer" ? texts.asksYou : texts.asksAgent),
        h("h2", {}, proposed.title),
        facts(proposed),
        buttons,
        state,
      ),
      state,
      buttons,
    };
    if (proposed.approval === "customer" && new Date(proposed.expires_at).getTime() > Date.now()) {
      this.offer(card, proposed);
    }
    this.cards.set(proposed.request, card);
    this.append(card.element);
  }

  move(action: Payloads["action.state"]): void {
    let card = this.cards.get(action.request);
    if (!card) {
      const state = h("p", { class: "card-state" });
      const buttons = h("div", { hidden: true });
      card = { element: h("div", { class: "card", role: "group", "aria-label": action.title }, h("h2", {}, action.title), buttons, state), state, buttons };
      this.cards.set(action.request, card);
      this.append(card.element);
    }
    card.element.dataset["tone"] = actionTone(action.state);
    card.element.dataset["state"] = action.state;
    if (action.state !== "proposed") fill(card.buttons);
    fill(card.state, icon(actionIcon(action.state)), h("strong", {}, texts[action.state]), action.detail && h("span", {}, ...renderLine(action.detail)));
  }

  private offer(card: Card, proposed: Proposed): void {
    const press = async (decision: "approve" | "reject"): Promise<void> => {
      for (const b of card.buttons.querySelectorAll("button")) b.disabled = true;
      try {
        await decide(proposed.request, decision);
      } catch (error) {
        const passing = error instanceof Refused && error.passing;
        card.state.textContent = passing ? texts.failed : texts.decidedAlready;
        for (const b of card.buttons.querySelectorAll("button")) b.disabled = !passing;
      }
    };
    card.buttons.append(
      button(proposed.title || texts.approve, "strong", () => void press("approve")),
      button(texts.notNow, "quiet", () => void press("reject")),
    );
  }

  private append(node: HTMLElement): void {
    this.element.querySelector(".welcome")?.remove();
    // What is not acknowledged yet stays at the end.
    this.element.insertBefore(node, this.waiting.values().next().value ?? null);
  }
}

function customer(text: string, at: string): HTMLElement {
  return h(
    "article",
    { class: "message customer", "aria-label": `${texts.you}, ${time(at)}` },
    h("div", { class: "bubble" }, text),
    h("p", { class: "by" }, h("time", { datetime: at }, time(at))),
  );
}

function ours(message: Message): HTMLElement {
  const name = message.role === "bot" ? texts.name : (message.name ?? texts.agent);
  const sources = message.citations ?? [];
  const list = h("ol", { class: "sources", "aria-label": texts.sources });
  for (const cited of sources) list.append(source(cited, message.id));
  const body = h("div", { class: "bubble" });
  add(
    body,
    render(message.text, (n) => {
      const cited = sources.find((s) => s.n === n);
      return cited ? mark(cited, message.id) : null;
    }),
  );
  const face =
    message.role === "bot"
      ? h("img", { class: "face", src: "/assets/mark.svg", alt: "", width: "26", height: "26" })
      : h("span", { class: "face" }, icon("person"));
  return h(
    "article",
    { class: `message ${message.role}`, "aria-label": `${name}, ${time(message.at)}`, "data-decision": message.decision },
    h("p", { class: "by" }, face, h("strong", {}, name), h("time", { datetime: message.at }, time(message.at))),
    body,
    sources.length ? list : null,
  );
}

const anchorOf = (message: string, n: number): string => `source-${message}-${n}`;

function mark(cited: Source, message: string): Node {
  const jump = h("button", { type: "button", class: "mark", "aria-label": say(texts.source, { n: cited.n, title: cited.title }) }, String(cited.n));
  jump.addEventListener("click", () => {
    const target = document.getElementById(anchorOf(message, cited.n));
    target?.focus();
    target?.scrollIntoView({ block: "nearest" });
  });
  return jump;
}

function source(cited: Source, message: string): HTMLElement {
  const place = cited.anchor ? `${cited.path}#${cited.anchor}` : cited.path;
  const address = cited.url && /^(https?:\/\/|\/(?!\/))/.test(cited.url) ? cited.url + (cited.anchor ? `#${cited.anchor}` : "") : null;
  return h(
    "li",
    { id: anchorOf(message, cited.n), value: String(cited.n), tabindex: "-1" },
    h("span", { class: "source-n", "aria-hidden": "true" }, String(cited.n)),
    h(
      "div",
      {},
      h("cite", {}, address ? h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, cited.title) : cited.title),
      h("blockquote", { lang: cited.lang }, ...renderLine(cited.quote)),
      h("p", { class: "source-place" }, say(texts.updated, { date: date(cited.updated_at) }), " · ", place),
    ),
  );
}

function facts(proposed: Proposed): HTMLElement {
  const list = h("ul", { class: "card-facts" });
  for (const [, value] of proposed.inputs) list.append(h("li", {}, icon("bolt"), h("code", {}, value)));
  for (const p of proposed.prerequisites) {
    const glyph = p.met === null ? "unknown" : p.met ? "checked" : "wrong";
    list.append(h("li", { "data-tone": p.met ? "good" : "bad" }, icon(glyph), h("span", {}, ...renderLine(p.seen ?? p.title))));
  }
  if (proposed.undo) list.append(h("li", {}, icon("fold"), h("span", {}, `${texts.undo}: ${proposed.undo}`)));
  list.append(h("li", {}, icon("watching"), h("span", {}, say(texts.expires, { time: time(proposed.expires_at) }))));
  return list;
}
