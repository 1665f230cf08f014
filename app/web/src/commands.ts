// The words that a host page talks to us in, shared by the loader and the app.

export type GetToken = () => string | null | undefined | Promise<string | null | undefined>;
/** A function that gives the token, or the token that the page has and a function that gives the next. */
export type Identity = GetToken | { token: string; refresh: GetToken };

export interface Options {
  getToken?: Identity;
  locale?: string;
  theme?: string;
  slack?: string;
  context?: Record<string, unknown>;
  zIndex?: number;
  /** Where the button stands: `bottom-right`, `bottom-left`, or `none` for a page with its own. */
  launcher?: string;
}

export type Emit = (type: string, detail?: Record<string, unknown>) => void;

/** What the loader lends the app. */
export interface Shell {
  options: Options;
  emit: Emit;
  launcher: HTMLElement | null;
}

export interface App {
  run(name: string, args: unknown[]): unknown;
}

/** Everything of ours that this browser keeps for this page. */
export function wipe(): void {
  for (const store of ["localStorage", "sessionStorage"] as const) {
    try {
      for (const key of Object.keys(window[store])) if (key.startsWith("stepfour.")) window[store].removeItem(key);
    } catch {
      continue; // a browser may forbid storage: then nothing was kept
    }
  }
}
