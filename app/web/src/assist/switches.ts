// What is switched off, for everybody to see; and the switches, for whoever may.

import { button, h } from "../dom";
import { time } from "../format";
import { switches as readSwitches, switchTo } from "./api";
import { askText, keep, keyed, reason } from "./parts";
import { t } from "./texts";
import type { Off, Switch, Switched } from "./wire";

const AGAIN_MS = 60_000;

let off: readonly Off[] = [];

/** As it was read last. */
export const isOff = (name: Off): boolean => off.includes(name);

export interface Switches {
  banner: HTMLElement;
  /** Opens the dialog; hidden from who may not switch. */
  open: HTMLButtonElement;
  dialog: HTMLDialogElement;
  /** What is off as the list of cases says it; reads more where that is news. */
  hear(off: readonly Off[]): void;
}

/** Who switched it, when and why. */
function told(one: Switch, as: "off.since" | "switch.last"): string {
  if (!one.since || !one.by) return t("switch.never");
  const values = { time: time(one.since), name: one.by, because: one.because };
  return one.because ? t(as, values) : t(`${as}NoReason`, values);
}

/** `changed`: what is off is not what it was. */
export function switchBoard(changed: () => void): Switches {
  const banner = h("p", { class: "banner stopped", role: "status", hidden: true });
  const list = h("ul", { class: "switches" });
  const came = h("p", { class: "when", role: "status" });
  const dialog = h(
    "dialog",
    { class: "keys-dialog", "aria-labelledby": "switches-title" },
    h("h2", { id: "switches-title" }, t("switches")),
    h("p", {}, t("switch.more")),
    list,
    came,
    h("div", { class: "buttons" }, button(t("close"), "quiet", () => dialog.close())),
  );
  let now: Switched | null = null;
  let asking: Switch["name"] | null = null;
  const open = button(t("switches"), "small quiet", () => {
    came.textContent = "";
    ask(null);
    dialog.showModal();
    void read();
  });
  open.hidden = true;

  const ask = (name: Switch["name"] | null): void => {
    const before = asking;
    asking = name;
    draw();
    const focus = name ? `[data-switch="${name}"] textarea` : before ? `[data-switch="${before}"] button` : null;
    if (focus) list.querySelector<HTMLElement>(focus)?.focus();
  };
  const change = async (one: Switch, because: string): Promise<boolean> => {
    try {
      stand(await switchTo(one.name, !one.off, because));
    } catch (error) {
      came.textContent = reason(error);
      return false;
    }
    came.textContent = t(`switch.${one.name}.${one.off ? "on" : "off"}.done`);
    return true;
  };
  const row = (one: Switch): HTMLElement => {
    const to = one.off ? "on" : "off";
    const label = t(`switch.${one.name}.${to}`);
    const press = keyed(button(label, one.off ? "strong" : "", () => ask(one.name)), one.name);
    const form = (): HTMLElement => {
      const effect = h("p", { id: `then-${one.name}` }, t(`switch.${one.name}.${to}.then`));
      const made = askText(t("switch.because"), label, (text) => change(one, text), () => ask(null), false, effect);
      made.querySelector("textarea")!.setAttribute("aria-describedby", effect.id);
      made.querySelector("textarea")!.maxLength = 300;
      return made;
    };
    return h(
      "li",
      { "data-switch": one.name, "data-off": String(one.off) },
      h("h3", {}, t(`switch.${one.name}`), " ", h("span", { class: "state" }, t(`switch.${one.name}.${one.off ? "isOff" : "isOn"}`))),
      h("p", { class: "when" }, told(one, "switch.last")),
      one.name === "models" && isOff("budget") && h("p", { class: "when" }, t("off.budget")),
      asking === one.name ? form() : press,
    );
  };
  const draw = (): void => void keep(list, [now?.switches, asking, isOff("budget")], () => (now?.switches ?? []).map(row));

  const stand = (next: Switched): void => {
    now = next;
    const before = off.join();
    off = next.off;
    open.hidden = !next.may_switch;
    // A form that somebody fills in stays as it is.
    if (!asking) draw();
    const lines = off.map((name) => {
      const one = next.switches.find((each) => each.name === name);
      return [t(`off.${name}`), one ? told(one, "off.since") : ""].filter(Boolean).join(" ");
    });
    const all = lines.join("\n");
    if (banner.textContent !== all) banner.textContent = all;
    banner.hidden = !all;
    if (off.join() !== before) changed();
  };
  // What cannot be read now is read again soon; the page says by itself when it has lost the server.
  const read = async (): Promise<void> => readSwitches().then(stand, () => {});

  // Escape closes what was opened last: the question before the dialog.
  const escape = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !asking) return;
    event.preventDefault();
    event.stopPropagation();
    ask(null);
  };
  dialog.addEventListener("keydown", escape, { capture: true });
  setInterval(() => document.hidden || void read(), AGAIN_MS);
  void read();
  return { banner, open, dialog, hear: (heard) => now && heard.join() !== off.join() && void read() };
}
