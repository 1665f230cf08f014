// The next action: exactly what would be done, what was seen and when, how to undo it, and until when it holds.

import { button, type Child, h, type Icon, icon } from "../dom";
import type { RequestState } from "../events";
import { time } from "../format";
import { renderLine } from "../markdown";
import { decide } from "./api";
import { framed } from "./frame";
import { otherForm } from "./idn";
import { doer, doing, keep, keyed, order, type Panel, panel } from "./parts";
import { isOff } from "./switches";
import { agoNode, t, word } from "./texts";
import type { Request, View } from "./wire";

export interface ActionPanel extends Panel {
  update(view: View): void;
  /** Puts the focus on the approval. It is never given from here. */
  focus(): void;
}

const FACES: Record<RequestState, [Icon, string]> = {
  proposed: ["bolt", "wait"],
  approved: ["bolt", "wait"],
  executing: ["bolt", "wait"],
  verifying: ["watching", "wait"],
  done: ["checked", "good"],
  sent: ["checked", "none"],
  undone: ["wrong", "bad"],
  needs_person: ["person", "bad"],
  refused: ["skipped", "none"],
  expired: ["wrong", "bad"],
};

export const isOver = (request: Request): boolean => new Date(request.expires_at).getTime() <= Date.now();
export const waitsForAgent = (request: Request): boolean =>
  request.state === "proposed" && request.approval === "agent" && !isOver(request);

export function actionPanel(): ActionPanel {
  const made = panel("action", t("action"), false);
  const cards = new Map<string, HTMLElement>();
  const list = h("div", { class: "cards" });
  const nothing = h("p", { class: "nothing" }, t("noAction"));
  made.body.append(list, nothing);
  let offered = "";
  let here = "";

  return Object.assign(made, {
    focus() {
      made.open();
      (list.querySelector<HTMLElement>(".approve") ?? made.toggle).focus();
    },
    update(view: View) {
      const sorted = [...view.requests].sort((a, b) => Number(waitsForAgent(b)) - Number(waitsForAgent(a)));
      for (const request of sorted) {
        const card = cards.get(request.request) ?? h("article", { class: "card", "aria-label": request.title });
        cards.set(request.request, card);
        card.dataset["tone"] = FACES[stateOf(request)][1];
        keep(card, [request, isOver(request), isOff("actions")], () => face(request, view));
      }
      order(list, sorted.map((request) => cards.get(request.request)!));
      nothing.hidden = sorted.length > 0;
      const waiting = sorted.find(waitsForAgent)?.request ?? "";
      made.aside.textContent = waiting ? t("request.proposed") : "";
      // A new approval opens the panel by itself, once; another case starts with it as it needs.
      if (view.conversation.id !== here) made.open(waiting !== "");
      else if (waiting && waiting !== offered) made.open();
      here = view.conversation.id;
      offered = waiting;
    },
  });
}

const stateOf = (request: Request): RequestState =>
  request.state === "proposed" && isOver(request) ? "expired" : request.state;

function face(request: Request, view: View): Child[] {
  const state = stateOf(request);
  const { customer, account } = request;
  return [
    h("h4", {}, request.title),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, t("forWhom")),
      h("dd", {}, [customer || t("anonymous"), account && t("account", { account })].filter(Boolean).join(" · ")),
      ...(request.inputs.length ? [h("dt", {}, t("exactly")), h("dd", {}, ...request.inputs.map(input))] : []),
      ...(request.prerequisites.length ? [h("dt", {}, t("seen")), h("dd", {}, ...request.prerequisites.map(prerequisite))] : []),
      h("dt", {}, t("undo")),
      h("dd", {}, request.undo ?? t("noUndo")),
    ),
    ...(state === "proposed" ? offer(request, view) : [standing(request, state)]),
  ];
}

function input([name, value]: readonly [string, string]): HTMLElement {
  const other = otherForm(value);
  return h("span", { class: "one" }, `${name.replaceAll("_", " ")}: `, h("code", {}, value), other && " ", other && h("code", { class: "other" }, other));
}

function prerequisite(one: Request["prerequisites"][number]): HTMLElement {
  const held = one.met === null ? "unknown" : one.met ? "yes" : "no";
  const glyph: Icon = one.met === null ? "unknown" : one.met ? "checked" : "wrong";
  return h(
    "span",
    { class: "saw", "data-met": held },
    icon(glyph),
    h("span", {}, h("span", { class: "hidden" }, `${t(`met.${held}`)}: `), ...renderLine(one.seen ?? one.title), " ", one.at && h("span", { class: "when" }, agoNode(one.at))),
  );
}

function standing(request: Request, state: RequestState): HTMLElement {
  return h(
    "p",
    { class: "card-state" },
    icon(FACES[state][0]),
    h("strong", {}, word("request", state)),
    request.by && state !== "expired" && h("span", { class: "when" }, t("decidedBy", { name: request.by })),
    // Where it is done the detail names the check that was read back, and the word says so already.
    state !== "done" && request.detail && h("span", {}, ...renderLine(request.detail)),
  );
}

function offer(request: Request, view: View): Child[] {
  const until = h("p", { class: "when" }, t("expires", { time: time(request.expires_at) }));
  if (request.approval === "customer") return [h("p", { class: "card-state" }, icon("watching"), h("strong", {}, t("waitsForCustomer"))), until];
  const answer = (decision: "approve" | "reject", self: HTMLElement): Promise<boolean> =>
    doing(self, () => decide(request.request, request.digest, decision));
  const no = keyed(doer(t("notNow"), "quiet", (self) => answer("reject", self)), "no");
  if (framed) {
    const address = `/assist#/c/${encodeURIComponent(view.conversation.id)}/approve`;
    const go = button(t("approveIn", { title: request.title }), "strong approve", () => void window.open(address, "stepfour-approval", "popup,width=560,height=860"));
    return [h("p", { class: "when" }, t("approveElsewhere")), h("div", { class: "buttons" }, keyed(go, "yes"), no), until];
  }
  const yes = keyed(doer(request.title, "strong approve", (self) => answer("approve", self), "bolt"), "yes");
  if (isOff("actions")) {
    const why = h("p", { class: "when", id: `off-${request.request}` }, t("off.approve"));
    yes.setAttribute("aria-disabled", "true");
    yes.setAttribute("aria-describedby", why.id);
    return [h("div", { class: "buttons" }, yes, no), why, until];
  }
  return [h("div", { class: "buttons" }, yes, no), until];
}
