// The words of the agents' page in the agent's language, and times that stay true while the page is open.

import { h } from "../dom";
import { ago, date, formatFor, long, time } from "../format";
import { type Locale, pick } from "../locale";
import { en, type Words } from "./words/en";
import { es } from "./words/es";
import { pt } from "./words/pt";

const CATALOGUES: Record<Locale, Words> = { en, "pt-BR": pt, es };

let words: Words = en;
let locale: Locale = "en";

/** The language a desk names, else the first of the browser's that we have. */
export function chooseLanguage(named: string | null): void {
  locale = pick(named, null);
  words = CATALOGUES[locale];
  formatFor(locale);
  document.documentElement.lang = locale;
}

export function t(key: keyof Words, values: Record<string, string | number> = {}): string {
  return words[key].replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}

/** The word for a value of a closed set; a value we do not know is shown as it is. */
export function word(set: string, value: string): string {
  const key = `${set}.${value}`;
  return Object.hasOwn(words, key) ? words[key as keyof Words] : value.replaceAll("_", " ");
}

/** The words of a key, where there are some. */
export const wordsFor = (key: string): string | null => (Object.hasOwn(words, key) ? words[key as keyof Words] : null);

export function language(tag: string): string {
  try {
    return new Intl.DisplayNames(locale, { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

const waiting = (at: string): string => t("waiting", { time: long((Date.now() - new Date(at).getTime()) / 1000) });

/** "2 minutes ago", kept true by `tick`. */
export const agoNode = (at: string): HTMLElement =>
  h("time", { datetime: at, title: time(at), "data-tick": "ago" }, ago(at));

/** "waiting 14 minutes", kept true by `tick`. */
export const waitingNode = (at: string): HTMLElement =>
  h("time", { datetime: at, title: time(at), "data-tick": "waiting" }, waiting(at));

export const clockNode = (at: string): HTMLElement => h("time", { datetime: at, title: date(at) }, time(at));

export function tick(): void {
  for (const node of document.querySelectorAll<HTMLTimeElement>("time[data-tick]")) {
    const now = (node.dataset["tick"] === "ago" ? ago : waiting)(node.dateTime);
    if (node.textContent !== now) node.textContent = now;
  }
}
