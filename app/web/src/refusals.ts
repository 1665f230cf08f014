// Why something was refused, in the reader's words: by the server's code where we have words for it, else by its status.

import { Refused } from "./api";
import { texts } from "./texts";
import * as who from "./who";

/** `otherwise`: what to say where trying the same again would not help. */
export function reason(error: unknown, otherwise = texts.failed): string {
  if (!(error instanceof Refused)) return texts.failed;
  const { code, status } = error;
  if (Object.hasOwn(texts.refusals, code)) return texts.refusals[code as keyof typeof texts.refusals];
  if (status === 401) return who.signed() ? texts.signedOut : texts.failed;
  if (status === 403) return texts.refusals.sign_in_first;
  if (status === 429) return texts.refusals.rate_limited;
  if (status === 502 || status === 504) return texts.refusals.unreachable;
  return error.passing ? texts.failed : otherwise;
}
