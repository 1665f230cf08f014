"""What we say as Slack shows it: pure. Whatever came from outside is words here, never a mention or a link.

Links lead to help pages and to what a message of ours names of the company's own sites; any other address is
shown as text that nobody can press.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from app.events import CitedSource, ShownMessage, ShownStep, Steps
from app.links import leads_to
from app.texts import clean, label, past, say

Block = dict[str, Any]
Links = Callable[[str], str | None]
"""A link's target -> where it leads; None for any place that is not one of ours."""

LONGEST_MARKDOWN = 11_500
LONGEST_SECTION = 2_900
LONGEST_CHUNK = 250
"""Of a task's title and output in a stream."""
TASK: dict[str, str] = {"contradicted": "error", "failed": "error"}


def help_links(*bases: str) -> Links:
    """`bases`: where help pages are published, absolute. A target from the root is on the first of them."""

    def lead(target: str) -> str | None:
        if target.startswith("/") and not target.startswith("//") and bases:
            host = re.match(r"https?://[^/]+", bases[0])
            target = f"{host[0]}{target}" if host else target
        return target if leads_to(target, bases) else None

    return lead


def also(links: Links, message: ShownMessage) -> Links:
    """And what this message may lead to besides."""
    named = message.leads()
    return lambda target: target if target in named else links(target)


# --- Markdown -----------------------------------------------------------------------------------

_PIECE = re.compile(
    r"(?P<fence>```.*?(?:```|\Z))"
    r"|(?P<code>`[^`\n]+`)"
    r"|!\[(?P<alt>[^\]\n]*)\]\([^)\n]*\)"
    r"|\[(?P<words>[^\[\]\n]*)\]\((?P<target>[^)\s]+)(?:\s+\"[^\"\n]*\")?\)"
    r"|(?P<url>(?:(?:https?|ftp|file|javascript|data|slack):|www\.)[^\s<>()\[\]`]+)",
    re.DOTALL | re.IGNORECASE,
)


def markdown(text: str, links: Links) -> str:
    """Our Markdown subset as Slack's `markdown_text` takes it."""
    return _cut(_pieces(text, links, _Markdown()), LONGEST_MARKDOWN)


def mrkdwn(text: str, links: Links, longest: int = LONGEST_SECTION) -> str:
    """Our Markdown subset as Slack's older `mrkdwn`, for sections and context."""
    return _cut(_pieces(text, links, _Mrkdwn()), longest)


class _Markdown:
    def words(self, text: str) -> str:
        parts = re.split(r"^((?:[ \t]*>)+ ?)", text, flags=re.MULTILINE)
        said = "".join(part if n % 2 else escape(part) for n, part in enumerate(parts))
        # Every link was a piece of its own: what else looks like one is somebody's try.
        return re.sub(r"\](?=[(\[:])", r"\]", said)

    def code(self, text: str) -> str:
        # Entities mean nothing in code here; what could still be read as a mention is broken up invisibly.
        return re.sub(r"<(?=[!@#])", "<\u200b", text)

    def link(self, words: str, target: str) -> str:
        return f"[{words}]({target})"


class _Mrkdwn:
    def words(self, text: str) -> str:
        text = escape(text)
        text = re.sub(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*$", r"*\1*", text, flags=re.MULTILINE)
        text = re.sub(r"^([ \t]*)[-*+] ", r"\1• ", text, flags=re.MULTILINE)
        return re.sub(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", r"*\1*", text)

    def code(self, text: str) -> str:
        return escape(text)

    def link(self, words: str, target: str) -> str:
        return f"<{escape(target)}|{words.replace('|', '¦') or escape(target)}>"


def _pieces(text: str, links: Links, into: _Markdown | _Mrkdwn) -> str:
    out: list[str] = []
    at = 0
    for found in _PIECE.finditer(text):
        out += [into.words(text[at : found.start()]), _piece(found, links, into)]
        at = found.end()
    return "".join([*out, into.words(text[at:])])


def _piece(found: re.Match[str], links: Links, into: _Markdown | _Mrkdwn) -> str:
    if found["fence"] or found["code"]:
        return into.code(found.group())
    if found["target"] is not None:
        target = links(found["target"])
        words = escape(found["words"])
        return (
            into.link(words, target) if target else f"{words} {_unpressable(found['target'], into)}".strip()
        )
    if found["url"] is not None:
        target = links(found["url"])
        return target if target and isinstance(into, _Markdown) else _unpressable(found["url"], into)
    return escape(found["alt"] or "")


def _unpressable(address: str, into: _Markdown | _Mrkdwn) -> str:
    return into.code(f"`{clean(address, 300).replace('`', '')}`")


def escape(text: str) -> str:
    """Slack's three control characters as it wants them in words."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    cut = text[: longest - 8]
    cut = cut[: max(cut.rfind("\n"), cut.rfind(" "), longest // 2)].rstrip()
    cut = re.sub(r"(?:&[a-z]{0,3}|<[^>]*)\Z", "", cut)  # never half of an entity or of a link
    return f"{cut}\n```\n…" if cut.count("```") % 2 else f"{cut} …"


def as_plain(text: str, longest: int) -> str:
    """One line of words for places without markup: titles, notifications, buttons."""
    bare = re.sub(r"`+([^`]*)`+|\[([^\]]*)\]\([^)]*\)|\*\*", lambda m: m[1] or m[2] or "", text)
    return clean(bare, longest)


# --- pieces of messages -------------------------------------------------------------------------


def plain_text(text: str, longest: int = 75) -> Block:
    return {"type": "plain_text", "text": clean(text, longest) or "…", "emoji": False}


def section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text or "…", "verbatim": True}}


def context(*texts: str) -> Block:
    elements = [{"type": "mrkdwn", "text": text, "verbatim": True} for text in texts if text]
    return {"type": "context", "elements": elements[:10]}


def button(action: str, text: str, value: str, *, style: str | None = None) -> Block:
    found: Block = {"type": "button", "action_id": action, "text": plain_text(text), "value": value}
    return found | ({"style": style} if style else {})


def actions(*buttons: Block) -> Block:
    return {"type": "actions", "elements": list(buttons)}


def feedback(message: str, lang: str) -> Block:
    def side(key: str, value: str) -> Block:
        words = say(lang, f"slack.feedback.{key}")
        return {"text": plain_text(words), "accessibility_label": words, "value": f"{message} {value}"}

    element = {
        "type": "feedback_buttons",
        "action_id": "feedback",
        "positive_button": side("helped", "yes"),
        "negative_button": side("not_helped", "no"),
    }
    return {"type": "context_actions", "elements": [element]}


def under(
    message: ShownMessage, conversation: str, lang: str, links: Links, *, steps: Steps | None, anonymous: bool
) -> list[Block]:
    """What stands below an answer of ours: sources that its words do not name, and what to do about it."""
    blocks: list[Block] = []
    lines = [line for cited in message.citations if (line := source(cited, message.text, lang, links))]
    if lines:
        blocks.append(context(*lines))
    if message.decision in ("answer", "guide", "ask", "watch", "decline", "already"):
        blocks.append(feedback(message.id, lang))
    buttons: list[Block] = []
    ours = message.decision in ("guide", "ask", "watch", "decline")
    if ours and steps is not None and any(step.checkable and not step.holds for step in steps.steps):
        buttons.append(button("again", say(lang, "slack.button.again"), conversation))
    if anonymous and message.decision == "decline":
        buttons.append(button("link", say(lang, "slack.button.link"), conversation))
    if message.decision in ("answer", "guide", "ask", "watch", "decline", "propose"):
        buttons.append(button("person", say(lang, "slack.button.person"), conversation))
    return [*blocks, actions(*buttons)] if buttons else blocks


def source(cited: CitedSource, text: str, lang: str, links: Links) -> str:
    """`[1] title, updated`; nothing where the message's own words lead there."""
    target = links(cited.url) if cited.url else None
    if cited.url and cited.url in text:
        return ""
    title = escape(label(cited.title))
    shown = f"<{escape(target)}|{title}>" if target else title
    return f"[{cited.n}] " + say(lang, "answer.source", link=shown, date=f"{cited.updated_at:%Y-%m-%d}")


# --- the plan -----------------------------------------------------------------------------------


def plan_title(steps: Steps, lang: str) -> str:
    done = sum(step.holds for step in steps.steps)
    return clean(
        say(lang, "slack.plan", title=label(steps.title), done=str(done), n=str(len(steps.steps))),
        LONGEST_CHUNK,
    )


def plan_chunks(
    steps: Steps, now: datetime, lang: str, links: Links, cited: Sequence[CitedSource]
) -> list[Block]:
    chunks: list[Block] = [{"type": "plan_update", "title": plan_title(steps, lang)}]
    left = next((step.id for step in steps.steps if not step.holds), None)
    for step in steps.steps:
        chunk: Block = {
            "type": "task_update",
            "id": step.id,
            "title": clean(label(step.title), LONGEST_CHUNK),
            "status": task_status(step, steps),
            "output": clean(as_plain(word(step, now, lang), 2 * LONGEST_CHUNK), LONGEST_CHUNK),
        }
        sources = [
            {"type": "url", "url": target, "text": clean(label(each.title), 100)}
            for each in cited
            if step.id == left and each.url and (target := links(each.url))
        ]
        chunks.append(chunk | ({"sources": sources} if sources else {}))
    return chunks


def task_status(step: ShownStep, steps: Steps) -> str:
    if step.holds:
        return "complete"
    if steps.watching is not None and steps.watching.step == step.id:
        return "in_progress"
    return TASK.get(step.word, "pending")


def word(step: ShownStep, now: datetime, lang: str) -> str:
    """The step's word as a sentence, the same as on every other surface."""
    when = past(step.at, now, lang) if step.at else say(lang, "when.just_now")
    key = f"word.{step.word}"
    if step.word in ("missing", "contradicted") and not step.seen:
        key = "word.not_done"
    said = say(lang, key, when=when, seen=step.seen or "")
    return f"{said}. {step.seen}" if step.word == "verified" and step.seen else said


MARKS = {"complete": "✓", "error": "✗", "in_progress": "…", "pending": "○"}


def plan_text(steps: Steps, now: datetime, lang: str, links: Links) -> Block:
    """The plan as plain lines, where a stream could not be finished."""
    lines = []
    for step in steps.steps:
        said = mrkdwn(word(step, now, lang), links, 400)
        lines.append(f"{MARKS[task_status(step, steps)]} {escape(label(step.title))}: {said}")
    return section("\n".join([f"*{escape(plan_title(steps, lang))}*", *lines])[: LONGEST_SECTION + 90])
