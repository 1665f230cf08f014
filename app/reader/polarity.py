"""Yes or no: what a statement answers to a question that it may not repeat. Words alone, no training."""

from __future__ import annotations

import re

from app.reader import words
from app.reader.cues import anywhere, listed, opening
from app.reader.lexical import concepts_of
from app.reader.lexical import words as lexical_words
from app.reader.text import fold
from knowledge.model import Step

UNTOLD = anywhere("untold")
"""`I don't know`, `how would I see that`: no answer."""
ILL = anywhere("ill")
"""Says that something is not as it should be."""
WELL = anywhere("well")
FREE = re.compile(r"\w{3,}-free\b")
ONLY = anywhere("only")
ALWAYS = anywhere("always")
DOUBLE = anywhere("double")
"""`not only`, `nothing but`: negates nothing."""

FINE = anywhere("fine")
FAILS = anywhere("fails")
"""Denies what follows without a word of negation."""
SUPPOSE = opening("suppose")
ABILITY = anywhere("ability")
"""`Do you know how to measure it?`: asked before the question itself."""
QUOTED = re.compile(r"[\"'][^\"']{3,60}[\"']")
"""What a machine shows is no part of what is asked: `do you see "No system found"?`"""
LOOKED = opening("looked")
"""`I checked`: says that somebody looked, and not what was seen."""

LACKS = re.compile(r"\b(?:without|with no|sem|sin)\s+((?:\w+\s*){1,3})")
OPPOSITES = tuple(
    tuple(re.compile(rf"(?<!\w)(?:{side})(?!\w)") for side in pair.split(" <> "))
    for pair in listed("opposites")
)

CLEAR, PLAIN, VAGUE = 0.95, 0.85, 0.7


def tells(folded: str) -> bool:
    """Something is stated that can be an answer."""
    if LOOKED.match(folded) and len(folded.split()) <= 6:
        return False
    return not UNTOLD.search(folded) and not (SUPPOSE.match(folded) and not words.YES.match(folded))


def yes_or_no(text: str, step: Step, lang: str) -> tuple[str, float]:
    """The answer and how clearly it is told, by the first sentence of a text that tells one."""
    folded = fold(text)
    question = QUOTED.sub(" ", fold(step.title))
    examples = _by_example(folded, step, lang)
    if examples is not None:
        return examples
    if words.YES.match(folded) and not _contradicts(folded, lang):
        return "yes", CLEAR
    if words.NO.match(folded) and not (lang == "pt" and re.match(r"no\b", folded)):
        return "no", CLEAR
    folded = _in_scope(folded, question, lang)
    denied = bool(_negations(folded, question, lang)) ^ bool(_negations(question, folded, lang))
    if FINE.search(folded) and not WELL.search(question) and not denied:
        return "no", VAGUE  # asked after a sign of trouble, and told that all is well
    if ONLY.search(question) and ALWAYS.search(folded):
        denied = True
    elif _ill(folded, lang) != _ill(question, lang) and (_ill(question, lang) or WELL.search(question)):
        # Asked whether it is well and told that it is not, or the other way round.
        denied = (WELL.search(question) is not None) if _ill(folded, lang) else bool(WELL.search(folded))
        denied = denied or bool(_negations(folded, question, lang))
    elif _opposite(folded, question):
        denied = not denied
    return ("no" if denied else "yes"), PLAIN


def _in_scope(text: str, other: str, lang: str) -> str:
    """`A hot room without a fan` is a hot room: what it is without matters only where that is spoken of."""
    match = LACKS.search(text)
    if match is None or LACKS.search(other):
        return text
    rest = text[: match.start()] + text[match.end() :]
    there = _concepts(other, lang) - {"!"}
    if there & _concepts(match[1], lang) or not there & _concepts(rest, lang):
        return text
    return rest


def _opposite(folded: str, question: str) -> bool:
    """Asked for the one, told the other: `automatically` and `by hand`."""
    for one, other in OPPOSITES:
        for asked, told in ((one, other), (other, one)):
            if asked.search(question) and told.search(folded) and not asked.search(folded):
                return not told.search(question)
    return False


def _contradicts(folded: str, lang: str) -> bool:
    """`Yeah, no`"""
    rest = folded.split(" ", 1)[-1]
    return bool(words.NO.match(rest.strip(" ,")))


def _negations(folded: str, question: str, lang: str) -> list[str]:
    """Words that deny, but for those that the question has, too (`without force`)."""
    rest = DOUBLE.sub(" ", folded)
    if not ILL.search(question):
        rest = words.NEUTRAL.sub(" fine ", rest)
    found = [match[0] for match in words.NEGATION[lang].finditer(rest)]
    found += [match[0] for match in FAILS.finditer(rest) if not FAILS.search(question)]
    found += ["-free" for _ in FREE.finditer(rest)]
    asked = {match[0] for match in words.NEGATION[lang].finditer(question)}
    if not question and "no" in found and len(found) == 1:
        return []  # a question that names something missing is not put the other way round
    return [word for word in found if word not in asked]


def _ill(folded: str, lang: str) -> bool:
    """Something is said to be wrong, and that is not denied in the same breath."""
    match = ILL.search(words.NEUTRAL.sub(" fine ", folded))
    return match is not None and not words.NEGATION[lang].search(folded[: match.start()][-25:])


def _by_example(folded: str, step: Step, lang: str) -> tuple[str, float] | None:
    """A statement in nearly the words of an example of the page."""
    said = {"yes": step.says_done, "no": step.says_not_done, **dict(step.says)}
    own = _concepts(folded, lang)
    best: tuple[float, str] = (0.0, "")
    for name, examples in said.items():
        if name not in ("yes", "no"):
            continue
        for example in examples:
            other = _concepts(fold(example), lang)
            both = len(own & other) / max(1, len(own | other))
            best = max(best, (both, name))
    return (best[1], CLEAR) if best[0] >= 0.6 else None


def _concepts(folded: str, lang: str) -> frozenset[str]:
    found: frozenset[str] = frozenset().union(*(concepts_of(word, lang) for word in lexical_words(folded)))
    denied = [match[0] for match in words.NEGATION[lang].finditer(folded)]
    return found | ({"!"} if denied else frozenset())
