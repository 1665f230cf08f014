// Where our server is: one folder above the file that this code came in.

export const base = new URL("..", import.meta.url).href.replace(/\/$/, "");
export const help = `${base}/help/`;

/** Somebody else's page has this one in a frame. */
export function framed(): boolean {
  if (window.top === window) return false;
  try {
    return window.top?.location.origin !== location.origin;
  } catch {
    return true;
  }
}
