// Where our server is: one folder above the file that this code came in.

export const base = new URL("..", import.meta.url).href.replace(/\/$/, "");
export const help = `${base}/help/`;
