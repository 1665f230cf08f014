"""Text from a server as UTF-8, whatever it came in: the bytes that are kept need no header to be read."""

from __future__ import annotations

import codecs
import re

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

# Python knows "encodings" that unpack or run over; only alphabets of the web are taken.
_ALPHABETS = re.compile(
    r"utf-8|utf-16(-[lb]e)?|cp(125\d|866|874|932|949)|iso8859-\d+|koi8-[ru]|mac-roman|mac-cyrillic"
    r"|gb18030|big5|big5hkscs|euc_(jp|kr)|shift_jis|iso2022_jp"
)
# As browsers do: these names have meant the Windows tables for thirty years.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gbk": "gb18030",
    "gb2312": "gb18030",
}

_META = re.compile(
    rb"""(<meta\b[^>]{0,1000}?\bcharset\s*=\s*["']?\s*)([A-Za-z0-9_:.-]{1,40})""", re.IGNORECASE
)
_XML = re.compile(rb"""(\A\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["'])([A-Za-z0-9_:.-]{1,40})""")
SOON = 4096
"""Bytes within which a page says what it is written in. The standard says 1024; pages are later."""


def utf8(raw: bytes, declared: str, *, html: bool) -> bytes:
    """`declared` is the charset of the header, or empty. A page then says of itself that it is UTF-8."""
    text = _text(raw, declared, html=html)
    changed = text.encode("utf-8", "replace")
    if not html:
        return changed
    start = changed[:SOON]
    for pattern in (_META, _XML):
        start = pattern.sub(rb"\1utf-8", start)
    return start + changed[SOON:]


def _text(raw: bytes, declared: str, *, html: bool) -> str:
    for bom, name in _BOMS:
        if raw.startswith(bom):
            return raw[len(bom) :].decode(name, "replace")
    said = [alphabet(declared)]
    if html:
        inside = [alphabet(f[2].decode("ascii")) for p in (_META, _XML) if (f := p.search(raw[:SOON]))]
        # What could be read byte by byte up to there is not UTF-16.
        said += ["utf-8" if name and name.startswith("utf-16") else name for name in inside]
    known = [name for name in said if name]
    for name in (*known, "utf-8"):
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue  # it says so wrongly
    return raw.decode(known[0] if known else "cp1252", "replace")


def alphabet(label: str) -> str | None:
    """The codec for a charset label, where it is one of the web."""
    try:
        name = codecs.lookup(label.strip().strip("\"'")).name
    except (LookupError, ValueError):
        return None
    name = _MEANT.get(name, name)
    return name if _ALPHABETS.fullmatch(name) else None
