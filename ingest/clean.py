"""Text as a reader sees it: what is hidden is taken out and counted, HTML and components become Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from knowledge.markdown import parser

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
"""Zero-width, direction marks, fillers, variation selectors, tags and controls: text can hide in them."""

_FENCE = r"(?P<fence>^[ \t>]*(?P<mark>`{3,20}|~{3,20})[^\n]*\n(?:.*?^[ \t>]*(?P=mark)[`~]*[ \t]*$|.*\Z))"
_CODE = r"(?P<code>(?<!`)(?P<tick>`{1,9})(?!`)[^\n]{1,2000}?(?<!`)(?P=tick)(?!`))"
_COMMENT = re.compile(rf"{_FENCE}|{_CODE}|(?P<it><!--.*?(?:-->|\Z))", re.DOTALL | re.MULTILINE)
_MDX_LINE = re.compile(rf"{_FENCE}|(?P<it>^(?:import|export)\s[^\n]*\n)", re.DOTALL | re.MULTILINE)
_DEAD = re.compile(
    rf"{_FENCE}|{_CODE}|(?P<it><(?P<dead>script|style|iframe|svg|head)\b.*?(?:</(?P=dead)\s*>|\Z))",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_TABLE = re.compile(
    rf"{_FENCE}|{_CODE}|(?P<it>^[ \t]*<table\b.*?</table\s*>)", re.DOTALL | re.MULTILINE | re.IGNORECASE
)
_TAG = re.compile(
    rf"{_FENCE}|{_CODE}|(?P<it></?(?P<name>[A-Za-z][\w.-]*)(?P<rest>(?:\s[^<>]*?)?)\s*/?>)",
    re.DOTALL | re.MULTILINE,
)
_DIRECTIVE = re.compile(
    rf"{_FENCE}|(?P<it>^[ \t]*:::+[ \t]*(?P<kind>[\w-]*)(?P<label>[^\n]*)$)", re.DOTALL | re.MULTILINE
)
_IMAGE = re.compile(rf"{_FENCE}|{_CODE}|(?P<it>!\[(?P<alt>[^\]]*)\]\([^)\n]*\))", re.DOTALL | re.MULTILINE)
_VARIABLE = re.compile(r"\]\(\{\{[^}]*\}\}")
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|\{["'`]?([^}"'`]*)["'`]?\})""")

_HTML = re.compile(
    "a|abbr|b|blockquote|body|br|button|center|cite|code|col|colgroup|dd|del|details|div|dl|dt|em|"
    "figcaption|figure|font|footer|form|h1|h2|h3|h4|h5|h6|header|hr|html|i|img|input|ins|kbd|label|"
    "li|link|main|mark|meta|nav|ol|option|p|pre|q|s|samp|section|select|small|span|strong|sub|"
    "summary|sup|table|tbody|td|tfoot|th|thead|tr|u|ul|var|video|source"
)
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "kbd": "`"}
_BREAKS = frozenset(
    {"p", "div", "details", "ul", "ol", "table", "tr", "blockquote", "section", "center", "pre"}
)

_LABELS = {
    "note": {"en": "Note", "pt": "Observação", "es": "Nota"},
    "info": {"en": "Note", "pt": "Observação", "es": "Nota"},
    "tip": {"en": "Tip", "pt": "Dica", "es": "Consejo"},
    "warning": {"en": "Warning", "pt": "Atenção", "es": "Atención"},
    "caution": {"en": "Warning", "pt": "Atenção", "es": "Atención"},
    "danger": {"en": "Warning", "pt": "Atenção", "es": "Atención"},
}
_NAMED = frozenset({"tab", "tabitem", "step", "card", "accordion", "details"})


def visible(text: str) -> tuple[str, int]:
    """Without invisible characters and HTML comments, every line where it was; and how many were hidden."""
    text, hidden = INVISIBLE.subn("", text)
    comments = 0

    def blank(found: re.Match[str]) -> str:
        nonlocal comments
        comments += 1
        return "\n" * found["it"].count("\n")

    return _outside_code(_COMMENT, blank, text), hidden + comments


def plain_markdown(text: str, lang: str, *, mdx: bool = False) -> str:
    """Markdown alone: HTML tables as tables, notes with a label, other tags away, their text kept."""
    if mdx:
        text = _outside_code(_MDX_LINE, lambda found: "", text)
    if ":::" in text:
        text = _outside_code(_DIRECTIVE, lambda found: _label(found["kind"], found["label"], lang), text)
    text = _outside_code(
        _IMAGE, lambda found: f"[{found['alt'].strip()}]" if found["alt"].strip() else "", text
    )
    text = _VARIABLE.sub("](", text)
    if "<" in text:
        text = _outside_code(_DEAD, lambda found: "", text)
        text = _outside_code(_TABLE, lambda found: _table(found["it"]), text)
        known = {name.lower() for name in re.findall(r"</\s*([A-Za-z][\w.-]*)\s*>", text)}
        links: list[str] = []
        text = _outside_code(_TAG, lambda found: _tag(found, known, links, lang), text)
    text = re.sub(r"&(?:nbsp|#160);", " ", text)
    return unwrapped(re.sub(r"\n{3,}", "\n\n", text))


def unwrapped(text: str) -> str:
    """Each paragraph on one line, so that a sentence can be quoted as it stands."""
    lines: list[str | None] = list(text.split("\n"))
    quoted = 0
    for token in parser().parse(text):
        quoted += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        if token.type != "paragraph_open" or quoted or token.map is None:
            continue
        start, end = token.map
        for at in range(end - 1, start, -1):
            above, own = lines[at - 1] or "", lines[at] or ""
            if not above.endswith(("  ", "\\")):
                lines[at - 1], lines[at] = f"{above.rstrip()} {own.lstrip()}", None
    return "\n".join(line for line in lines if line is not None)


def _outside_code(pattern: re.Pattern[str], change: Callable[[re.Match[str]], str], text: str) -> str:
    return pattern.sub(lambda found: found[0] if found["it"] is None else change(found), text)


def _label(kind: str, label: str, lang: str) -> str:
    words = _LABELS.get(kind.lower())
    title = label.strip().strip("[]").strip()
    if not words:
        return title
    name = words.get(lang, words["en"])
    return f"{name}: {title}" if title else f"{name}:"


def _tag(found: re.Match[str], known: set[str], links: list[str], lang: str) -> str:
    name, closing, alone = found["name"].lower(), found["it"].startswith("</"), found["it"].endswith("/>")
    attributes = {
        key: one or two or braced for key, one, two, braced in _ATTRIBUTE.findall(found["rest"] or "")
    }
    if name not in known and not _HTML.fullmatch(name) and not alone and not attributes:
        return found["it"]  # <your-domain> is a placeholder, not a tag
    if name in _MARKS:
        return _MARKS[name]
    if name == "a":
        if not closing:
            links.append(re.sub(r"^\{\{[^}]*\}\}", "", attributes.get("href", "")))
            return "["
        return f"]({links.pop()})" if links else ""
    if name == "br":
        return "  \n" if found.string[found.end() :].lstrip(" ")[:1] not in {"\n", ""} else ""
    if name == "li":
        return "" if closing else "\n- "
    if name == "summary":
        return "**" if not closing else "**\n\n"
    if re.fullmatch(r"h[1-6]", name):
        return "\n\n" if closing else f"\n\n{'#' * int(name[1])} "
    if name in {"img", "input"}:
        return f"[{attributes['alt'].strip()}]" if attributes.get("alt", "").strip() else ""
    if name in _BREAKS:
        return "\n\n"
    if _HTML.fullmatch(name):
        return ""
    return _component(name, attributes, closing, lang)


def _component(name: str, attributes: dict[str, str], closing: bool, lang: str) -> str:
    if closing:
        return "\n"
    bare = name.replace("-", "")
    kind = attributes.get("type", "note") if bare in {"callout", "admonition", "aside"} else bare
    if kind.lower() in _LABELS:
        return f"\n{_label(kind, attributes.get('title', ''), lang)}\n"
    title = attributes.get("title") or attributes.get("label") or attributes.get("name")
    return f"\n{title}:\n" if title and bare in _NAMED else "\n"


def _table(source: str) -> str:
    rows = []
    for row in re.findall(r"<tr\b[^>]*>(.*?)(?=<tr\b|</tr\s*>|</table)", source, re.DOTALL | re.IGNORECASE):
        cells = re.findall(r"<t[hd]\b[^>]*>(.*?)(?=<t[hd]\b|</t[hd]\s*>|\Z)", row, re.DOTALL | re.IGNORECASE)
        if cells:
            rows.append([_cell(cell) for cell in cells])
    if not rows:
        return ""
    width = max(len(row) for row in rows)
    rows = [[*row, *[""] * (width - len(row))] for row in rows]
    drawn = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n" + "\n".join([drawn[0], "|" + " --- |" * width, *drawn[1:]]) + "\n"


def _cell(source: str) -> str:
    text = re.sub(r"</?code[^>]*>", "`", re.sub(r"<br\s*/?>|</li\s*>", "; ", source))
    words = " ".join(html.unescape(re.sub(r"</?[A-Za-z][^>]*>", "", text)).split())
    return words.replace("|", "\\|").strip("; ")
