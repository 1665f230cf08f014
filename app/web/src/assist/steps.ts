// The customer's steps: what they said, what was shown and what we saw stand on three lines and are never mixed.

import { button, type Child, h, type Icon, icon } from "../dom";
import type { Word } from "../events";
import { date, time } from "../format";
import { renderLine } from "../markdown";
import { move, settle } from "./api";
import { askText, doer, doing, jumpLink, keep, keyed, order, type Panel, panel } from "./parts";
import { agoNode, clockNode, t, word } from "./texts";
import type { Step, View } from "./wire";

const FACES: Record<Word, [Icon, string]> = {
  verified: ["checked", "good"],
  contradicted: ["wrong", "bad"],
  missing: ["missing", "todo"],
  evidenced: ["shown", "told"],
  claimed: ["told", "told"],
  not_done: ["missing", "todo"],
  failed: ["wrong", "bad"],
  unknown: ["unknown", "none"],
  not_applicable: ["skipped", "none"],
};

interface Item {
  element: HTMLLIElement;
  facts: HTMLElement;
  ask: HTMLElement;
}

export interface StepsPanel extends Panel {
  update(view: View): void;
  check(): void;
}

/** `jump` shows the message that a quote is from. */
export function stepsPanel(jump: (message: string) => void): StepsPanel {
  const made = panel("steps", t("steps"), true);
  const items = new Map<string, Item>();
  const list = h("ol", { class: "step-list" });
  const nothing = h("p", { class: "nothing" }, t("noSteps"));
  const watching = h("p", { class: "watching", hidden: true });
  let here = "";

  const check = (): void => void doing(run, () => move(here, "checks"), t("checksRunning"));
  const run = keyed(doer(t("runChecks"), "small", () => Promise.resolve(check()), "watching"), "run");
  made.aside.after(run);
  made.body.append(watching, list, nothing);

  const ask = (item: Item, step: Step, how: "attest" | "not-applicable", from: HTMLElement): void => {
    const close = (): void => {
      item.ask.replaceChildren();
      (from.isConnected ? from : made.toggle).focus();
    };
    const [label, save] = how === "attest" ? (["attestAsk", "attestSave"] as const) : (["notApplicableAsk", "notApplicableSave"] as const);
    const send = (text: string): Promise<boolean> => doing(null, () => settle(here, step.id, how, text), t("recorded"));
    item.ask.replaceChildren(askText(t(label), t(save), send, close));
    item.ask.querySelector("textarea")!.focus();
  };

  const item = (step: Step): Item => {
    let one = items.get(step.id);
    if (!one) {
      const facts = h("div", {});
      const form = h("div", { class: "step-ask" });
      one = { element: h("li", { class: "step" }, facts, form), facts, ask: form };
      items.set(step.id, one);
    }
    const own = one;
    own.element.dataset["tone"] = step.applicable ? FACES[step.word]?.[1] ?? "none" : "none";
    keep(own.facts, step, () => [...describe(step, jump), step.applicable && step.word !== "verified" && settling(step, (how, from) => ask(own, step, how, from))]);
    return own;
  };

  return Object.assign(made, {
    check: () => run.click(),
    update(view: View) {
      if (view.conversation.id !== here) items.clear();
      here = view.conversation.id;
      order(list, view.steps.map((step) => item(step).element));
      nothing.hidden = view.steps.length > 0;
      run.hidden = !view.steps.some((step) => step.checkable);
      const left = view.steps.filter((step) => step.applicable);
      made.aside.textContent = left.length
        ? t("stepsDone", { done: left.filter((step) => step.holds).length, all: left.length })
        : "";
      watching.hidden = !view.watching;
      watching.textContent = view.watching ? t("nextLook", { time: time(view.watching.next_look_at) }) : "";
    },
  });
}

function settling(step: Step, ask: (how: "attest" | "not-applicable", from: HTMLElement) => void): HTMLElement {
  const one = (key: "attest" | "notApplicable", how: "attest" | "not-applicable"): HTMLElement => {
    const made: HTMLButtonElement = button(`${t(key)} …`, "small", () => ask(how, made));
    made.setAttribute("aria-label", t("onStep", { what: t(key), step: step.title }));
    return keyed(made, how);
  };
  return h("div", { class: "buttons" }, one("attest", "attest"), one("notApplicable", "not-applicable"));
}

function describe(step: Step, jump: (message: string) => void): Child[] {
  const [glyph] = FACES[step.word] ?? FACES.unknown;
  const name = step.applicable ? step.word : "not_applicable";
  return [
    h("div", { class: "step-head" }, icon(glyph), h("span", { class: "step-title" }, step.title), h("span", { class: "step-word" }, word("word", name))),
    h("dl", { class: "three" }, ...line("said", claim(step, jump)), ...line("shown", evidence(step)), ...line("checked", findings(step))),
  ];
}

function line(key: "said" | "shown" | "checked", what: Child[] | null): Child[] {
  const none = key === "said" ? t("noClaim") : key === "shown" ? t("noEvidence") : null;
  return [h("dt", {}, t(key)), h("dd", { class: what ? null : "none" }, ...(what ?? [none]))];
}

function claim({ claim }: Step, jump: (message: string) => void): Child[] | null {
  if (!claim || (!claim.message && claim.shown)) return null; // an agent's attestation is evidence
  const quote = jumpLink([`“${claim.quote}”`], claim.message, jump, "clause quote");
  if (claim.at) quote.title = t("toMessage", { time: time(claim.at) });
  return [
    h("span", {}, word("claim", claim.status), claim.shown && ` (${t("claimShown")})`),
    " ",
    claim.quote && claim.message && keyed(quote, "quote"),
    " ",
    claim.at && h("span", { class: "when" }, clockNode(claim.at)),
  ];
}

function evidence({ evidence }: Step): Child[] | null {
  if (!evidence.length) return null;
  return evidence.map((one) =>
    h("span", { class: "one" }, h("span", { class: "words" }, one.note || t("disputed")), " ", h("span", { class: "when" }, one.by && `${one.by} · `, clockNode(one.at))),
  );
}

type Finding = Step["findings"][number];

/** What was seen alike of several subjects is said once. */
function findings(step: Step): Child[] {
  if (!step.findings.length) return [h("span", { class: "none" }, t(step.checkable ? "noFinding" : "cannotCheck"))];
  const isOld = (one: Finding): boolean => one.expired || (one.until !== null && new Date(one.until).getTime() < Date.now());
  const same = new Map<string, Finding[]>();
  for (const one of step.findings) {
    const key = JSON.stringify([one.met, one.seen, isOld(one)]);
    same.set(key, [...(same.get(key) ?? []), one]);
  }
  return [...same.values()].map((all) => {
    const one = all.reduce((a, b) => (a.at < b.at ? a : b)); // the older look speaks for all of them
    const held = one.met === null ? "unknown" : one.met ? "yes" : "no";
    return h(
      "span",
      { class: "one", "data-met": held },
      h("strong", {}, t(`met.${held}`)),
      " ",
      ...all.flatMap(({ subject }): Child[] => (subject && !one.seen.includes(subject) ? [h("code", {}, subject), " "] : [])),
      h("span", {}, ...renderLine(one.seen)),
      " ",
      h("span", { class: "when", title: date(one.at) }, agoNode(one.at), isOld(one) && ` · ${t("stale")}`),
    );
  });
}
