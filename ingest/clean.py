"""Text as a reader sees it: what is hidden is taken out and counted, HTML and components become Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from ingest.components import generator_tags, jsx
from ingest.styles import concealed, declarations, folded
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

_LIQUID_COMMENT = re.compile(
    rf"{_FENCE}|(?P<it>\{{%-?\s*comment\s*-?%\}}.*?(?:\{{%-?\s*endcomment\s*-?%\}}|\Z))",
    re.DOTALL | re.MULTILINE,
)
_MDX_COMMENT = re.compile(rf"{_FENCE}|{_CODE}|(?P<it>\{{/\*.*?(?:\*/\}}|\Z))", re.DOTALL | re.MULTILINE)
_NO_LINK = re.compile(
    rf"{_FENCE}|(?P<it>^\[(?://|_|comment)\]:[^\n]*$)", re.DOTALL | re.MULTILINE | re.IGNORECASE
)
_OPENING = re.compile(
    rf"{_FENCE}|{_CODE}|(?P<it><(?P<name>[a-z][a-z0-9]*)(?P<rest>\s[^<>]*(?:hidden|style|class)[^<>]*)(?<!/)>)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,31});", re.IGNORECASE)
_ENTITY = re.compile(
    rf"{_FENCE}|{_CODE}|(?P<it>{_REFERENCE.pattern})", re.DOTALL | re.MULTILINE | re.IGNORECASE
)
_EMPTY_LINK = re.compile(
    rf"{_FENCE}|{_CODE}|(?P<it>(?<!!)\[(?P<words>[^\[\]\n]*)\]\(\s*(?P<where>[^()\s]*)\s*\))",
    re.DOTALL | re.MULTILINE,
)
_LONE_CODE = re.compile(rf"{_FENCE}|{_CODE}", re.DOTALL | re.MULTILINE)

_LABELS = {
    "note": {"en": "Note", "pt": "Observação", "es": "Nota"},
    "info": {"en": "Note", "pt": "Observação", "es": "Nota"},
    "tip": {"en": "Tip", "pt": "Dica", "es": "Consejo"},
    "warning": {"en": "Warning", "pt": "Atenção", "es": "Atención"},
    "caution": {"en": "Warning", "pt": "Atenção", "es": "Atención"},
    "danger": {"en": "Warning", "pt": "Atenção", "es": "Atención"},
    "important": {"en": "Important", "pt": "Importante", "es": "Importante"},
    "hint": {"en": "Tip", "pt": "Dica", "es": "Consejo"},
    "success": {"en": "Tip", "pt": "Dica", "es": "Consejo"},
}
_RUN_ON = "\x1b"
"""Stands behind a label: the paragraph after it goes on in its line."""
_NAMED = frozenset({"tab", "tabitem", "step", "card", "accordion", "details"})


def visible(text: str, *, mdx: bool = False) -> tuple[str, int]:
    """Without what readers do not see, every line where it was; and how many pieces were hidden.

    Invisible characters, also where they are written as `&#x200B;`; comments; elements that are hidden.
    """
    text, hidden = INVISIBLE.subn("", text)

    def blank(found: re.Match[str]) -> str:
        nonlocal hidden
        hidden += 1
        return "\n" * found["it"].count("\n")

    def seen(found: re.Match[str]) -> str:
        nonlocal hidden
        invisible = INVISIBLE.fullmatch(html.unescape(found["it"])) is not None
        hidden += invisible
        return "" if invisible else found["it"]

    text = _outside_code(_COMMENT, blank, text)
    if "{%" in text:
        text = _outside_code(_LIQUID_COMMENT, blank, text)
    if mdx and "{/*" in text:
        text = _outside_code(_MDX_COMMENT, blank, text)
    if "]:" in text:
        text = _outside_code(_NO_LINK, blank, text)
    if "&" in text:
        text = _outside_code(_ENTITY, seen, text)
    if "<" in text:
        text, elements = _without_hidden_elements(text)
        hidden += elements
    return text, hidden


def _without_hidden_elements(text: str) -> tuple[str, int]:
    parts: list[str] = []
    done = count = 0
    for found in _OPENING.finditer(text):
        if found["it"] is None or found.start() < done or not _hides(found["rest"]):
            continue
        end = _end_of_element(text, found["name"], found.end())
        inside = text[found.start() : end]
        count += bool(re.search(r"[^\W_]", re.sub(r"<[^<>]*>", "", inside)))
        parts += [text[done : found.start()], "\n" * inside.count("\n")]
        done = end
    return "".join([*parts, text[done:]]), count


def _hides(rest: str) -> bool:
    given = {key.lower(): one or two for key, one, two, _ in _ATTRIBUTE.findall(rest)}
    if re.search(r"\shidden(?=[\s>]|$)", f"{rest} "):
        given["hidden"] = ""
    style = declarations(given.get("style", ""))
    return folded(given, given.get("class", "").split(), style) or concealed(
        style, on_colour="background" in given.get("style", "")
    )


def _end_of_element(text: str, name: str, start: int) -> int:
    """Where an element ends that opens before `start`; one that is never closed ends with its paragraph."""
    depth = 1
    for tag in re.finditer(rf"<(/?){name}\b[^<>]*>", text[start : start + 100_000], re.IGNORECASE):
        depth += -1 if tag[1] else not tag[0].endswith("/>")
        if depth == 0:
            return start + tag.end()
    end = text.find("\n\n", start)
    return len(text) if end < 0 else end


def plain_markdown(text: str, lang: str, *, mdx: bool = False) -> str:
    """Markdown alone: HTML tables as tables, notes with a label, other tags away, their text kept."""
    text = text.replace(_RUN_ON, "")
    if mdx:
        text = _outside_code(_MDX_LINE, lambda found: "", text)
    if re.search(r"<[A-Z]", text):
        text = _between_fences(jsx, text)
    if "{" in text or "[!" in text:
        text = _between_code(
            lambda part: generator_tags(part, lambda kind, title: _label(kind, title, lang)), text
        )
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
    if "&" in text:
        text = _outside_code(_ENTITY, lambda found: INVISIBLE.sub("", _character(found["it"])), text)
    text = _outside_code(_EMPTY_LINK, _linked, text)
    text = re.sub(rf"{_RUN_ON}\s*(?=[^\s\-*+>|#`~\d:])", " ", text).replace(_RUN_ON, "")
    return unwrapped(re.sub(r"\n{3,}", "\n\n", text))


def _character(reference: str) -> str:
    meant = html.unescape(reference)
    # What would begin a line, a table cell or a tag anew stays as it is written.
    return " " if meant == "\xa0" else reference if meant in {"\n", "\r", "|", "`"} else meant


def _linked(found: re.Match[str]) -> str:
    words = found["words"].strip()
    return found["it"] if words and found["where"] else words


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


def _between_fences(change: Callable[[str], str], text: str) -> str:
    return _between(re.compile(_FENCE, re.DOTALL | re.MULTILINE), change, text)


def _between_code(change: Callable[[str], str], text: str) -> str:
    return _between(_LONE_CODE, change, text)


def _between(kept: re.Pattern[str], change: Callable[[str], str], text: str) -> str:
    """`change` sees the text with marks where code stands, so that a tag may hold code."""
    code: list[str] = []

    def set_aside(found: re.Match[str]) -> str:
        code.append(found[0])
        return f"\x1a{len(code) - 1}\x1a"

    changed = change(kept.sub(set_aside, text.replace("\x1a", "")))
    return re.sub(r"\x1a(\d+)\x1a", lambda found: code[int(found[1])], changed)


def _label(kind: str, label: str, lang: str) -> str:
    words = _LABELS.get(kind.lower())
    title = label.strip().strip("[]").strip()
    if not words:
        return title
    name = words.get(lang, words["en"])
    if title.rstrip(":").casefold() == name.casefold():
        title = ""
    if not title:
        return f"{name}:{_RUN_ON}"
    return f"{name}: {title}{'' if title[-1] in '.!?:;' else '.'}{_RUN_ON}"


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
