"""What a clause says about the thing it is about: done, not done, failed, or nothing that counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from app.reader import words
from app.reader.heads import STATUSES
from app.reader.lexical import without_phrases
from app.reader.text import Clause

_NAME = re.compile(r"(?<=\w )[A-Z]\w{3,}")
DONE, NOT_DONE, FAILED = "done", "not_done", "failed"


class Said(NamedTuple):
    status: str | None
    """None: no statement, or one that is asked, wished, supposed or demanded."""
    strength: float
    """0..1: how clearly the words say it."""
    short: str | None = None
    """`yes`, `no` or `also` where the clause begins like an answer."""
    planned: bool = False
    open: bool = False
    """Not a statement of fact: a question, a condition, a duty."""
    backed: bool = False
    """The plain words say so too, not the trained head alone."""


def without_hosts(folded: str) -> str:
    """Same length: in `n.shop.example` the `n` says no."""
    return words.HOSTISH.sub(lambda match: "x" * len(match[0]), folded)


def cues(text: str, folded: str, lang: str) -> list[float]:
    """The general words of a clause as numbers, one column each, as the head was trained with them."""
    folded = without_hosts(folded)
    rest = words.NEUTRAL.sub(" fine ", folded)
    negations = [match.start() for match in words.NEGATION[lang].finditer(rest)]
    complete = _places(words.COMPLETE, rest)
    participle = _ends(words.PARTICIPLE[lang], rest)
    past = _places(words.PAST[lang], rest) or (
        _places(words.ES_PRETERITE, text.lower()) if lang == "es" else []
    )
    all_complete = sorted([*complete, *participle, *past])
    flags = (
        "?" in text, words.ASKING.match(folded), words.CONDITION[lang].search(folded),
        words.PLAN[lang].search(_without_names(text, folded)),
        words.DUTY.search(rest), rest != folded, negations, words.FAIL.search(rest), complete,
        participle, past,
        words.OPEN.search(rest), words.TRIED.search(rest), words.YES.match(folded), words.NO.match(folded),
        words.ALSO.search(folded), words.MARKS_DONE.search(text), words.MARKS_OPEN.search(text),
        any(_negated(place, negations) for place in all_complete),
        bool(all_complete) and _denied_later(all_complete, negations, rest), len(folded.split()) <= 4,
        lang == "en", lang == "pt", lang == "es",
    )  # fmt: skip
    return [float(bool(flag)) for flag in flags]


def said(clause: Clause, lang: str, scores: Sequence[float], *, titled: bool = False) -> Said:
    """`scores`: what the trained head makes of the clause, in the order of `heads.STATUSES`.

    `titled`: a step's title stands in it, so that the head has heard the words of the title as well.
    """
    folded = words.COURTESY.sub("", without_hosts(clause.piece.folded))
    after = folded[len(clause.head.folded) + 1 :].lstrip() if clause.head else folded
    if not clause.question:
        after = words.CLEFT.sub("", words.RELATIVE.sub("", after, count=1), count=1)
        folded = after if not clause.head else folded
    short = _short(after, lang)
    if clause.head and short and len(after.split()) <= 2:
        # `tills: yes` is answered by what comes after the colon.
        folded = after
    if words.CROSSED_OFF.search(folded) and not (clause.question or words.NEGATION[lang].search(folded)):
        return Said(DONE, 0.95, short, backed=True)
    if words.ORDERS.match(folded) and not words.ENDS_DONE.search(folded):
        return Said(None, 0.0, short, open=True)
    tag = re.search(r"\b(?:right|ok|correct|certo|ne|verdad|no)\s*\??$", folded)
    yes = clause.piece.text.lower().startswith("sí") or words.YES_DONE.match(folded)
    supposed = words.CONDITION[lang].search(folded) and not yes
    past = words.NARRATIVE.search(folded) and not words.AS_TOLD.search(folded)
    erred = words.ERRED.search(folded) or words.WITHDRAW.search(folded)
    told = past or words.YOURS.match(folded) or erred
    if (clause.question and not tag) or supposed or told or (words.ASKING.match(folded) and not short):
        return Said(None, 0.0, short, open=True)
    by_words = _stated(clause, folded, lang, short)
    unsure = words.UNSURE.search(folded) or (words.WISH.search(folded) and by_words.strength < 0.8)
    if unsure and by_words.status != FAILED:
        return Said(None, 0.0, short, open=True)
    attempt = words.TRIED.search(folded) and not words.SETTLED.search(folded)
    if by_words.status == DONE and attempt:
        return Said(None, 0.0, short, open=True)
    if words.WISH_LEAD.match(folded) and not words.FAIL.search(folded):
        return Said(None, 0.0, short, open=True)
    if by_words.planned or by_words.strength > 0.9 or (len(folded.split()) <= 2 and by_words.status):
        return by_words._replace(backed=True)
    if (clause.head or titled) and by_words.strength >= 0.7 and by_words.status:
        return by_words._replace(backed=True)
    weighed = _weighed(by_words, dict(zip(STATUSES, scores, strict=True)))
    return Said(None, 0.0, short, open=True) if weighed.status == DONE and attempt else weighed


def _weighed(by_words: Said, likely: dict[str, float]) -> Said:
    """The trained head and the plain words together; of those, failure words are nearly always right."""
    if by_words.status:
        trust = {FAILED: 0.8, NOT_DONE: 0.8 if by_words.strength >= 0.85 else 0.4, DONE: 0.5}[by_words.status]
        likely[by_words.status] += trust * by_words.strength
    best = max(likely, key=likely.__getitem__)
    # A failure that no word of failure tells of has to be clear.
    least = 0.8 if best == FAILED and by_words.status != FAILED else 0.4
    if best in (DONE, NOT_DONE, FAILED) and likely[best] >= least:
        return by_words._replace(
            status=best, strength=min(1.0, likely[best]), open=False, backed=best == by_words.status
        )
    if by_words.status and by_words.strength >= 0.7 and likely["open"] < 0.5 and likely["none"] < 0.9:
        return by_words._replace(strength=0.5, backed=True)
    return Said(None, 0.0, by_words.short, open=best == "open")


def _stated(clause: Clause, folded: str, lang: str, short: str | None) -> Said:
    """What the plain words say."""
    rest = words.NEUTRAL.sub(" fine ", without_phrases(folded, lang))
    negations = _places(words.NEGATION[lang], rest)
    failed = None if words.MENDS.search(rest) and not negations else words.FAIL.search(rest)
    left = words.OPEN.search(rest)
    if left and words.ALREADY.search(rest, left.end()) and _completions(clause, rest[left.end() :], lang):
        # `the outstanding amount we have paid already`: the word belongs to the thing, not to its state.
        left = None
    if words.MARKS_DONE.search(clause.piece.text):
        return Said(DONE, 0.95, short)
    if words.MARKS_OPEN.search(clause.piece.text):
        return Said(NOT_DONE, 0.95, short)
    if _planned(_without_names(clause.piece.text, folded), lang):
        return Said(NOT_DONE, 0.7, short, planned=True)
    if words.NEVER.search(rest) and not failed and not words.ARRIVES.search(rest):
        return Said(NOT_DONE, 0.95, short)
    if failed or (words.SYMPTOM.search(rest) and negations):
        return Said(FAILED, 0.85, short)
    if words.STILL_TO.search(rest) and not negations:
        return Said(NOT_DONE, 0.85, short)
    if words.DUTY.search(rest) and not negations:
        return Said(None, 0.0, short, open=True)
    if left and not _negated(left.start() - 1, negations):  # `not yet` has its own `not`
        return Said(NOT_DONE, 0.8, short)
    complete = _completions(clause, rest, lang)
    if complete:
        denied = any(_negated(place, negations) for place in complete) or _denied_later(
            complete, negations, rest
        )
        return Said(NOT_DONE if denied else DONE, 0.85, short)
    # `Nothing is missing`, or a negation that says that all is well.
    return _bare(short, negations, well=rest != folded or left is not None)


def _without_names(text: str, folded: str) -> str:
    """`Cloudflare` ends like a Spanish future: a name in the middle of a clause is no verb."""
    masked = list(folded)
    for match in _NAME.finditer(text):
        masked[match.start() : match.end()] = "x" * len(match[0])
    return "".join(masked)


def _planned(rest: str, lang: str) -> bool:
    plan = words.PLAN[lang].search(rest)
    if plan is None:
        return False
    # `the name that people will see is entered` is no plan; `I'll send it when it is signed` is one.
    stands = words.STANDS.search(rest, plan.end() + 4)
    return stands is None or words.WHEN.search(rest, plan.end(), stands.start()) is not None


def _bare(short: str | None, negations: list[int], *, well: bool) -> Said:
    """Where nothing is said to be complete, open or failed: `no problem there`, `not that one`, `yes`."""
    if well:
        return Said(DONE, 0.6, short)
    if short == "no" or negations:
        return Said(NOT_DONE, 0.6 if negations else 0.5, short)
    return Said(DONE, 0.7, short) if short in {"yes", "also"} else Said(None, 0.0, short)


def _short(folded: str, lang: str) -> str | None:
    if words.NO.match(folded) and not (lang == "pt" and re.match(r"no\b", folded)):
        return "no"
    if words.YES.match(folded):
        return "yes"
    if words.ALSO.search(folded) and len(folded.split()) <= 6:
        return "also"
    return None


def _places(pattern: re.Pattern[str], text: str) -> list[int]:
    return [match.start() for match in pattern.finditer(text)]


def _ends(pattern: re.Pattern[str], text: str) -> list[int]:
    """Where the participle itself stands: in `have not gone` the negation is inside the match."""
    return [match.end() - 1 for match in pattern.finditer(text)]


def _completions(clause: Clause, rest: str, lang: str) -> list[int]:
    places = _places(words.COMPLETE, rest)
    places += _ends(words.PARTICIPLE[lang], rest) + _places(words.PAST[lang], rest)
    if lang == "es":
        places += _places(words.ES_PRETERITE, clause.piece.text.lower())
    return sorted(places)


def _negated(place: int, negations: list[int]) -> bool:
    """A negation shortly before it."""
    return any(0 <= place - negation <= 45 for negation in negations)


def _denied_later(complete: list[int], negations: list[int], rest: str) -> bool:
    """`tracking on not yet`, `certificado nao`: a negation that ends the clause."""
    return any(negation > complete[-1] and len(rest[negation:].split()) <= 3 for negation in negations)
