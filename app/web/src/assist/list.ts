// The list of cases: who waits, how long, and what is ready for them.

import { type Child, fill, h, icon } from "../dom";
import { keep, order } from "./parts";
import { t, waitingNode, word } from "./texts";
import type { CaseRow } from "./wire";

export type Filter = "waiting" | "all" | "solved";
const FILTERS: readonly Filter[] = ["waiting", "all", "solved"];

export const isReady = (row: CaseRow): boolean => row.suggestion || row.approval;
const isSolved = (row: CaseRow): boolean => row.triage === "solved";

function fits(row: CaseRow, filter: Filter): boolean {
  if (filter === "all") return true;
  if (filter === "solved") return isSolved(row);
  return isReady(row) || (!isSolved(row) && (row.waiting_since !== null || row.status === "with_agents"));
}

export interface List {
  element: HTMLElement;
  update(rows: readonly CaseRow[], open: string | null): void;
  filter: Filter;
}

export function caseList(): List {
  const items = new Map<string, HTMLLIElement>();
  const list = h("ul", { class: "rows" });
  const nothing = h("p", { class: "nothing" });
  const chosen = h("div", { class: "filter", role: "group", "aria-label": t("filter") });
  let known: readonly CaseRow[] = [];
  let current: string | null = null;
  const buttons = FILTERS.map((name) => {
    const one = h("button", { type: "button", "data-filter": name });
    one.addEventListener("click", () => {
      made.filter = name;
      draw();
    });
    return one;
  });
  chosen.append(...buttons);

  const draw = (): void => {
    for (const one of buttons) {
      const name = one.dataset["filter"] as Filter;
      one.setAttribute("aria-pressed", String(name === made.filter));
      fill(one, t(`filter.${name}`), h("span", { class: "count" }, String(known.filter((row) => fits(row, name)).length)));
    }
    const shown = known.filter((row) => fits(row, made.filter));
    for (const row of shown) item(row);
    order(list, shown.map((row) => items.get(row.conversation)!));
    nothing.hidden = shown.length > 0;
    nothing.textContent = t(`none.${made.filter}`);
  };

  const item = (row: CaseRow): void => {
    let li = items.get(row.conversation);
    if (!li) {
      li = h("li", {}, h("a", { href: `#/c/${encodeURIComponent(row.conversation)}` }));
      items.set(row.conversation, li);
    }
    const link = li.firstElementChild!;
    if (row.conversation === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    keep(link, row, () => face(row));
  };

  const made: List = {
    element: h("nav", { class: "cases", id: "cases", "aria-labelledby": "cases-title", tabindex: "-1" }, h("h2", { id: "cases-title" }, t("cases")), chosen, list, nothing),
    update(rows, open) {
      known = rows;
      current = open;
      draw();
    },
    filter: "waiting",
  };
  return made;
}

function face(row: CaseRow): Child[] {
  const who = [row.customer || t("anonymous"), row.account].filter(Boolean).join("\u00a0· ");
  return [
    h("strong", {}, who),
    h("span", { class: "row-meta" }, word("channel", row.channel), row.waiting_since && " · ", row.waiting_since ? waitingNode(row.waiting_since) : null),
    h("span", { class: "row-title" }, row.title),
    h(
      "span",
      { class: "row-marks" },
      h("span", { class: "chip", "data-tone": triageTone(row.triage) }, word("triage", row.triage)),
      row.approval && h("span", { class: "chip", "data-tone": "wait" }, icon("bolt"), t("approvalWaits")),
      row.suggestion && h("span", { class: "chip", "data-tone": "wait" }, icon("told"), t("replyReady")),
      row.person && h("span", { class: "chip" }, icon("person"), t("personHere")),
    ),
  ];
}

export function triageTone(triage: CaseRow["triage"]): string {
  if (triage === "needs_person" || triage === "exhausted") return "bad";
  if (triage === "needs_us") return "wait";
  if (triage === "solved") return "good";
  return triage === "in_the_middle" ? "told" : "none";
}
