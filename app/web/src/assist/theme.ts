// Light or dark: as the desk around us says, else as the system is.

let fixed = false;
const dark = matchMedia("(prefers-color-scheme: dark)");

export function followTheme(named: "light" | "dark" | null): void {
  if (named) fixed = true;
  else dark.addEventListener("change", () => !fixed && apply(dark.matches));
  apply(named ? named === "dark" : dark.matches);
}

function apply(isDark: boolean): void {
  document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
}
