// The words of the chosen language, fetched when they are needed.

import { formatFor, parts, say } from "./format";
import type { Locale } from "./locale";
import type { Texts } from "./texts/en";

export type { Texts } from "./texts/en";

/** Set by `speak` before anything is shown. */
export let texts: Texts;
export let language: Locale = "en";

export async function speak(locale: Locale): Promise<void> {
  const found = (await import(new URL(`./texts-${locale}.js`, import.meta.url).href)) as { default: Texts };
  texts = found.default;
  language = locale;
  formatFor(locale);
}

/** A time to come, in words: "at 10:40", "on Monday at 09:00". */
export function when(at: string): string {
  const { day, time } = parts(at);
  return day ? say(texts.onAt, { day, time }) : say(texts.at, { time });
}
