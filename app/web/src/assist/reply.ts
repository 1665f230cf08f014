// The suggested reply: what it says, on what it rests, why, and what an agent may do with it.

import { button, type Child, h, icon } from "../dom";
import type { Source } from "../events";
import { date, time } from "../format";
import { render, renderLine } from "../markdown";
import { dismiss, say, sendSuggestion } from "./api";
import { can, insert, nav } from "./frame";
import { askText, complain, doer, doing, jumpLink, keep, keyed, type Panel, panel, stale, tell } from "./parts";
import { agoNode, t, word } from "./texts";
import type { Suggestion, View } from "./wire";

export interface ReplyPanel extends Panel {
  update(view: View): void;
  /** Into the desk's reply box; without a desk, into our own. */
  insert(): void;
  copy(): void;
}

interface Draft {
  of: Suggestion;
  box: HTMLTextAreaElement;
}

export function replyPanel(intoOwnBox: (text: string) => void, jump: (message: string) => void): ReplyPanel {
  const made = panel("reply", t("reply"), true);
  const shown = h("div", {});
  const form = h("div", {});
  made.body.append(shown, form);
  let here: View | null = null;
  let draft: Draft | null = null;

  const current = (): Suggestion | null => (here?.suggestion?.state === "open" ? here.suggestion : null);
  const redraw = (): void => {
    stale(shown);
    draw();
  };

  const copy = async (): Promise<void> => {
    const text = draft?.box.value ?? current()?.text;
    if (!text) return;
    await doing(null, () => navigator.clipboard.writeText(text), t("copied"));
  };
  const put = async (): Promise<void> => {
    const one = current();
    if (!one) return;
    const text = draft?.box.value ?? plain(one.text);
    if (!can("reply.insert")) return intoOwnBox(text);
    if (await insert(text, one.id)) tell(t("inserted"));
    else complain(t("notInserted"));
  };

  const edit = (one: Suggestion): void => {
    const box = h("textarea", { rows: "6", maxlength: "20000", "aria-label": t("replyText") });
    box.value = plain(one.text);
    draft = { of: one, box };
    const close = (): void => {
      draft = null;
      form.replaceChildren();
      redraw();
      (shown.querySelector<HTMLElement>('[data-key="edit"]') ?? made.toggle).focus();
    };
    const send = doer(t("sendMine"), "strong", async (self) => {
      const words = box.value.trim();
      if (!words || !here) return;
      // A suggestion that was overtaken cannot be sent any more; the agent's words can.
      const open = current()?.id === one.id;
      const id = here.conversation.id;
      if (await doing(self, () => (open ? sendSuggestion(one.id, words) : say(id, crypto.randomUUID(), words)), t("sent"))) close();
    });
    form.replaceChildren(h("div", { class: "ask" }, box, h("div", { class: "buttons" }, send, button(t("cancel"), "quiet", close))));
    redraw();
    box.focus();
  };

  const refuse = (one: Suggestion): void => {
    const close = (): void => {
      form.replaceChildren();
      (shown.querySelector<HTMLElement>('[data-key="refuse"]') ?? made.toggle).focus();
    };
    const group = h("fieldset", { class: "reasons" }, h("legend", {}, t("notUsefulAsk")));
    for (const name of ["wrong", "said", "tone", "not_needed"]) {
      group.append(h("label", {}, h("input", { type: "radio", name: "reason", value: name }), h("span", {}, word("reason", name))));
    }
    const send = (more: string): Promise<boolean> => {
      const picked = group.querySelector<HTMLInputElement>("input:checked")?.value ?? "";
      return doing(null, () => dismiss(one.id, [picked && word("reason", picked), more].filter(Boolean).join(": ")), t("suggestion.dismissed"));
    };
    form.replaceChildren(askText(t("otherReason"), t("drop"), send, close, false, group));
    group.querySelector("input")!.focus();
  };

  const draw = (): void => {
    const one = here?.suggestion ?? null;
    keep(shown, { one, why: here?.why, editing: draft?.of.id, desk: can("reply.insert") }, () => {
      if (!one) return [h("p", { class: "nothing" }, t("noReply"))];
      const overtaken = draft && (draft.of.id !== one.id || one.state !== "open");
      return [
        ...(draft ? [overtaken && warning(t("suggestion.superseded"))] : [h("div", { class: "suggested" }, ...render(one.text, () => null))]),
        one.state !== "open" && h("p", { class: "nothing" }, word("suggestion", one.state)),
        ...one.warnings.map((code) => warning(word("warning", code))),
        one.citations.length ? h("ol", { class: "cited" }, ...one.citations.map(quoted)) : null,
        one.state === "open" && !draft && buttons(one),
        why(one, here!, jump),
      ];
    });
    made.aside.replaceChildren(...(one?.state === "open" ? [agoNode(one.at)] : []));
  };

  const buttons = (one: Suggestion): HTMLElement =>
    h(
      "div",
      { class: "buttons" },
      can("reply.insert") && keyed(doer(t("insert"), "strong", () => put()), "insert"),
      keyed(doer(t("sendBot"), can("reply.insert") ? "" : "strong", (self) => doing(self, () => sendSuggestion(one.id), t("sent")), "send"), "send"),
      keyed(button(t("edit"), "", () => edit(one)), "edit"),
      keyed(doer(t("copy"), "", copy), "copy"),
      keyed(button(t("notUseful"), "quiet", () => refuse(one)), "refuse"),
    );

  return Object.assign(made, {
    insert: () => void put(),
    copy: () => void copy(),
    update(view: View) {
      if (here && here.conversation.id !== view.conversation.id) {
        draft = null;
        form.replaceChildren();
      }
      if (!draft && form.firstChild && here?.suggestion?.id !== view.suggestion?.id) form.replaceChildren();
      here = view;
      draw();
    },
  });
}

/** In a reply box the marks of sources mean nothing. */
const plain = (text: string): string => text.replace(/\s?\[\d{1,3}\]/g, "");

const warning = (text: string): HTMLElement => h("p", { class: "warning" }, icon("wrong"), h("span", {}, text));

function why(one: Suggestion, view: View, jump: (message: string) => void): HTMLElement {
  const rests = view.why;
  const facts = rests?.facts ?? [];
  const at = new Map([...view.earlier.flatMap((other) => other.messages), ...view.messages].map((said) => [said.id, said.at]));
  const messages = (rests?.messages ?? []).filter((id) => at.has(id));
  return h(
    "details",
    { class: "why" },
    keyed(h("summary", {}, t("why")), "why"),
    h(
      "dl",
      {},
      h("dt", {}, t("whyDecision")),
      h("dd", {}, word("decision", one.decision)),
      h("dt", {}, t("whyBecause")),
      h("dd", {}, one.because),
      ...(rests?.rule_text ? [h("dt", {}, t("whyRule")), h("dd", {}, rests.rule_text)] : []),
      ...(facts.length ? [h("dt", {}, t("whyFacts")), h("dd", {}, h("ul", {}, ...facts.map((fact) => h("li", {}, ...renderLine(fact)))))] : []),
      ...(messages.length
        ? [h("dt", {}, t("whyMessages")), h("dd", {}, ...messages.flatMap((id): Child[] => [keyed(jumpLink([time(at.get(id)!)], id, jump), `why-${id}`), " "]))]
        : []),
      ...(rests ? [h("dt", {}, t("whyReader")), h("dd", {}, rests.reader)] : []),
    ),
  );
}

/** Only what the server names as a page of the documentation becomes a link. */
function addressOf(cited: Source): string | null {
  return cited.url && /^(https?:\/\/|\/(?!\/))/.test(cited.url) ? cited.url : null;
}

export function titleOf(cited: Source): Child {
  const address = addressOf(cited);
  if (!address) return h("cite", {}, cited.title);
  const link = h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, cited.title);
  nav(link);
  return h("cite", {}, keyed(link, `source-${cited.n}-${cited.path}`));
}

export function quoted(cited: Source): HTMLElement {
  const gone = cited.became === "gone" || cited.became === "erased";
  return h(
    "li",
    { value: String(cited.n) },
    gone ? h("cite", {}, cited.title) : titleOf(cited),
    cited.became === "erased" ? null : h("blockquote", { lang: cited.lang }, ...renderLine(cited.quote)),
    cited.became ? h("p", { class: "became" }, t(`became.${cited.became}`), cited.now_at ? ` ${t("now_at", { path: cited.now_at })}` : null) : null,
    h("p", { class: "when" }, t("updated", { date: date(cited.updated_at) })),
  );
}
