// Cards that ask for a decision: an action with everything that was seen, and whether the matter is solved.

import { Refused } from "./api";
import { button, fill, h, icon, refill, rest } from "./dom";
import type { ActionState, Payloads, Proposed } from "./events";
import { ago, say, time } from "./format";
import { renderLine } from "./markdown";
import { reason } from "./refusals";
import { actionIcon, actionTone } from "./steps";
import { texts } from "./texts";

export interface Decides {
  decide(proposed: Proposed, decision: "approve" | "reject"): Promise<void>;
  solved(solved: boolean): Promise<void>;
  /** Leaves this conversation for a new one. */
  fresh(): void;
  /** Where to decide instead, when somebody else's page has us in a frame. */
  elsewhere(): string | null;
}

/** Whether the card can still be decided: what is paused comes back, and who signs in again may press again. */
const openYet = (error: unknown): boolean => error instanceof Refused && (error.passing || error.status === 401 || error.code === "actions_off");

export class ActionCard {
  readonly element: HTMLElement;
  private readonly state = h("p", { class: "card-state" });
  private readonly buttons = h("div", { class: "card-buttons" });

  constructor(title: string) {
    this.element = h("div", { class: "card", part: "card", role: "group", "aria-label": title, "data-tone": "wait" }, h("h3", {}, title), this.buttons, this.state);
  }

  propose(proposed: Proposed, decides: Decides): void {
    const open = proposed.approval === "customer" && new Date(proposed.expires_at).getTime() > Date.now();
    fill(
      this.element,
      h("p", { class: "card-asks" }, proposed.approval === "customer" ? texts.asksYou : texts.asksAgent),
      h("h3", {}, proposed.title),
      ...facts(proposed),
      open ? h("p", { class: "card-until" }, icon("watching"), say(texts.expires, { time: time(proposed.expires_at) })) : null,
      this.buttons,
      this.state,
    );
    if (!open) return;
    const elsewhere = decides.elsewhere();
    if (elsewhere) this.sendAway(decides);
    else this.offer(proposed, decides);
  }

  move(action: ActionState): void {
    this.element.dataset["tone"] = actionTone(action.state);
    this.element.dataset["state"] = action.state;
    if (action.state !== "proposed") {
      refill(this.buttons, this.element);
      this.element.querySelector(".card-until")?.remove();
    }
    const by = action.by && ["approved", "refused", "executing"].includes(action.state) ? say(texts.by, { name: action.by }) : null;
    fill(
      this.state,
      icon(actionIcon(action.state)),
      h("strong", {}, texts[action.state]),
      by && h("span", {}, by),
      action.detail && h("span", { class: "card-detail" }, ...renderLine(action.detail)),
    );
  }

  private offer(proposed: Proposed, decides: Decides): void {
    const press = async (decision: "approve" | "reject"): Promise<void> => {
      this.disable(true);
      try {
        await decides.decide(proposed, decision);
      } catch (error) {
        fill(this.state, h("span", { role: "alert" }, reason(error, texts.decidedAlready)));
        this.disable(!openYet(error));
      }
    };
    this.buttons.append(
      button(proposed.title, "strong", () => void press("approve")),
      button(texts.notNow, "quiet", () => void press("reject")),
    );
  }

  private sendAway(decides: Decides): void {
    const link = h("a", { class: "strong", target: "_blank", rel: "noopener", href: decides.elsewhere() }, icon("out"), h("span", {}, texts.openPage), h("span", { class: "hidden" }, ` (${texts.newTab})`));
    link.addEventListener("click", () => {
      link.href = decides.elsewhere() ?? link.href; // with the token of this moment
    });
    this.buttons.append(h("p", {}, texts.framed), link);
  }

  private disable(on: boolean): void {
    rest(on, this.buttons.querySelectorAll("button"));
  }
}

function facts(proposed: Proposed): HTMLElement[] {
  const inputs = proposed.inputs.filter(([, value]) => value);
  const will = h("ul", { class: "card-facts" });
  for (const [, value] of inputs) will.append(h("li", {}, icon("bolt"), h("code", {}, value)));
  const back = h("ul", { class: "card-facts" });
  back.append(h("li", {}, icon("again"), h("span", {}, proposed.undo ? `${texts.undo}: ${proposed.undo}` : texts.noUndo)));
  const saw = h("ul", { class: "card-facts" });
  for (const one of proposed.prerequisites) {
    const glyph = one.met === null ? "unknown" : one.met ? "checked" : "wrong";
    const when = one.at ? h("small", {}, say(texts.seenAt, { ago: ago(one.at) })) : null;
    saw.append(h("li", { "data-tone": one.met ? "good" : one.met === null ? "none" : "bad" }, icon(glyph), h("span", {}, ...renderLine(one.seen ?? one.title), when && " ", when)));
  }
  const part = (title: string, list: HTMLElement): HTMLElement[] =>
    list.childElementCount ? [h("div", { class: "card-part" }, h("p", { class: "card-title" }, title), list)] : [];
  return [...part(texts.willDo, will), ...part(texts.seenBefore, saw), h("div", { class: "card-part" }, back)];
}

/** "Is it solved?", and the answer in its place. */
export class SolvedCard {
  readonly element = h("div", { class: "card", part: "card", role: "group", "aria-label": texts.solvedAsk, "data-tone": "wait" });

  ask(decides: Decides): void {
    const buttons = h("div", { class: "card-buttons" });
    const problem = h("p", { class: "card-state", role: "alert" });
    const press = async (solved: boolean): Promise<void> => {
      rest(true, buttons.children);
      try {
        await decides.solved(solved);
      } catch (error) {
        fill(problem, reason(error, texts.decidedAlready));
        rest(!openYet(error), buttons.children);
      }
    };
    buttons.append(button(texts.solvedYes, "strong", () => void press(true)), button(texts.solvedNo, "quiet", () => void press(false)));
    fill(this.element, h("h3", {}, texts.solvedAsk), buttons, problem);
  }

  close(state: Payloads["resolution"]["state"], decides: Decides): void {
    const words = { confirmed: texts.solvedConfirmed, denied: texts.solvedDenied, lost: texts.solvedLost, silent: texts.solvedSilent, verified: texts.resolved, asked: "" };
    const good = state === "confirmed" || state === "verified";
    const open = state === "denied" || state === "lost";
    this.element.dataset["tone"] = good ? "good" : open ? "wait" : "none";
    refill(this.element, this.element, h("p", { class: "card-state" }, icon(good ? "checked" : open ? "person" : "skipped"), h("span", {}, words[state])));
    if (state === "confirmed") this.element.append(h("div", { class: "card-buttons" }, button(texts.fresh, "small", () => decides.fresh(), icon("plus"))));
  }
}
