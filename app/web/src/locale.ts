// Which of our languages a page gets.

export type Locale = "en" | "pt-BR" | "es";

const OURS: Record<string, Locale> = { en: "en", pt: "pt-BR", es: "es" };

export const ours = (tag: string | null | undefined): Locale | undefined => OURS[(tag ?? "").slice(0, 2).toLowerCase()];

/** The language asked for, else the page's, else the first of the browser's that we have, else English. */
export function pick(wanted: string | null | undefined, page: string | null | undefined): Locale {
  return ours(wanted) ?? ours(page) ?? navigator.languages.map(ours).find(Boolean) ?? "en";
}
