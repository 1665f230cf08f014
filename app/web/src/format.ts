// Dates, times and sentences with values, as the reader writes them.

import type { Locale } from "./locale";

interface Formats {
  clock: Intl.DateTimeFormat;
  day: Intl.DateTimeFormat;
  dayAndClock: Intl.DateTimeFormat;
  dayOnly: Intl.DateTimeFormat;
  weekday: Intl.DateTimeFormat;
  since: Intl.RelativeTimeFormat;
  own: string;
}

let formats = formatsOf(navigator.language || "en");

function formatsOf(own: string, hourCycle?: Intl.LocaleHourCycleKey): Formats {
  const clock: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", ...(hourCycle && { hourCycle }) };
  return {
    own,
    clock: new Intl.DateTimeFormat(own, clock),
    day: new Intl.DateTimeFormat(own, { day: "numeric", month: "short", year: "numeric" }),
    dayAndClock: new Intl.DateTimeFormat(own, { day: "numeric", month: "short", ...clock }),
    dayOnly: new Intl.DateTimeFormat(own, { day: "numeric", month: "long" }),
    weekday: new Intl.DateTimeFormat(own, { weekday: "long" }),
    since: new Intl.RelativeTimeFormat(own, { numeric: "auto" }),
  };
}

/** The reader's own kind of the language where the browser names one: en-GB stays en-GB. Else their clock stays. */
export function formatFor(locale: Locale): void {
  const language = locale.slice(0, 2);
  const own = navigator.languages.find((tag) => tag.slice(0, 2).toLowerCase() === language);
  const { hourCycle } = new Intl.DateTimeFormat(navigator.language, { hour: "numeric" }).resolvedOptions();
  formats = own ? formatsOf(own) : formatsOf(locale, hourCycle);
}

export function say(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}

export const date = (at: string): string => formats.day.format(new Date(at));

export function time(at: string): string {
  const when = new Date(at);
  return when.toDateString() === new Date().toDateString() ? formats.clock.format(when) : formats.dayAndClock.format(when);
}

/** Day and clock of a time to come; no day when it is today's. */
export function parts(at: string): { day: string | null; time: string } {
  const when = new Date(at);
  const days = (when.getTime() - Date.now()) / 86_400_000;
  const today = when.toDateString() === new Date().toDateString();
  return { day: today ? null : (days < 6 ? formats.weekday : formats.dayOnly).format(when), time: formats.clock.format(when) };
}

export function ago(at: string): string {
  const seconds = Math.min(0, (new Date(at).getTime() - Date.now()) / 1000);
  const { since } = formats;
  if (seconds > -60) return since.format(0, "second");
  if (seconds > -3600) return since.format(Math.ceil(seconds / 60), "minute");
  if (seconds > -86400) return since.format(Math.ceil(seconds / 3600), "hour");
  return since.format(Math.ceil(seconds / 86400), "day");
}

/** "5 minutes": never less than one. */
export function long(seconds: number): string {
  const [n, unit] = seconds < 5400 ? [seconds / 60, "minute"] : seconds < 129_600 ? [seconds / 3600, "hour"] : [seconds / 86_400, "day"];
  const format = new Intl.NumberFormat(formats.own, { style: "unit", unit, unitDisplay: "long" });
  return format.format(Math.max(1, Math.round(n)));
}

export function size(bytes: number): string {
  const [n, unit] = bytes < 1e6 ? [Math.max(1, bytes / 1e3), "kilobyte"] : [bytes / 1e6, "megabyte"];
  return new Intl.NumberFormat(formats.own, { style: "unit", unit, maximumFractionDigits: 1 }).format(unit === "kilobyte" ? Math.round(n) : n);
}
