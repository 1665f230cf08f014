"""A step told by its value: `we are on Scale`, `we go with the careful one`."""

from __future__ import annotations

import re

from app.reader import words
from app.reader.book import Book
from app.reader.heard import Part
from app.reader.status import DONE, Said
from app.reader.text import Clause, fold
from knowledge.model import Step

VALUE = re.compile(r"(?<=\w )[A-Z][\w-]+")
"""A name in the middle of a title: the plan `Scale`, not the verb it begins with."""

LINK = (
    r"(?:(?:the|an?|on|in|our|plan|customers?|with|now|o|a|no|na|do|da|em|plano|clientes?|com|el|la|en|del|con|al)"
    r" ){0,3}"
)
"""Words between having and what is had; a question `on the Scale plan` has another word there."""


def has_it(clause: Clause, step: Step, lang: str, said: Said) -> Said:
    """`We are on Scale`, or `Scale` alone: the name of what a step asks for, and nothing against it."""
    folded = clause.piece.folded
    titles = (step.title, *(title for _, title in step.titles))
    values = {fold(name) for title in titles for name in VALUE.findall(title)}
    if said.open or clause.question or len(folded.split()) > 7:
        return said
    if words.NEGATION[lang].search(folded) or words.UNSURE.search(folded):
        return said
    held = any(re.search(rf"{words.HOLDS.pattern} {LINK}{re.escape(name)}(?!\w)", folded) for name in values)
    if folded.strip(" .!") in values or (held and not said.short):
        return said._replace(status=DONE, strength=0.7)
    return said


def chooses(part: Part, lang: str, book: Book) -> Part:
    """`We go with the small one`: a step that asks for a choice is done once somebody says which."""
    folded = part.clause.piece.folded
    against = (words.NEGATION[lang], words.UNSURE, words.STILL_TO)
    if part.clause.question or any(pattern.search(folded) for pattern in against):
        return part
    asking = tuple(n for n, step in enumerate(book.procedure.steps) if words.CHOOSES.match(fold(step.title)))
    named = tuple(step for step in part.steps if step in asking)
    meant = named or (book.topic.steps if book.topic.asked and len(book.topic.steps) == 1 else ())
    picked = tuple(n for n in meant if n in asking and _picks(folded, book.procedure.steps[n]))
    settled = words.SETTLES_ON.search(folded) or (named and words.WANTS_ONE.search(folded))
    if not (picked or settled):
        return part
    if not picked and not named and (part.steps or len(asking) != 1 or len(folded.split()) < 4):
        return part
    said = part.said._replace(status=DONE, strength=0.85, backed=True, planned=False, open=False)
    sure = max(part.sureness, 0.7) if picked else part.sureness if named else 0.5
    return part._replace(steps=picked or named or asking, said=said, sureness=sure)


OPTION = re.compile(
    r"^(?:\|\s*(?![^\n]*\n\|[ :-]*-)|\s*[-*]\s+\*\*)(?P<name>[^|*\n-][^|*\n]{1,29}?)(?:\*\*|\s*\|)", re.M
)
"""The first cell of a table's row, and not of its head, or what is bold at the beginning of a list's item."""


def _picks(folded: str, step: Step) -> bool:
    """Exactly one of the ways that the step's section names is named."""
    options = {fold(match["name"]).strip() for match in OPTION.finditer(step.text)}
    found = [one for one in options if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", folded)]
    return len(found) == 1 and not words.OPEN.search(folded)
