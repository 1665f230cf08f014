// What every panel is made of: a frame that opens and closes, redrawing that keeps the focus, and telling.

import { add, button, type Child, fill, h, type Icon, icon } from "../dom";
import { Refused } from "./api";
import { t, wordsFor } from "./texts";

// --- telling ---

const told = h("p", { class: "told", role: "status" });
const wrong = h("p", { class: "told wrong", role: "alert" });
export const toasts = h("div", { class: "toasts" }, told, wrong);
let clearing = 0;

export function tell(text: string): void {
  wrong.textContent = "";
  told.textContent = text;
  clearTimeout(clearing);
  clearing = window.setTimeout(() => (told.textContent = ""), 6000);
}

export function complain(text: string): void {
  told.textContent = "";
  wrong.textContent = text;
}

/** In the agent's words: by the server's code where we have words for it, else by its status. */
export function reason(error: unknown): string {
  if (!(error instanceof Refused)) return t("failed");
  const { code, status } = error;
  const known = wordsFor(`refused.${code}`);
  if (known) return known;
  if (status === 0 || status >= 502) return t("unreachable");
  if (status === 401 || status === 403) return t("notAllowed");
  if ([404, 409, 410].includes(status)) return t("changed");
  if (status === 413) return t("refused.too_long");
  if (status === 429) return t("refused.rate_limited");
  return t(status >= 400 && status < 500 ? "notUsable" : "failed");
}

/** Does work that a button asked for: once at a time, and says what came of it. */
export async function doing(pressed: HTMLElement | null, work: () => Promise<unknown>, done = ""): Promise<boolean> {
  if (pressed?.getAttribute("aria-disabled") === "true") return false;
  pressed?.setAttribute("aria-disabled", "true");
  try {
    await work();
    if (done) tell(done);
    return true;
  } catch (error) {
    complain(reason(error));
    return false;
  } finally {
    pressed?.removeAttribute("aria-disabled");
  }
}

/** A button whose work is async; a second press while it works does nothing. */
export function doer(label: string, kind: string, work: (self: HTMLButtonElement) => Promise<unknown>, glyph?: Icon): HTMLButtonElement {
  const made = button(label, kind, () => void work(made), glyph && icon(glyph));
  return made;
}

// --- drawing again ---

const drawn = new WeakMap<Element, string>();

/** Draws `body` anew only when `value` has changed; whoever had the focus in it has it again. */
export function keep(body: Element, value: unknown, draw: () => Child[]): boolean {
  const now = JSON.stringify(value) ?? "";
  if (drawn.get(body) === now) return false;
  drawn.set(body, now);
  const key = focusKey(body);
  fill(body, ...draw());
  if (key) body.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  return true;
}

/** The next `keep` draws in any case: something beside its value has changed. */
export const stale = (body: Element): boolean => drawn.delete(body);

function focusKey(body: Element): string | null {
  const focused = document.activeElement;
  return focused && body.contains(focused) ? (focused.getAttribute("data-key") ?? null) : null;
}

export function keyed<T extends HTMLElement>(element: T, key: string): T {
  element.dataset["key"] = key;
  return element;
}

/** Puts nodes into `parent` in this order and moves only what stands elsewhere. */
export function order(parent: Element, nodes: readonly Element[]): void {
  for (const child of [...parent.children]) if (!nodes.includes(child)) child.remove();
  const focused = document.activeElement;
  nodes.forEach((node, n) => {
    if (parent.children[n] !== node) parent.insertBefore(node, parent.children[n] ?? null);
  });
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

/** Words that lead to a message. A link, so that it wraps like text. */
export function jumpLink(text: readonly Child[], message: string, jump: (message: string) => void, kind = "clause"): HTMLAnchorElement {
  const made = h("a", { class: kind, href: `#message-${message}` }, ...text);
  made.addEventListener("click", (event) => {
    event.preventDefault();
    jump(message);
  });
  return made;
}

// --- panels ---

export interface Panel {
  element: HTMLElement;
  body: HTMLElement;
  /** What stands beside the title, e.g. "2 of 3 done". */
  aside: HTMLElement;
  toggle: HTMLButtonElement;
  open(on?: boolean): void;
}

export function panel(name: string, title: string, open: boolean): Panel {
  const aside = h("span", { class: "panel-aside" });
  const toggle = h("button", { type: "button", class: "panel-toggle", "aria-controls": `panel-${name}` }, icon("fold"), h("span", {}, title));
  const body = h("div", { class: "panel-body", id: `panel-${name}` });
  const element = h(
    "section",
    { class: `panel ${name}`, "aria-labelledby": `title-${name}` },
    h("div", { class: "panel-head" }, h("h3", { id: `title-${name}` }, toggle), aside),
    body,
  );
  const show = (on = true): void => {
    toggle.setAttribute("aria-expanded", String(on));
    body.hidden = !on;
  };
  toggle.addEventListener("click", () => show(Boolean(body.hidden)));
  show(open);
  return { element, body, aside, toggle, open: show };
}

/** A question with one text, shown on demand under what it is about. */
export function askText(
  label: string,
  save: string,
  send: (text: string) => Promise<boolean>,
  close: () => void,
  needed = true,
  ...before: Child[]
): HTMLFormElement {
  const box = h("textarea", { rows: "2", required: needed, maxlength: "2000" });
  const form = h("form", { class: "ask" }, h("label", {}, h("span", {}, label), box));
  form.prepend(...before.filter((child): child is Node => child instanceof Node));
  const submit = h("button", { type: "submit", class: "strong" }, save);
  add(form, [h("div", { class: "buttons" }, submit, button(t("cancel"), "quiet", close))]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (submit.getAttribute("aria-disabled")) return;
    submit.setAttribute("aria-disabled", "true");
    void send(box.value.trim()).then((done) => (done ? close() : submit.removeAttribute("aria-disabled")));
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  return form;
}
