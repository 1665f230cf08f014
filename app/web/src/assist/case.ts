// One case on one page: how it stands, what is known, and the one move that is left.

import { button, type Child, fill, h, icon } from "../dom";
import { render, renderLine } from "../markdown";
import type { Source } from "../events";
import { time } from "../format";
import { actionPanel, type ActionPanel } from "./action";
import { dossierAt, move, note, readDossier } from "./api";
import { framed } from "./frame";
import { triageTone } from "./list";
import { askText, doer, doing, jumpLink, keep, keyed, type Panel, panel } from "./parts";
import { quoted, type ReplyPanel, replyPanel } from "./reply";
import { type StepsPanel, stepsPanel } from "./steps";
import { type TalkPanel, talkPanel } from "./talk";
import { clockNode, language, t, waitingNode, word } from "./texts";
import type { View } from "./wire";

export interface CasePage {
  element: HTMLElement;
  head: HTMLElement;
  /** In the order of their numbers: status, summary, steps, reply, action, sources, conversation. */
  panels: readonly Panel[];
  steps: StepsPanel;
  reply: ReplyPanel;
  action: ActionPanel;
  talk: TalkPanel;
  update(view: View): void;
  /** How many cases have something ready: with one there is nowhere to go on to. */
  ready(count: number): void;
  takeOver(): void;
}

export function casePage(ready: (step: 1 | -1) => void): CasePage {
  const talk = talkPanel(!framed);
  const status = panel("status", t("panelStatus"), true);
  const summary = panel("summary", t("summary"), true);
  const steps = stepsPanel((message) => talk.jump(message));
  const reply = replyPanel((text) => talk.write(text), (message) => talk.jump(message));
  const action = actionPanel();
  const sources = panel("sources", t("sources"), false);
  const notes = notesPanel();
  const dossier = dossierPanel();
  const head = h("h2", { id: "case-title", tabindex: "-1" });
  const context = h("p", { class: "context" });
  const readies = h("div", { class: "readies", hidden: true }, arrow("previousReady", () => ready(-1)), arrow("nextReady", () => ready(1)));
  const skip = h("a", { class: "skip", href: "#compose" }, t("skipTalk"));
  skip.addEventListener("click", (event) => {
    event.preventDefault();
    talk.open();
    talk.box.focus();
  });
  const panels = [status, summary, steps, reply, action, sources, talk];
  const stack = [status, summary, steps, reply, action, sources, notes, dossier].map((one) => one.element);
  const element = h(
    "div",
    { class: "case" },
    h("div", { class: "case-main" }, skip, h("div", { class: "case-head" }, h("div", {}, head, context), readies), ...stack),
    h("div", { class: "case-talk" }, talk.element),
  );
  let here: View | null = null;
  const act = (what: Parameters<typeof move>[1]) => (self: HTMLElement): Promise<boolean> =>
    doing(self, () => move(here!.conversation.id, what));
  const marks = h("p", { class: "marks" });
  const moves = h("div", { class: "buttons" });
  status.body.append(marks, moves);

  return {
    element,
    head,
    panels,
    steps,
    reply,
    action,
    talk,
    ready: (count) => (readies.hidden = count < 2),
    takeOver: () => moves.querySelector<HTMLElement>(".owner")?.click(),
    update(view) {
      here = view;
      const { conversation: talkOf } = view;
      head.textContent = view.case?.title || talkOf.customer || t("anonymous");
      fill(context, [talkOf.customer || t("anonymous"), talkOf.account && t("account", { account: talkOf.account }), talkOf.customer && t(talkOf.proven ? "proven" : "notProven"), word("channel", talkOf.channel)].filter(Boolean).join("\u00a0· "));
      keep(marks, [talkOf, view.case], () => standing(view));
      keep(moves, talkOf.person_active, () => {
        const owner = talkOf.person_active
          ? doer(t("giveBack"), "owner", act("give-back"))
          : doer(t("takeOver"), "owner", act("take-over"), "person");
        return [keyed(owner, "owner"), keyed(doer(t("finished"), "", act("ask-solved"), "checked"), "finished")];
      });
      keep(summary.body, [view.summary, view.case?.resolution, view.messages.length, view.earlier.length], () => told(view, (message) => talk.jump(message)));
      steps.update(view);
      reply.update(view);
      action.update(view);
      keep(sources.body, everySource(view), () => {
        const all = everySource(view);
        return [all.length ? h("ul", { class: "cited" }, ...all.map(quoted)) : h("p", { class: "nothing" }, t("noSources"))];
      });
      notes.update(view);
      dossier.update(view);
      talk.update(view);
    },
  };
}

function arrow(key: "previousReady" | "nextReady", press: () => void): HTMLElement {
  const made = h("button", { type: "button", class: `small quiet ${key}`, "aria-label": t(key), title: t(key) }, icon("fold"));
  made.addEventListener("click", press);
  return made;
}

function standing(view: View): Child[] {
  const { conversation, case: matter } = view;
  const solved = matter?.resolution;
  return [
    conversation.danger && h("span", { class: "chip", "data-tone": "bad" }, icon("wrong"), word("danger", conversation.danger)),
    matter && h("span", { class: "chip", "data-tone": triageTone(matter.triage) }, solved ? word("resolution", solved) : word("triage", matter.triage)),
    conversation.person_active && h("span", { class: "chip" }, icon("person"), t("personAnswers")),
    !conversation.person_active && conversation.status !== "with_agents" && h("span", { class: "chip" }, icon("bolt"), t("botAnswers")),
    conversation.status !== "human_active" && !solved && h("span", { class: "chip" }, word("status", conversation.status)),
    conversation.waiting_since && h("span", { class: "chip" }, icon("watching"), waitingNode(conversation.waiting_since)),
    conversation.lang && h("span", { class: "chip" }, language(conversation.lang)),
    matter?.because && h("span", { class: "because" }, matter.because),
  ];
}

/** Every clause leads to the message it rests on. */
function told(view: View, jump: (message: string) => void): Child[] {
  if (!view.summary.length) return [h("p", { class: "nothing" }, t("noSummary"))];
  // What is solved hangs on nothing: the last turn knows no more of it than that it was proposed.
  const lines = view.summary.filter((line) => line.kind !== "blocked" || !view.case?.resolution);
  const at = new Map([...view.earlier.flatMap((other) => other.messages), ...view.messages].map((said) => [said.id, said.at]));
  return [
    h(
      "dl",
      { class: "summary-lines" },
      ...lines.flatMap((line, n) => {
        const link = (text: Child[], id: string, key: string): HTMLElement => {
          const made = jumpLink(text, id, jump);
          made.title = t("toMessage", { time: time(at.get(id)!) });
          return keyed(made, key);
        };
        const clause = (one: View["summary"][number]["clauses"][number], i: number): Child[] => {
          const [first, ...more] = one.messages.filter((id) => at.has(id));
          const text = renderLine(one.text.replace(/\.$/, ""));
          return [
            i > 0 && "; ",
            ...(first ? [link(text, first, `clause-${n}-${i}`)] : text),
            ...more.flatMap((id, m): Child[] => [" ", link([time(at.get(id)!)], id, `more-${n}-${i}-${m}`)]),
          ];
        };
        return [h("dt", {}, word("summary", line.kind)), h("dd", {}, ...line.clauses.flatMap(clause))];
      }),
    ),
  ];
}

function everySource(view: View): Source[] {
  const all = [...(view.suggestion?.citations ?? []), ...[...view.earlier.flatMap((other) => other.messages), ...view.messages].flatMap((said) => said.citations)];
  const seen = new Map<string, Source>();
  for (const one of all) {
    const key = `${one.path}#${one.anchor ?? ""}`;
    if (!seen.has(key)) seen.set(key, { ...one, n: seen.size + 1 });
  }
  return [...seen.values()];
}

type Updating = Panel & { update(view: View): void };

function notesPanel(): Updating {
  const made = panel("notes", t("notes"), false);
  const list = h("div", {});
  const form = h("div", {});
  const more = button(`${t("addNote")} …`, "", () => {
    const close = (): void => {
      form.replaceChildren();
      more.hidden = false;
      more.focus();
    };
    more.hidden = true;
    form.replaceChildren(askText(t("noteText"), t("addNote"), (text) => doing(null, () => note(here, text), t("noted")), close));
    form.querySelector("textarea")!.focus();
  });
  made.body.append(list, form, h("div", { class: "buttons" }, more));
  let here = "";
  return Object.assign(made, {
    update(view: View) {
      if (here !== view.conversation.id && form.firstChild) {
        form.replaceChildren();
        more.hidden = false;
      }
      here = view.conversation.id;
      made.aside.textContent = view.notes.length ? String(view.notes.length) : "";
      keep(list, view.notes, () =>
        view.notes.length
          ? view.notes.map((one) => h("div", { class: "note" }, h("p", { class: "by" }, h("strong", {}, one.by), clockNode(one.at)), h("p", { class: "said" }, one.text)))
          : [h("p", { class: "nothing" }, t("noNotes"))],
      );
    },
  });
}

function dossierPanel(): Updating {
  const made = panel("dossier", t("dossier"), false);
  const page = h("div", { class: "dossier-page", hidden: true, tabindex: "0", role: "region", "aria-label": t("dossier") });
  const links = h("div", {});
  made.body.append(links, page);
  return Object.assign(made, {
    update(view: View) {
      const { id } = view.conversation;
      keep(links, id, () => {
        page.hidden = true;
        const show = doer(t("show"), "", (self) =>
          doing(self, async () => {
            fill(page, ...render(await readDossier(id), () => null));
            page.hidden = false;
            page.focus();
          }),
        );
        const file = (form: "md" | "json", label: "downloadMd" | "downloadJson"): HTMLElement =>
          h("a", { class: "button", href: dossierAt(id, form), download: `${id}.${form}` }, t(label));
        return [h("p", {}, t("dossierMore")), h("div", { class: "buttons" }, show, file("md", "downloadMd"), file("json", "downloadJson"))];
      });
    },
  });
}
