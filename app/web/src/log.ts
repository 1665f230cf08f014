// The message log. Only whole messages enter it; what is still being written is shown beside it.

import { ActionCard, type Decides, SolvedCard } from "./cards";
import { button, fill, h, icon, logo } from "./dom";
import type { ActionState, Message, Payloads, Proposed } from "./events";
import { time } from "./format";
import { render } from "./markdown";
import { customer, type Reach, said, showOpinion, waitingFiles } from "./messages";
import { texts } from "./texts";
import type { Unsent } from "./who";

export class Log {
  readonly element = h("div", { class: "log", part: "log", role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": texts.log, tabindex: "0" });
  readonly draft = h("div", { class: "draft", "aria-busy": "true", hidden: true });
  private readonly shown = new Map<string, HTMLElement>();
  private readonly arrived = new Set<string>();
  private readonly waiting = new Map<string, HTMLElement>();
  private readonly cards = new Map<string, ActionCard>();
  private solved: SolvedCard | null = null;
  private handing: HTMLElement | null = null;
  private drafted = { id: "", text: "" };
  private readonly read = h("p", { class: "send-state" }, texts.teamReads);

  constructor(
    private readonly edit: (message: Unsent) => void,
    private readonly reach: Reach & Decides,
  ) {
    this.element.append(h("div", { class: "welcome" }, logo("sign"), h("h2", {}, texts.welcome), h("p", {}, texts.welcomeMore)));
    this.element.addEventListener("keydown", (key) => this.walk(key));
  }

  /** While old events are played back nothing is announced. */
  replaying(on: boolean): void {
    this.element.setAttribute("aria-busy", String(on));
  }

  show(message: Message): void {
    if (message.id === this.drafted.id) this.dropDraft(message.id);
    if (this.shown.has(message.id)) return;
    const client = message.client_message_id;
    const sent = client ? this.waiting.get(client) : undefined;
    if (client) {
      this.arrived.add(client);
      this.sent(client);
      this.waiting.delete(client);
    }
    // What the customer has heard already is not said to them again: their own line stays the one that it is.
    const article = sent && !message.attachments?.length ? settled(sent, message) : said(message, this.reach);
    this.shown.set(message.id, article);
    if (!sent) this.append(article);
    else if (sent !== article) sent.replaceWith(article);
  }

  showOpinion(message: string, helped: boolean): void {
    const article = this.shown.get(message);
    if (article) showOpinion(article, helped);
  }

  showUnsent(message: Unsent): void {
    if (this.arrived.has(message.id)) return;
    const article = customer(message.text, message.at, message.files ? waitingFiles(message.files) : null);
    const state = h("p", { class: "send-state" }, message.refused ? `${texts.notSent}. ${message.refused}` : texts.sending);
    article.classList.add(message.refused ? "refused" : "unsent");
    article.append(state);
    if (message.refused) article.append(button(texts.edit, "quiet", () => this.edit(message)));
    const before = this.waiting.get(message.id);
    if (before) before.replaceWith(article);
    else {
      this.element.querySelector(".welcome")?.remove();
      this.element.append(article); // behind those that wait already: they were written before
    }
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

  /** Nothing answers while a person has it: who writes on is told that it is read all the same. */
  teamReads(): void {
    const last = this.element.lastElementChild;
    if (last?.matches(".customer:not(.unsent, .refused)")) last.append(this.read);
  }

  dropDraft(id: string): void {
    if (this.drafted.id !== id) return;
    this.drafted = { id: "", text: "" };
    this.draft.hidden = true;
    fill(this.draft);
  }

  note(text: string, tone: string, glyph: Parameters<typeof icon>[0]): HTMLElement {
    const note = h("p", { class: "note", "data-tone": tone }, icon(glyph), h("span", {}, text));
    this.append(note);
    return note;
  }

  /** Asked for, in line: one line that is brought up to date. Joined and left are lines of their own. */
  showHandoff(text: string, state: Payloads["handoff"]["state"]): void {
    const asked = state === "requested" || state === "queued";
    if (asked && this.handing) return void (this.handing.querySelector("span")!.textContent = text);
    const note = this.note(text, state === "ended" ? "none" : "wait", "person");
    this.handing = asked ? note : null;
  }

  /** Asked for once more, the card comes to where they read. */
  propose(proposed: Proposed): void {
    const known = this.cards.get(proposed.request);
    if (known) this.append(known.element);
    else this.card(proposed.request, proposed.title).propose(proposed, this.reach);
  }

  move(action: ActionState): void {
    (this.cards.get(action.request) ?? this.card(action.request, action.title)).move(action);
  }

  showSolved(state: Payloads["resolution"]["state"]): void {
    if (state === "asked") {
      this.solved = new SolvedCard();
      this.solved.ask(this.reach);
      this.append(this.solved.element);
    } else if (this.solved || state !== "verified") {
      const card = this.solved ?? new SolvedCard();
      card.close(state, this.reach);
      if (!this.solved) this.append(card.element);
      this.solved = null;
    }
  }

  private card(request: string, title: string): ActionCard {
    const card = new ActionCard(title);
    this.cards.set(request, card);
    this.append(card.element);
    return card;
  }

  /** Alt and an arrow go from message to message. */
  private walk(key: KeyboardEvent): void {
    if (!key.altKey || (key.key !== "ArrowUp" && key.key !== "ArrowDown")) return;
    const all = [...this.element.querySelectorAll<HTMLElement>("article, .card, .note")];
    const at = all.findIndex((one) => one.contains((this.element.getRootNode() as ShadowRoot).activeElement));
    const next = key.key === "ArrowUp" ? (at < 0 ? all.at(-1) : all[at - 1]) : at < 0 ? undefined : all[at + 1];
    key.preventDefault();
    if (!next) return;
    next.tabIndex = -1;
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  private append(node: HTMLElement): void {
    this.element.querySelector(".welcome")?.remove();
    // What is still on its way stays at the end. What was refused stays where it was written: an answer to
    // what was written after it would else stand before its question.
    const all = [...this.waiting.values()];
    const replayed = this.element.getAttribute("aria-busy") === "true";
    this.element.insertBefore(node, all.find((one) => replayed || !one.classList.contains("refused")) ?? null);
  }
}

/** The line of a message that was on its way, as it is stored. */
function settled(article: HTMLElement, message: Message): HTMLElement {
  const bubble = article.querySelector(".bubble");
  if (bubble && bubble.textContent !== message.text) bubble.textContent = message.text;
  const clock = article.querySelector("time");
  if (clock) {
    clock.dateTime = message.at;
    clock.textContent = time(message.at);
  }
  article.setAttribute("aria-label", `${texts.you}, ${time(message.at)}`);
  article.classList.remove("refused");
  return article;
}
