"""An HTML element in plain shape -> Markdown as `knowledge.markdown` reads it."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit

from bs4 import Tag
from bs4.element import NavigableString
from markdownify import ATX, MarkdownConverter

from ingest.formats import paragraphs
from knowledge.markdown import slug

_CELL, _ROW = "\x1f", "\x1e"
_ANCHOR = re.compile(r"[\w.:-]{1,200}")
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language|lang|highlight-source|highlight|brush:|sourceCode)[-\s]+([\w+#.-]+)", re.I
)
_NO_LANGUAGE = frozenset(
    {"default", "none", "text", "plain", "plaintext", "notranslate", "hljs", "code", "wrapper"}
)
_LIKE_A_TAG = re.compile(r"(<[A-Za-z/!?][^<>`\n]{0,200}>)")
_FENCE = re.compile(r"`{3,}|~{3,}")
_SCHEMES = frozenset({"http", "https", "mailto", "tel", ""})


def markdown(main: Tag, base: str) -> str:
    for pre in main.find_all("pre"):
        _write_out(pre)
    for words in main.find_all(string=re.compile(r"\s\s|\n")):
        if words.parent is not None and words.parent.name != "pre":
            words.replace_with(re.sub(r"\s+", " ", words))
    text = _Writer(base).convert_soup(main)
    lines = [line.rstrip() if not line.endswith("  ") else line for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n ")


def _write_out(pre: Tag) -> None:
    """The code as text, line by line, whatever elements mark its lines and words."""
    for number in pre.select(".linenos, .lineno, .line-number, .line-numbers-rows, button"):
        number.decompose()
    for line in pre.find_all("br"):
        line.replace_with("\n")
    blocks = pre.find_all(["div", "p", "li"])
    for block in blocks:
        if not block.get_text().endswith("\n"):
            block.append("\n")
    text = pre.get_text()
    if not blocks and "\n" not in text.strip("\n"):
        lines = pre.select(".line, .token-line, .view-line, .hljs-ln-line")
        text = "\n".join(line.get_text() for line in lines) if len(lines) > 1 else text
    pre["data-code"] = _language(pre)
    pre.clear()
    pre.append(NavigableString(text))


def _language(pre: Tag) -> str:
    code = pre.find("code")
    for tag in [code, pre, *list(pre.parents)[:4]]:
        if not isinstance(tag, Tag):
            continue
        said = tag.get("data-lang") or tag.get("data-language")
        found = _LANGUAGE.search(" ".join(str(name) for name in tag.get_attribute_list("class") if name))
        name = str(said or (found[1] if found else "")).lower()
        if name and name not in _NO_LANGUAGE:
            return re.sub(r"[^\w+#.-]", "", name)[:30]
    return ""


class _Writer(MarkdownConverter):
    def __init__(self, base: str) -> None:
        super().__init__(heading_style=ATX, bullets="-", escape_asterisks=False, escape_underscores=False)
        self.base = base
        self.numbers: dict[int, int] = {}

    def escape(self, text: str, parent_tags: set[str]) -> str:
        """A tag that is shown stays visible; three ticks open no block, and a `#` no section."""
        text = re.sub(r"^(\s*)(?=#{1,6}\s)", r"\1\\", text)
        text = _FENCE.sub(lambda found: "\\".join(["", *found[0]]), text)
        if "<" not in text:
            return text
        # What is too long to be shown as code, or has ticks beside it, must not be taken for a tag later.
        parts = _LIKE_A_TAG.split(text) if "`" not in text else [text]
        parts[::2] = [re.sub(r"<(?=[A-Za-z/!?])", "&lt;", part) for part in parts[::2]]
        parts[1::2] = [f"`{tag}`" for tag in parts[1::2]]
        return "".join(parts)

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        where = _address(str(el.get("href") or ""), self.base)
        words = text.strip()
        if "_noformat" in parent_tags or not words or not where or "\n\n" in words:
            return text
        before, after = " " * text.startswith(" "), " " * text.endswith(" ")
        return f"{before}[{words}]({where}){after}"

    def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        alt = " ".join(str(el.get("alt") or "").split())
        return f"[{alt}]" if alt else ""

    def convert_hN(self, n: int, el: Tag, text: str, parent_tags: set[str]) -> str:
        words = " ".join(text.replace("**", "").split())
        if "_inline" in parent_tags or not words:
            return f" {words} "
        anchor = str(el.get("id") or "")
        own = bool(_ANCHOR.fullmatch(anchor)) and anchor != slug(el.get_text().strip())
        return f"\n\n{'#' * n} {words}{f' {{#{anchor}}}' if own else ''}\n\n"

    def convert_p(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        if "_inline" in parent_tags:
            return f" {text.strip()} "
        text = re.sub(r"(?:[ \t]*\n)+\Z|\A(?:[ \t]*\n)+", "", text).strip()
        return f"\n\n{text if '|' in text else paragraphs(text)}\n\n" if text else ""

    def convert_div(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        callout = str(el.get("data-callout") or "")
        if callout and text.strip():
            return f"\n\n:::{callout}\n{text.strip()}\n:::\n\n"
        text = text.strip()
        if "_inline" in parent_tags or not text:
            return f" {text} " if text else ""
        return f"\n\n{paragraphs(text) if el.find(True) is None else text}\n\n"

    convert_article = convert_div
    convert_section = convert_div

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        text = text.strip()
        if not text:
            return ""
        mark = "- "
        if el.parent is not None and el.parent.name == "ol":
            start = str(el.parent.get("start") or "1")
            before = self.numbers.get(id(el.parent), int(start[:6]) - 1 if start.isdecimal() else 0)
            self.numbers[id(el.parent)] = before + 1
            mark = f"{before + 1}. "
        indent = " " * len(mark)
        return mark + re.sub(r"\n(?!\n|\Z)", f"\n{indent}", text) + "\n"

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        code = el.get_text().strip("\n").rstrip()
        if not code.strip():
            return ""
        runs = [len(run) for run in re.findall(r"`{3,}", code)]
        fence = "`" * (max(runs, default=2) + 1)
        return f"\n\n{fence}{el.get('data-code') or ''}\n{code}\n{fence}\n\n"

    def convert_code(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        words = " ".join(text.split())
        if "_noformat" in parent_tags or not words:
            return text
        ticks = "`" * (max(map(len, re.findall(r"`+", words)), default=0) + 1)
        inner = f" {words} " if "`" in words else words
        return f"{' ' * text.startswith(' ')}{ticks}{inner}{ticks}{' ' * text.endswith(' ')}"

    convert_kbd = convert_code
    convert_samp = convert_code

    def convert_hr(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return "\n\n"

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        words = " ".join(text.split()).strip("; ")
        span = str(el.get("colspan") or "1")
        width = min(int(span[:4]), 30) if span.isdecimal() else 1
        return re.sub(r"(?<!\\)\|", r"\\|", words) + _CELL * max(width, 1)

    convert_th = convert_td

    def convert_tr(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return text + _ROW

    def convert_table(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        rows = [row.strip("\n").split(_CELL)[:-1] for row in text.split(_ROW)]
        rows = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
        if not rows:
            return ""
        width = max(len(row) for row in rows)
        drawn = ["| " + " | ".join([*row, *[""] * (width - len(row))]) + " |" for row in rows]
        return "\n\n" + "\n".join([drawn[0], "|" + " --- |" * width, *drawn[1:]]) + "\n\n"


def _address(href: str, base: str) -> str:
    href = href.strip()
    if href.startswith("#"):
        return quote(href, safe="#/:.-_~%")
    try:
        where = urljoin(base, href)
        if urlsplit(where).scheme.lower() not in _SCHEMES:
            return ""
    except ValueError:
        return ""
    return quote(where, safe="/:?#@!$&'*+,;=%~[]-._")
