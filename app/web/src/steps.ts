// The checklist: every step with a word for how we know, and the move that is left at its end.

import { button, fill, h, type Icon, icon, rest } from "./dom";
import type { ActionState, RequestState, Step, Steps, Word } from "./events";
import { renderLine } from "./markdown";
import { ago, say } from "./format";
import { reason } from "./refusals";
import { texts, when } from "./texts";

const ICONS: Record<Word | "watching", Icon> = {
  verified: "checked",
  contradicted: "wrong",
  missing: "missing",
  evidenced: "shown",
  claimed: "told",
  not_done: "missing",
  failed: "wrong",
  unknown: "unknown",
  not_applicable: "skipped",
  watching: "watching",
};

const TONES: Record<Word | "watching", string> = {
  verified: "good",
  contradicted: "bad",
  missing: "todo",
  evidenced: "told",
  claimed: "told",
  not_done: "todo",
  failed: "bad",
  unknown: "none",
  not_applicable: "none",
  watching: "wait",
};

/** What the customer's word has to say about, and so can be wrong. */
const DISPUTABLE: readonly Word[] = ["verified", "contradicted", "missing", "evidenced", "claimed", "not_done", "failed"];

export interface Corrects {
  lookAgain(): Promise<void>;
  dispute(step: string): Promise<void>;
  /** Says why something that was pressed did not work. */
  complain(text: string): void;
}

export class Checklist {
  readonly element = h("section", { class: "steps", part: "steps", "aria-labelledby": "steps-title", hidden: true });
  private readonly title = h("span", { class: "steps-name" });
  private readonly summary = h("span", { class: "steps-summary" });
  private readonly bar = h("span", { class: "bar", "aria-hidden": "true" });
  private readonly list = h("ol", { id: "steps-list" });
  private readonly toggle: HTMLButtonElement;
  private readonly clock: ReturnType<typeof setInterval>;
  private steps: Steps | null = null;
  private looking = false;
  private action: ActionState | null = null;

  constructor(
    private readonly announce: (text: string) => void,
    private readonly corrects: Corrects,
  ) {
    this.toggle = button("", "steps-toggle", () => this.open(this.list.hidden === true));
    fill(this.toggle, this.title, this.summary, icon("fold"), this.bar);
    this.toggle.setAttribute("aria-controls", "steps-list");
    this.element.append(h("h2", { id: "steps-title" }, this.toggle), this.list);
    this.fit(false);
    this.clock = setInterval(() => this.draw(), 20_000);
  }

  close(): void {
    clearInterval(this.clock);
  }

  /** On a small surface the list is folded, and scrolls by itself when it is not. */
  fit(wide: boolean): void {
    this.list.tabIndex = wide ? -1 : 0;
    this.open(wide);
  }

  show(steps: Steps, live: boolean): void {
    const before = this.summary.textContent;
    if (this.steps?.procedure !== steps.procedure) this.action = null;
    this.steps = steps;
    this.looking = false;
    this.element.hidden = false;
    this.draw();
    if (live && this.summary.textContent !== before) this.announce(`${steps.title}: ${this.summary.textContent}`);
  }

  showAction(action: ActionState): void {
    this.action = action;
    this.draw();
  }

  private open(open: boolean): void {
    this.list.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
  }

  private draw(): void {
    if (!this.steps) return;
    const { steps, title, watching } = this.steps;
    const moved = this.action?.state === "done" ? 1 : 0;
    const done = steps.filter((step) => step.holds).length + moved;
    const all = steps.length + (this.action ? 1 : 0);
    const fix = steps.filter((step) => TONES[step.word] === "bad").length;
    this.title.textContent = title || texts.steps;
    this.summary.textContent = say(fix ? texts.progressFix : texts.progress, { done, all, fix });
    const tones = steps.map((step) => TONES[kind(step, watching)]);
    if (this.action) tones.push(actionTone(this.action.state));
    fill(this.bar, ...tones.map((tone) => h("i", { "data-tone": tone })));
    const held = (this.element.getRootNode() as ShadowRoot).activeElement?.getAttribute("aria-label");
    fill(this.list, ...steps.map((step) => row(step, watching, this.buttons(step))), this.action && actionRow(this.action));
    if (held) [...this.list.querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === held)?.focus();
  }

  private buttons(step: Step): HTMLElement {
    const made = h("div", { class: "step-buttons" });
    if (step.checkable && step.word !== "not_applicable") {
      made.append(this.button(texts.checkAgain, say(texts.checkStep, { step: step.title }), texts.lookNow, () => this.corrects.lookAgain()));
    }
    if (DISPUTABLE.includes(step.word)) {
      made.append(this.button(texts.notRight, say(texts.notRightStep, { step: step.title }), texts.noted, () => this.corrects.dispute(step.id)));
    }
    return made;
  }

  /** Pressed, all of them rest until the next look has come in. */
  private button(text: string, label: string, told: string, work: () => Promise<void>): HTMLButtonElement {
    const press = async (): Promise<void> => {
      if (this.looking) return;
      this.rest(true);
      try {
        await work();
        this.announce(told);
        setTimeout(() => this.rest(false), 15_000);
      } catch (error) {
        this.corrects.complain(reason(error));
        this.rest(false);
      }
    };
    const made = button(text, "small", () => void press());
    made.setAttribute("aria-label", label);
    made.setAttribute("aria-disabled", String(this.looking));
    return made;
  }

  private rest(on: boolean): void {
    this.looking = on;
    rest(on, this.list.querySelectorAll("button"));
  }
}

function watched(step: Step, watching: Steps["watching"]): boolean {
  return watching?.step === step.id && !step.holds;
}

/** A watched step shows as watched, unless something about it does not look right. */
function kind(step: Step, watching: Steps["watching"]): Word | "watching" {
  return watched(step, watching) && TONES[step.word] !== "bad" ? "watching" : step.word;
}

function row(step: Step, watching: Steps["watching"], buttons: HTMLElement): HTMLElement {
  const now = kind(step, watching);
  const looked = step.at && ["contradicted", "missing"].includes(step.word);
  return h(
    "li",
    { "data-tone": TONES[now], "data-word": step.word },
    icon(ICONS[now]),
    h(
      "div",
      { class: "step" },
      h("span", { class: "step-title" }, step.title),
      h(
        "span",
        {},
        h("span", { class: "step-word" }, word(step)),
        step.seen ? ": " : null,
        step.seen ? h("span", { class: "step-seen" }, ...renderLine(step.seen)) : null,
      ),
      looked ? h("span", { class: "step-when" }, say(texts.looked, { ago: ago(step.at!) })) : null,
      step.quote ? h("q", { class: "step-quote", "aria-label": texts.yourWords }, step.quote.text) : null,
      watched(step, watching) ? h("span", { class: "step-next" }, nextLook(watching!)) : null,
      buttons.childElementCount ? buttons : null,
    ),
  );
}

function word(step: Step): string {
  switch (step.word) {
    case "verified":
      return step.at ? say(texts.verified, { ago: ago(step.at) }) : texts.verifiedPlain;
    case "failed":
      return texts.stepFailed;
    case "claimed":
      return step.claim && !["done", "unknown"].includes(step.claim)
        ? say(texts.answered, { what: step.claim })
        : texts.claimed;
    default:
      return texts[step.word];
  }
}

function nextLook(watching: { next_look_at: string }): string {
  const due = new Date(watching.next_look_at).getTime() <= Date.now();
  return due ? texts.lookNow : say(texts.lookAgain, { when: when(watching.next_look_at) });
}

export function actionTone(state: RequestState): string {
  if (state === "done") return "good";
  if (state === "undone" || state === "needs_person" || state === "expired") return "bad";
  return state === "refused" || state === "sent" ? "none" : "wait";
}

export function actionIcon(state: RequestState): Icon {
  if (state === "done") return "checked";
  if (state === "needs_person") return "person";
  if (state === "undone" || state === "expired") return "wrong";
  return state === "refused" ? "skipped" : "bolt";
}

function actionRow(action: ActionState): HTMLElement {
  return h(
    "li",
    { "data-tone": actionTone(action.state), class: "step-action" },
    icon(actionIcon(action.state)),
    h(
      "div",
      { class: "step" },
      h("span", { class: "step-title" }, action.title),
      h("span", { class: "step-word" }, texts[action.state]),
      action.detail ? h("span", { class: "step-seen" }, ...renderLine(action.detail)) : null,
    ),
  );
}
