// The pages on documents: filters over what is on the page, and what an agent decides of it.
// `stepfour health --page` carries the same script in its file, where there is nothing to decide.

import { call, Refused } from "./api";

type Article = HTMLElement & { dataset: { kind: string; state: string; sure: string; sources: string } };

/** What this script says by itself, from the page: the server has chosen the language. */
const words = JSON.parse(document.querySelector("main")?.dataset["words"] ?? "{}") as Record<string, string>;
const t = (key: string, values: Record<string, string | number> = {}): string =>
  (words[key] ?? "").replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));

const find = <T extends Element>(within: ParentNode, what: string): T => within.querySelector<T>(what)!;
const articles = (): Article[] => [...document.querySelectorAll<Article>("article[data-kind]")];

// On a phone the findings come first.
if (matchMedia("(max-width: 40rem)").matches) document.querySelector(".plots")?.removeAttribute("open");

// --- filters ---

const filters = document.querySelector<HTMLFormElement>(".filters");

/** Shows what fits, and says how much that is after what is `told` first. */
function filter(form: HTMLFormElement, told = ""): void {
  const chosen = (name: string): string => find<HTMLInputElement>(form, `[name=${name}]`).value;
  const [kind, source, state, sure] = [chosen("kind"), chosen("source"), chosen("state"), Number(chosen("sure"))];
  const wanted = chosen("words").toLowerCase().split(/\s+/).filter(Boolean);
  find(form, "output").textContent = `${Math.round(sure * 100)}%`;
  let shown = 0;
  for (const one of articles()) {
    const { dataset } = one;
    const text = wanted.length ? one.textContent.toLowerCase() : "";
    const fits =
      (!kind || dataset.kind === kind) &&
      (!source || dataset.sources.split("\n").includes(source)) &&
      (state ? state === "all" || dataset.state === state : dataset.state !== "dismissed") &&
      Number(dataset.sure) >= sure &&
      wanted.every((word) => text.includes(word));
    one.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  find(form, ".shown").textContent = [told, t("filter.shown", { n: shown })].filter(Boolean).join(" ");
}

if (filters) {
  filters.addEventListener("input", () => filter(filters));
  filters.addEventListener("submit", (event) => event.preventDefault());
  filter(filters);
}

// --- decisions ---

const FAILED: Record<number, string> = { 401: "signed_out", 403: "not_allowed", 404: "gone", 409: "busy", 413: "not_usable", 422: "not_usable", 429: "too_often" };

function reason(error: unknown): string {
  if (!(error instanceof Refused)) return t("failed.other");
  return t(`failed.${error.status === 0 || error.status >= 502 ? "unreachable" : (FAILED[error.status] ?? "other")}`);
}

/** One press at a time; what goes wrong is said in `where`. */
function onPress(form: HTMLFormElement, where: string, work: (pressed: HTMLButtonElement) => Promise<void>): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const pressed = event.submitter as HTMLButtonElement | null;
    if (!pressed || form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    find(form, where).textContent = "";
    work(pressed)
      .catch((error: unknown) => (find(form, where).textContent = reason(error)))
      .finally(() => form.removeAttribute("aria-busy"));
  });
}

interface Settled {
  state: string;
  by: string;
  note: string | null;
}

for (const form of document.querySelectorAll<HTMLFormElement>("form.decide")) {
  onPress(form, "[role=alert]", async (pressed) => {
    const article = form.closest<Article>("article")!;
    const note = find<HTMLInputElement>(form, "[name=note]");
    const now = await call<Settled>("POST", `/v1/agent/findings/${form.dataset["finding"]!}`, { state: pressed.value, note: note.value });
    note.value = "";
    article.dataset.state = now.state;
    find(article, ".state").textContent = now.state === "open" ? "" : ` · ${t(`by.${now.state}`, { by: now.by })}${now.note ? `: ${now.note}` : ""}`;
    for (const button of form.querySelectorAll("button")) button.hidden = button.value === now.state;
    const next = following(article);
    if (filters) filter(filters, t(`told.${now.state}`));
    // The pressed button is gone, and perhaps the finding with it.
    const place = article.hidden ? next : article;
    (place ? find<HTMLElement>(place, "h2") : find<HTMLElement>(document, "main")).focus();
  });
}

/** The next finding that is shown, else the one before. */
function following(article: Article): Article | undefined {
  const shown = articles().filter((one) => !one.hidden);
  const at = shown.indexOf(article);
  return shown[at + 1] ?? shown[at - 1];
}

for (const form of document.querySelectorAll<HTMLFormElement>("form.approve")) {
  onPress(form, "[role=alert]", async () => {
    const { procedure, source, version } = form.dataset;
    const come = (what: string): void => location.assign(`/assist/procedures?${what}=${encodeURIComponent(procedure!)}`);
    try {
      await call("POST", "/v1/agent/procedures/approve", { procedure, source, version });
    } catch (error) {
      // The page says something else by now: what is shown next is the difference as it is then.
      if (error instanceof Refused && error.code === "changed") return come("changed");
      throw error;
    }
    come("approved");
  });
}

const look = document.querySelector<HTMLFormElement>("form.look");
if (look) {
  onPress(look, "[role=status]", async () => {
    find(look, "[role=status]").textContent = t("looking");
    await call("POST", "/v1/agent/findings", {}, 600_000);
    location.reload();
  });
}
