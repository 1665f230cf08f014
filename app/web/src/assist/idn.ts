// Host names with letters beyond a-z, in both forms: what looks right may be another name.

/** The other form of a host name: `xn--…` for letters, letters for `xn--…`; null where there is only one. */
export function otherForm(value: string): string | null {
  if (/(^|\.)xn--/i.test(value)) {
    const labels = value.split(".").map((label) => (/^xn--/i.test(label) ? decode(label.slice(4)) : label));
    return labels.includes(null) ? null : labels.join(".");
  }
  if (!/[^\x20-\x7e]/.test(value) || /[\s/@:]/.test(value)) return null;
  try {
    return new URL(`https://${value}`).hostname;
  } catch {
    return null;
  }
}

/** Punycode after RFC 3492, section 6.2. */
function decode(label: string): string | null {
  const at = label.lastIndexOf("-");
  const out = [...label.slice(0, Math.max(0, at))].map((c) => c.codePointAt(0)!);
  let [n, i, bias] = [128, 0, 72];
  const rest = label.slice(at + 1).toLowerCase();
  for (let read = 0; read < rest.length; ) {
    const before = i;
    for (let weight = 1, k = 36; ; k += 36) {
      const digit = "abcdefghijklmnopqrstuvwxyz0123456789".indexOf(rest[read++] ?? "!");
      if (digit < 0) return null;
      i += digit * weight;
      const threshold = Math.min(26, Math.max(1, k - bias));
      if (digit < threshold) break;
      weight *= 36 - threshold;
    }
    bias = adapt(i - before, out.length + 1, before === 0);
    n += Math.floor(i / (out.length + 1));
    i %= out.length + 1;
    if (n > 0x10ffff) return null;
    out.splice(i++, 0, n);
  }
  return String.fromCodePoint(...out);
}

function adapt(delta: number, points: number, first: boolean): number {
  delta = first ? Math.floor(delta / 700) : delta >> 1;
  delta += Math.floor(delta / points);
  let k = 0;
  for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
  return k + Math.floor((36 * delta) / (delta + 38));
}
