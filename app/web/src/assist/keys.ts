// Shortcuts: only in this page, none that is a single letter, every one also a button, all of them to be changed.

import { button, fill, h } from "../dom";
import { t } from "./texts";

export interface Shortcut {
  id: string;
  keys: string;
  label: string;
  run(): void;
}

const KEPT = "stepfour.keys";

/** "Mod+Shift+KeyC": by the place of the key, so that Alt may make another letter of it. */
export function pressed(event: KeyboardEvent): string {
  const key = event.key === "?" ? "?" : event.code === "Escape" || event.key === "Escape" ? "Escape" : event.code;
  const shift = event.shiftKey && key !== "?";
  return [(event.ctrlKey || event.metaKey) && "Mod", event.altKey && "Alt", shift && "Shift", key].filter(Boolean).join("+");
}

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const shown = (keys: string): string =>
  keys
    .split("+")
    .map((key) => (key === "Mod" ? (MAC ? "⌘" : "Ctrl") : key === "Alt" && MAC ? "⌥" : key === "Escape" ? "Esc" : key.replace(/^(Key|Digit)/, "")))
    .join(" + ");

function kept(): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Record<string, string>;
  } catch {
    return {};
  }
}

function keep(changed: Record<string, string>): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify(changed));
  } catch {
    // Storage is closed to a frame: the change holds until the page is left.
  }
}

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName) || (target instanceof HTMLInputElement && target.type === "text"));

export interface Keys {
  dialog: HTMLDialogElement;
  show(): void;
}

export function shortcuts(all: readonly Shortcut[], fixed: readonly [string, string][]): Keys {
  let changed = kept();
  let catching: string | null = null;
  const keysOf = (one: Shortcut): string => changed[one.id] ?? one.keys;
  const list = h("ul", { class: "keys" });
  const told = h("p", { class: "when", role: "status" });
  const dialog = h("dialog", { class: "keys-dialog", "aria-labelledby": "keys-title" });

  const change = (id: string | null, told_ = ""): void => {
    const before = catching;
    catching = id;
    told.textContent = told_ || (id ? t("pressKeys") : "");
    draw();
    const focus = id ?? before;
    if (focus) list.querySelector<HTMLElement>(`[data-change="${focus}"]`)?.focus();
  };
  const row = (one: Shortcut): HTMLElement => {
    const made = button(catching === one.id ? t("pressKeys") : t("change"), "small", () => change(one.id));
    made.dataset["change"] = one.id;
    made.setAttribute("aria-label", `${made.textContent}: ${one.label}`);
    return h("li", {}, h("span", {}, one.label), h("kbd", {}, shown(keysOf(one))), made);
  };
  const draw = (): void =>
    fill(list, ...all.map(row), ...fixed.map(([keys, label]) => h("li", {}, h("span", {}, label), h("kbd", {}, shown(keys)), h("span", {}))));
  dialog.append(
    h("h2", { id: "keys-title" }, t("keys")),
    h("p", {}, t("keysMore")),
    list,
    told,
    h(
      "div",
      { class: "buttons" },
      button(t("close"), "strong", () => dialog.close()),
      button(t("keysReset"), "quiet", () => {
        keep((changed = {}));
        change(null);
      }),
    ),
  );
  dialog.addEventListener("keydown", (event) => {
    if (!catching || /^(Control|Alt|Shift|Meta|Tab)/.test(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const keys = pressed(event);
    if (keys === "Escape") return change(null);
    if (all.some((one) => one.id !== catching && keysOf(one) === keys)) return change(catching, t("keyTaken"));
    // A single letter would fire while somebody dictates or types.
    if (!/^(Mod|Alt)\+|^F\d+$|^\?$/.test(keys)) return change(catching);
    keep((changed = { ...changed, [catching]: keys }));
    change(null);
  });

  document.addEventListener("keydown", (event) => {
    if (dialog.open || event.defaultPrevented || event.isComposing) return;
    const keys = pressed(event);
    if (keys === "?" && typing(event.target)) return;
    const one = all.find((candidate) => keysOf(candidate) === keys);
    if (!one) return;
    event.preventDefault();
    one.run();
  });
  draw();
  return {
    dialog,
    show() {
      change(null);
      dialog.showModal();
    },
  };
}
