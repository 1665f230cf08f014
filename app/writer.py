"""A model writes the answer, code checks that the quoted lines carry it; whatever fails is not used."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path

from app.completion import ModelFailed
from app.endpoint import Endpoint
from app.masking import Mask
from app.ports import Writer
from app.texts import language
from knowledge.stems import snowball

log = logging.getLogger(__name__)

LONGEST_LINE = 800
LONGEST_ANSWER = 1500
LONGEST_TOKENS = 400
SUPPORTED = 0.6
"""Share of a sentence's content words that must stand in its cited lines: rewording passes, news does not."""

_MARK = re.compile(r"\[(\d{1,2})\]")
_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_ENGLISH_NAME = {"en": "English", "pt": "Brazilian Portuguese", "es": "Spanish"}
_NEGATIONS = {
    "en": {"not", "no", "never", "without", "cannot", "none", "neither", "nor", "t"},
    "pt": {"não", "nunca", "sem", "nem", "nenhum", "nenhuma", "jamais"},
    "es": {"no", "nunca", "sin", "ni", "ningún", "ninguna", "ninguno", "jamás"},
}
_COMMON = {
    "en": """that this with from your have will they them then than when what where which there their these
        those into also only once each some such been being does must should would could can may just about
        after before""",
    "pt": """para pelo pela isso isto esse essa este esta esses essas estes estas você vocês quando onde como
        mais depois antes também cada seus suas pode deve está estão são será sobre entre então""",
    "es": """para este esta estos estas esto eso ese esa esos esas cuando donde como más después antes también
        cada puede puedes debe debes está están sobre entre entonces tiene tienes""",
}


def llm_writer(endpoint: Endpoint) -> Writer:
    """A writer on a language model; None where its words cannot be trusted or do not come."""

    async def write(
        question: str, lang: str, lines: Sequence[str], told: Callable[[str], Awaitable[None]] | None = None
    ) -> str | None:
        if not lines:
            return None
        mask = Mask()
        asked = [
            {"role": "system", "content": instructions(lang)},
            {"role": "user", "content": material(mask(question), [mask(line) for line in lines])},
        ]

        async def tell(text: str) -> None:
            if told is not None:
                await told(mask.so_far(text))

        try:
            said = await endpoint.ask(
                asked, role="writer", max_tokens=LONGEST_TOKENS, told=tell if told else None
            )
        except ModelFailed as error:
            log.log(
                error.level, "the model %s did not write (%s): quoted lines are sent", endpoint.model, error
            )
            return None
        return checked(mask.back(said.text), lang, lines)

    return write


@cache
def _prompt() -> str:
    return (Path(__file__).parent / "prompts" / "answer.md").read_text(encoding="utf-8")


def instructions(lang: str) -> str:
    return _prompt().replace("{language}", _ENGLISH_NAME[language(lang)])


def material(question: str, lines: Sequence[str]) -> str:
    numbered = [f"[{n}] {_one_line(line)[:LONGEST_LINE]}" for n, line in enumerate(lines, start=1)]
    return "\n".join(("Lines:", *numbered, "", f"Question: {_one_line(question)[:LONGEST_LINE]}"))


def _one_line(text: str) -> str:
    return " ".join(text.split())


# --- is every sentence carried by the lines it cites? -------------------------------------------


def checked(text: str, lang: str, lines: Sequence[str]) -> str | None:
    """The answer as it is where each sentence is supported by its own citations; None otherwise."""
    text = text.strip()
    if not text or len(text) > LONGEST_ANSWER:
        return None
    found = cited_sentences(text)
    return text if found and all(_supported(words, marks, lang, lines) for words, marks in found) else None


def cited_sentences(text: str) -> list[tuple[str, tuple[int, ...]]]:
    """Each sentence and the numbers behind it; a sentence without a number has none."""
    sentences: list[tuple[str, tuple[int, ...]]] = []
    for line in filter(str.strip, text.splitlines()):
        # a mark may stand before the full stop or after it: it belongs to the sentence it follows
        settled = re.sub(r"([.!?])\s*((?:\[\d{1,2}\]\s*)+)", r" \2\1 ", line)
        for piece in re.split(r"(?<=[.!?])\s+(?=[\w¿¡\"“*`(-])", settled.strip()):
            words = _MARK.sub("", piece).strip(" -*.")
            if _WORD.search(words):
                sentences.append((words, tuple(int(n) for n in _MARK.findall(piece))))
    return sentences


def _supported(words: str, marks: tuple[int, ...], lang: str, lines: Sequence[str]) -> bool:
    if not marks or any(not 1 <= n <= len(lines) for n in marks):
        return False
    cited = [lines[n - 1] for n in marks]
    whole = " ".join(cited)
    if any(name.lower() not in whole.lower() for name in names_and_numbers(words)):
        return False
    content = _content(words, lang)
    if not content or len(content & _content(whole, lang)) / len(content) < SUPPORTED:
        return False
    nearest = max(
        (part for line in cited for part in re.split(r"(?<=[.!?;:])\s+|\n", line)),
        key=lambda part: len(content & _content(part, lang)),
    )
    return _negated(words, lang) == _negated(nearest, lang)


def names_and_numbers(sentence: str) -> set[str]:
    """What must stand in the lines literally: numbers, hosts, paths, code, and names inside the sentence."""
    exact = set(re.findall(r"`([^`]+)`", sentence))
    exact |= set(re.findall(r"\d+(?:[.,:]\d+)*", sentence))
    exact |= set(re.findall(r"[\w-]+(?:\.[\w-]+)+|\w+://\S+|/[\w/.-]{2,}", sentence))
    words = re.findall(r"(?<![\w.])[^\W\d_][\w-]*", re.sub(r"`[^`]*`", "", sentence))
    exact |= {word for word in words[1:] if word[0].isupper() and len(word) > 1}
    exact |= {word for word in words[:1] if word[1:] != word[1:].lower()}
    return exact


def _content(text: str, lang: str) -> frozenset[str]:
    lang = language(lang)
    common = _COMMON[lang].split()
    words = {word.lower() for word in _WORD.findall(text) if len(word) > 3 or word.isupper()}
    return frozenset(snowball(word, lang) for word in words if word not in common)


def _negated(text: str, lang: str) -> bool:
    return any(word.lower() in _NEGATIONS[language(lang)] for word in _WORD.findall(text))
