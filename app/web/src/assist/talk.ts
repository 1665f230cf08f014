// The conversation itself, and the box for the agent's own words.

import { type Child, fill, h, icon } from "../dom";
import { date, size, time } from "../format";
import { render } from "../markdown";
import { fileAt, say } from "./api";
import { doer, doing, order, type Panel, panel } from "./parts";
import { clockNode, t, word } from "./texts";
import type { File, Said, View } from "./wire";

export interface TalkPanel extends Panel {
  update(view: View): void;
  jump(message: string): void;
  /** Words for our own reply box; what is there already stays. */
  write(text: string): void;
  box: HTMLTextAreaElement;
}

export function talkPanel(open: boolean): TalkPanel {
  const made = panel("talk", t("talk"), open);
  const log = h("div", { class: "log", role: "log", "aria-label": t("talk"), tabindex: "0" });
  const shown = new Map<string, HTMLElement>();
  const drafts = new Map<string, string>();
  let here = "";

  const box = h("textarea", { rows: "3", maxlength: "20000", id: "compose", "aria-describedby": "compose-more" });
  const more = h("p", { class: "when", id: "compose-more" });
  let id = crypto.randomUUID();
  const send = doer(t("send"), "strong", async (self) => {
    const text = box.value.trim();
    if (!text) return box.focus();
    // The same id until it has arrived: a second try changes nothing.
    if (await doing(self, () => say(here, id, text), t("sent"))) {
      id = crypto.randomUUID();
      if (box.value.trim() === text) box.value = "";
      box.focus();
    }
  }, "send");
  const form = h("form", { class: "compose" }, h("label", { for: "compose" }, t("compose")), box, h("div", { class: "buttons" }, send, more));
  form.addEventListener("submit", (event) => event.preventDefault());
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    send.click();
  });
  made.body.append(log, form);

  return Object.assign(made, {
    box,
    write(text: string) {
      made.open();
      box.value = box.value.trim() ? `${box.value.trimEnd()}\n\n${text}` : text;
      box.focus();
    },
    jump(message: string) {
      const target = shown.get(message);
      if (!target) return;
      made.open();
      target.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      target.focus({ preventScroll: true });
      target.classList.remove("found");
      requestAnimationFrame(() => target.classList.add("found"));
    },
    update(view: View) {
      const fresh = view.conversation.id !== here;
      if (fresh) {
        drafts.set(here, box.value);
        here = view.conversation.id;
        box.value = drafts.get(here) ?? "";
        id = crypto.randomUUID();
        shown.clear();
        log.replaceChildren();
      }
      // What was said before is not read out; what is added later is.
      log.setAttribute("aria-busy", String(fresh));
      const end = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
      const once = (key: string, make: () => HTMLElement): HTMLElement => {
        if (!shown.has(key)) shown.set(key, make());
        return shown.get(key)!;
      };
      const all = (messages: readonly Said[]): HTMLElement[] => messages.map((said) => once(said.id, () => article(said)));
      order(log, [
        ...view.earlier.flatMap((other) => [once(`in ${other.id}`, () => place(other.channel, other.opened_at)), ...all(other.messages)]),
        ...(view.earlier.length ? [once(`in ${here}`, () => place(view.conversation.channel, view.conversation.opened_at))] : []),
        ...all(view.messages),
      ]);
      if (fresh || end) log.scrollTop = log.scrollHeight;
      if (fresh) setTimeout(() => log.setAttribute("aria-busy", "false"), 0);
      more.textContent = t(view.conversation.person_active ? "composeHas" : "composeTakes");
    },
  });
}

/** Where the matter was spoken of before. */
const place = (channel: string, at: string): HTMLElement => h("h4", { class: "elsewhere" }, t("talkIn", { place: word("channel", channel), date: date(at) }));

function article(said: Said): HTMLElement {
  const name = said.name ?? t(said.role);
  const cited = said.citations;
  const body = h("div", { class: "said" });
  if (said.role === "customer") body.textContent = said.text;
  else fill(body, ...render(said.text, (n) => (cited.some((one) => one.n === n) ? h("sup", {}, `[${n}]`) : null)));
  return h(
    "article",
    { class: `message ${said.role}`, id: `message-${said.id}`, tabindex: "-1", "aria-label": `${name}, ${time(said.at)}` },
    h("p", { class: "by" }, h("strong", {}, name), clockNode(said.at), said.decision && h("span", { class: "when" }, word("decision", said.decision))),
    said.text ? body : null,
    ...said.attachments.map(attached),
  );
}

function attached(file: File): Child {
  const name = t("file", { name: file.name, size: size(file.size) });
  const link = h("a", { class: "file", href: fileAt(file.id), target: "_blank", rel: "noopener", download: file.image ? null : file.name });
  if (!file.image) return fill(link, icon("shown"), name), link;
  fill(link, h("img", { src: fileAt(file.id), alt: name, loading: "lazy" }));
  return link;
}
