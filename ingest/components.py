"""Components of MDX and tags of site generators (Liquid, Hugo, GitBook) become words, or plain tags.

What is left as a tag, `<Tab title="...">`, `ingest.clean` reads like any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

Outside = Callable[[re.Pattern[str], Callable[[re.Match[str]], str], str], str]
"""Changes what a pattern finds as `it`, outside code."""

LONGEST_TAG = 60_000
"""Characters. What goes on longer is no component."""

MOST_FAILED = 50
"""Tags that are never closed, each of which was looked for up to that length."""

CALLOUTS = frozenset({"note", "info", "tip", "hint", "important", "warning", "caution", "danger", "success"})

_JSX = re.compile(r"<(?P<name>[A-Z][\w.]*)(?=[\s/>{])")
_NAME = re.compile(r"\s*([A-Za-z_][\w:.-]*)\s*(=?)\s*")
_STRING = re.compile(r'"([^"\n]*)"|\'([^\'\n]*)\'')
_SAID = re.compile(
    r"""\b(title|label|name|heading|question|description|text|answer|content|summary|caption)["']?\s*:\s*"""
    r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`([^`]*)`)"""
)
_LINK = re.compile(r"""\b(?:href|link|to|url)["']?\s*:\s*["']([^"'\s]+)["']""")
_SLOT = re.compile(r"""<Fragment\s+slot=["']tab\.(\w+)["']\s*>(.{0,200}?)</Fragment>""", re.DOTALL)
_PANEL = re.compile(r"""<Fragment\s+slot=["']panel\.(\w+)["']\s*>""")
_SPACE = re.compile(r"\{\s*([\"'`])( *)\1\s*\}")

_CODE_TAG = re.compile(
    r"\{%-?\s*(?P<end>end)?(?P<tag>codeblock|highlight|code|response|xmljsontabs)\b(?P<args>[^%\n]{0,500})%\}"
)
_ANCHOR_TAG = re.compile(
    r"\{%-?\s*anchor\s+h([1-6])\s*-?%\}\s*(.{1,300}?)\s*\{%-?\s*endanchor\s*-?%\}", re.DOTALL
)
_TAG = re.compile(r"\{%-?\s*(?P<end>end)?(?P<name>\w+)(?P<args>(?:[^%]|%(?!\})){0,2000}?)-?%\}")
_SITE = re.compile(r"\{\{-?\s*(?:site|page|root_url|baseurl|include)\b[^{}]*\}\}")
_HUGO = re.compile(
    r"\{\{[<%]\s*(?P<end>/?)\s*(?P<name>[A-Za-z][\w-]*)(?P<args>(?:[^<>%]|%(?!\}\})){0,1000}?)/?\s*[>%]\}\}"
)
_ALERT = re.compile(
    r"^(?P<mark>[ \t]*>[ \t]*)\[!(?P<kind>\w+)\][ \t]*(?P<title>[^\n]*)"
    r"(?:\n[ \t]*>[ \t]*$)*\n?(?:[ \t]*>)?[ \t]*",
    re.MULTILINE,
)
_WORD = re.compile(r"\[!(?:DNL|UICONTROL)\s+([^\]\n]*)\]")
"""Marks of translators around names: `[!DNL Fastly]`."""
_LISTED = re.compile(
    r"""(?<=[\])])[ \t]?\{[ \t]*:?[ \t]*(?:[.#][\w-]+|[\w-]+=(?:"[^"\n]*"|'[^'\n]*'|[\w%-]+))[^{}\n]*\}"""
)
_LISTED_ALONE = re.compile(r"^[ \t]*\{:[^{}\n]*\}[ \t]*$", re.MULTILINE)
_ANCHOR = re.compile(r"^(?![ \t]*#)(.*?)[ \t]*\{#[\w.:-]+\}[ \t]*$", re.MULTILINE)
_FLAG = re.compile(r"\{hide-from-toc\}[ \t]*")


def generator_tags(text: str, label: Callable[[str, str], str]) -> str:
    """`label(kind, title)` is what a callout begins with."""
    if "{%" in text:
        text = _code_tags(text)
        text = _ANCHOR_TAG.sub(lambda found: f"\n{'#' * int(found[1])} {' '.join(found[2].split())}\n", text)
        text = _TAG.sub(lambda found: _liquid(found, label), text)
    if "{{" in text:
        closed = {name.lower() for name in re.findall(r"\{\{[<%]\s*/\s*([\w-]+)", text)}
        text = _HUGO.sub(lambda found: _hugo(found, closed), text)
        text = _SITE.sub("", text)
    if "[!" in text:
        text = _WORD.sub(r"\1", text)
        text = _ALERT.sub(lambda found: f"{found['mark']}{label(found['kind'], found['title'])} ", text)
    if "{" in text:
        text = _LISTED_ALONE.sub("", _LISTED.sub("", _FLAG.sub("", text)))
        text = _ANCHOR.sub(r"\1", text)
    return text


def jsx(text: str) -> str:
    """Attributes in braces become plain ones; components that are all attribute become their words."""
    labels = {name: " ".join(label.split()) for name, label in _SLOT.findall(text)}
    text = _PANEL.sub(lambda found: f"\n{labels.get(found[1], found[1])}:\n", _SLOT.sub("", text))
    text = _SPACE.sub(r"\2", text)
    parts: list[str] = []
    end = failed = 0
    for found in _JSX.finditer(text):
        if found.start() < end:
            continue
        read = _attributes(text, found.end()) if failed < MOST_FAILED else None
        failed += read is None
        if read is None or text[found.start() - 1 : found.start()] == "`":
            continue
        attributes, alone, after = read
        if not attributes and not alone:
            continue  # a plain tag, or a placeholder: <Your API key>
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        indent = line if not line.strip() else ""
        parts += [text[end : found.start()], _component(found["name"], attributes, alone, indent)]
        end = after
    return "".join([*parts, text[end:]])


def _component(name: str, attributes: dict[str, str], alone: bool, indent: str) -> str:
    code = attributes.get("code")
    if alone and code is not None:
        language = re.sub(r"[^\w+#.-]", "", attributes.get("lang", "") or attributes.get("language", ""))
        rows = [f"{indent}{row}".rstrip() for row in ["```" + language, *code.strip("\n").split("\n"), "```"]]
        return "\n".join(rows).removeprefix(indent) + "\n"
    if not alone:
        plain = "".join(
            f' {key}="{value}"' for key, value in attributes.items() if not re.search(r'["<>{}\n]', value)
        )
        return f"<{name}{plain}>"
    words = (
        attributes.get("label")
        or attributes.get("title")
        or attributes.get("name")
        or attributes.get("alt")
        or ""
    )
    where = next((attributes[key] for key in ("link", "href", "to", "url") if attributes.get(key)), "")
    said = [f"[{words}]({where})" if words and where and not re.search(r"[\s()]", where) else words]
    said += [attributes.get("description", "")]
    listed = [item for value in attributes.values() if "{" in value for item in _listed(value)]
    said += [*listed, "\n"] if listed else []
    text = " ".join(" ".join(part.split()) if not part.startswith("\n") else part for part in said if part)
    return text.replace(" \n", "\n")


def _listed(value: str) -> list[str]:
    """The words in a list of objects: `[{title: "...", description: "..."}]`."""
    items = []
    for part in re.findall(r"\{[^{}]*\}", value):
        words = [(key, one or two or three) for key, one, two, three in _SAID.findall(part)]
        if words:
            link = _LINK.search(part)
            first = f"[{words[0][1]}]({link[1]})" if link else words[0][1]
            items.append("\n- " + ": ".join([first, *(" ".join(word.split()) for _, word in words[1:])]))
    return items


def _attributes(text: str, at: int) -> tuple[dict[str, str], bool, int] | None:
    """Attributes of a JSX tag, whether it closes itself, and where it ends; None where it is no tag."""
    found: dict[str, str] = {}
    last = at + LONGEST_TAG
    while at < len(text) and at < last:
        if text[at].isspace():
            at += 1
        elif text[at] == ">":
            return found, False, at + 1
        elif text.startswith("/>", at):
            return found, True, at + 2
        elif text[at] == "{":
            end = _braced(text, at, last)
            if end is None:
                return None
            at = end
        else:
            name = _NAME.match(text, at)
            if not name:
                return None
            at = name.end()
            if not name[2]:
                continue
            string = _STRING.match(text, at)
            if string:
                found[name[1]] = string[1] if string[1] is not None else string[2]
                at = string.end()
                continue
            end = _braced(text, at, last) if text.startswith("{", at) else None
            if end is None:
                return None
            found[name[1]] = _value(text[at + 1 : end - 1].strip())
            at = end
    return None


def _value(expression: str) -> str:
    if len(expression) > 1 and expression[0] == expression[-1] and expression[0] in "`\"'":
        return expression[1:-1].replace("\\`", "`").replace("\\$", "$")
    return expression


def _braced(text: str, at: int, last: int) -> int | None:
    """Where the braces that open at `at` are closed, strings passed over."""
    depth, quote = 0, ""
    while at < len(text) and at < last:
        sign = text[at]
        if quote:
            if sign == "\\":
                at += 1
            elif sign == quote:
                quote = ""
        elif sign in "`\"'" and (sign == "`" or not text[at - 1].isalnum()):
            quote = sign
        elif sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return None


def _code_tags(text: str) -> str:
    """What stands between `{% codeblock %}` and its end is code; a tag that is never closed is a tag."""
    parts: list[str] = []
    done, opened = 0, None
    for found in _CODE_TAG.finditer(text):
        if not found["end"]:
            opened = opened or found
        elif opened and found["tag"] == opened["tag"]:
            parts += [
                text[done : opened.start()],
                _fenced(opened["args"], text[opened.end() : found.start()]),
            ]
            done, opened = found.end(), None
    return "".join([*parts, text[done:]])


def _fenced(args: str, code: str) -> str:
    language = re.search(r"(?:lang:)?([a-z+#]{1,20})\s*-?\s*$", args)
    code = re.sub(r"\{%-?\s*(?:end)?raw\s*-?%\}", "", code).strip("\n").rstrip()
    return f"\n```{language[1] if language else ''}\n{code.replace('```', chr(39) * 3)}\n```\n"


def _liquid(found: re.Match[str], label: Callable[[str, str], str]) -> str:
    name, args = found["name"].lower(), found["args"].strip()
    title = re.search(r"""title=(?:"([^"]*)"|'([^']*)')""", args)
    named = (title[1] or title[2] or "") if title else ""
    if found["end"]:
        return "\n"
    style = re.search(r"""style=["'](\w+)""", args)
    kind = style[1] if style and name in {"hint", "callout", "alert"} else name
    if kind.lower() in CALLOUTS:
        return f"\n{label(kind, named)}\n"
    if name in {"tab", "step", "stepper"}:
        return f"\n{named}:\n\n" if named else "\n"
    strings = [one or two for one, two in re.findall(r'"([^"]*)"|\'([^\']*)\'', args)]
    if any(" " in string.strip() for string in strings) and name not in {
        "include",
        "assign",
        "if",
        "for",
        "capture",
    }:
        before = re.split(r"[\"']", args, maxsplit=1)[0].split()
        said = "; ".join(string for string in strings if string)
        return f"- {' '.join(before)}: {said}" if before else f"- {said}"
    address = re.search(r"\b(?:[A-Z]{3,6} )?https?://\S+", args)
    return f"`{address[0]}`" if address else ""


def _hugo(found: re.Match[str], closed: set[str]) -> str:
    name = found["name"].lower()
    if name not in closed:
        return ""
    if found["end"]:
        return f"</{name}>"
    pairs = re.findall(r"""(\w+)=(?:"([^"<>]*)"|'([^'<>]*)')""", found["args"])
    attributes = "".join(
        f" {'title' if key == 'header' else key}={json.dumps(a or b)}" for key, a, b in pairs
    )
    return f"<{name}{attributes}>"
