// The button in the corner: all of us that a page gets before somebody wants to talk.

import { type Locale, pick } from "./locale";
import css from "./launcher.css" with { type: "text" };

const LABELS: Record<Locale, string> = {
  en: "Chat with us",
  "pt-BR": "Fale com a gente",
  es: "Escríbenos",
};
const BUBBLE = "M4 3h16a3 3 0 0 1 3 3v9a3 3 0 0 1-3 3h-7.500L7 22v-4H4a3 3 0 0 1-3-3V6a3 3 0 0 1 3-3Zm3 5v2h10V8Zm0 3.800v2h6v-2Z";
const SVG = "http://www.w3.org/2000/svg";

export const label = (wanted: string | null | undefined): string => LABELS[pick(wanted, document.documentElement.lang)];

/** The launcher in the element's shadow root: the one that is there, or a new one. */
export function launcherOf(host: HTMLElement): HTMLButtonElement {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const there = root.querySelector<HTMLButtonElement>(".launcher");
  if (there) return there;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets.push(sheet);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "launcher";
  button.setAttribute("part", "launcher");
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-label", label(host.getAttribute("locale")));
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", BUBBLE);
  svg.append(path);
  const badge = document.createElement("span");
  badge.className = "badge";
  badge.setAttribute("aria-hidden", "true");
  button.append(svg, badge);
  root.append(button);
  return button;
}
