"""Which passages answer a message: what is asked stands for itself, and the matter at hand is left out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from app.asking import asked_of_documents, asks, beside, points_back, vague, wondered
from app.facts import under_way
from app.models.case import Case
from app.models.conversation import Message
from app.models.reading import Reading
from app.ports import Services
from app.quotable import RELEVANT, SURE
from knowledge.awaited import awaited
from knowledge.languages import translation_key
from knowledge.model import Hit, Procedure, Value

WORDS_OF_A_QUESTION = 4
"""Fewer than these ask how the matter at hand stands ("and now?", "any news?"), unless they name something
that a page answers: "and webhooks?"."""

FACTS = ("price", "time", "number", "who")
"""What a question may wait for that a step's own section tells: `how long does the warm-up take?`"""


class Found(Value):
    """What the documents say to a message."""

    hits: tuple[Hit, ...] = ()
    on_the_matter: bool = False
    asks_way: bool = False


async def passages_for(
    services: Services,
    procedure: Procedure | None,
    case: Case,
    reading: Reading,
    history: Sequence[Message],
    *,
    holds: bool,
) -> Found:
    """Passages for what is asked. What is asked in between stands for itself, the matter at hand left out.

    `holds`: what is wanted is so already; what they tell of it may be answered by a page.
    """
    if holds and reading.wants_outcome and reading.speech in ("question", "report"):
        return await _in_between(services, procedure, reading, history)
    how = _asks_way(reading, history)
    pointed = procedure is not None and points_back(_own_words(reading, history), reading.language)
    if how and pointed and not _asks_beside(procedure, reading, history):
        return Found(on_the_matter=True, asks_way=True)
    if reading.asks_on and procedure is not None and not how:
        return await _sure_besides(services, procedure, case, reading, history)
    asked = case.said.asked if procedure is not None and procedure.branches else ()
    begun = case.said.guided or asked or case.said.declined
    if reading.speech in ("question", "request") and begun:
        return await _in_between(services, procedure, reading, history)
    if procedure is not None and reading.speech == "question" and reading.faint:
        return await _in_between(services, procedure, reading, history)
    if _asks_documents(reading, procedure):
        hits = await services.library.search(_query(reading, history), lang=reading.language)
        return Found(hits=tuple(hits))
    if reading.speech == "question" and under_way(case.said, procedure):
        return await _in_between(services, procedure, reading, history)
    return Found()


async def _sure_besides(
    services: Services, procedure: Procedure, case: Case, reading: Reading, history: Sequence[Message]
) -> Found:
    """How the matter stands is no question for the documents; what names something else may only sound like
    it, and is answered where another page surely does: `and what becomes of scheduled campaigns?`"""
    if not (under_way(case.said, procedure) and _asks_beside(procedure, reading, history)):
        return Found(on_the_matter=True)
    hits = await services.library.search([(newest_words(history), 1.0)], lang=reading.language)
    best = max(hits, key=lambda hit: hit.relevance, default=None)
    if best is None or best.relevance < SURE or _is_of(procedure, best):
        return Found(on_the_matter=True)
    return Found(hits=tuple(hit for hit in hits if not _is_of(procedure, hit)))


async def _in_between(
    services: Services, procedure: Procedure | None, reading: Reading, history: Sequence[Message]
) -> Found:
    """A request that the page at hand speaks of as well is the wish again, whatever other pages say to it;
    a question is answered by what that page says beside its steps, too."""
    own = _own_words(reading, history)
    if points_back(own, reading.language):
        own = newest_words(history)  # `they want an API key of me. where is that?`
    short = len(own.split()) < WORDS_OF_A_QUESTION
    if short and vague(own, reading.language):
        return Found(on_the_matter=True)
    hits = await services.library.search([(own, 1.0)], lang=reading.language)
    near = [hit for hit in hits if hit.relevance >= RELEVANT]
    if reading.speech == "request":
        of_it = [hit for hit in hits if _is_of(procedure, hit)]
    else:  # what the page at hand only mentions, another one may be about
        fact = awaited(own, reading.language) in FACTS
        of_it = [hit for hit in hits if _is_of_steps(procedure, hit) and not (fact and hit.fits)]
        near = sorted(near, key=lambda hit: -hit.relevance)[:1]
    here = any(hit in of_it for hit in near) or (short and not near)
    if here and not _asks_beside(procedure, reading, history):
        return Found(on_the_matter=True, asks_way=_asks_way(reading, history))
    if not any(_is_of(procedure, hit) for hit in near):  # another page is about it
        of_it = [hit for hit in hits if _is_of(procedure, hit)]
    return Found(hits=tuple(hit for hit in hits if hit not in of_it))


def _asks_way(reading: Reading, history: Sequence[Message]) -> bool:
    return reading.speech == "question" and awaited(_own_words(reading, history), reading.language) == "way"


def _own_words(reading: Reading, history: Sequence[Message]) -> str:
    """What is asked in its own words: with the topic of before, "and now?" would ask the pages about the open
    step."""
    said = next((message.text for message in reversed(history) if message.role == "customer"), "")
    return wondered(reading.request if reading.request in said else said)


async def of_another_page(services: Services, reading: Reading) -> Reading:
    """Who only asks how, and has told of no step, may ask what no procedure brings: `how do I set up a
    sending domain?` is near to moving one, and a page is called that. Such a question is for the documents.
    """
    how = reading.asks_how and not reading.asks_on
    if reading.procedure is None or not how or reading.wants_outcome or reading.claims:
        return reading
    procedure = await services.library.procedure(reading.procedure, reading.language)
    if procedure is None or procedure.branches:
        return reading
    hits = await services.library.search([(reading.request, 1.0)], lang=reading.language)
    near = [hit for hit in hits if hit.relevance >= RELEVANT or _is_of(procedure, hit)]
    named = max(near, key=lambda hit: hit.titled, default=None)
    if named is None or _is_of(procedure, named):
        return reading
    return reading.model_copy(update={"procedure": None, "subjects": ()})


def _asks_documents(reading: Reading, procedure: Procedure | None) -> bool:
    """A procedure at hand says by itself what is left; what no procedure brings, a document may explain."""
    works = reading.wants_outcome and procedure is not None
    return not works and reading.speech not in ("thanks", "greeting")


def _query(reading: Reading, history: Sequence[Message]) -> list[tuple[str, float]]:
    said = [message.text for message in history if message.role == "customer"][:-1]
    replies = (message.text for message in reversed(history) if message.role != "customer")
    return asked_of_documents(reading.request, said, next(replies, ""))


def _asks_beside(procedure: Procedure | None, reading: Reading, history: Sequence[Message]) -> bool:
    """Asks something, and it is not of the matter at hand."""
    asked = reading.speech == "question" or asks(newest_words(history))
    return asked and names_something_else(procedure, reading, history)


def names_something_else(procedure: Procedure | None, reading: Reading, history: Sequence[Message]) -> bool:
    """Whether the words since our last reply name something, and nothing of the matter at hand; where answers
    lead the way, anything that is named may be one."""
    if procedure is None or procedure.branches:
        return False
    titles = [title for step in procedure.steps for title in (step.title, *(each for _, each in step.titles))]
    about = [subject.value for subject in reading.subjects]
    called = (procedure.title, procedure.when, *(title for _, title in procedure.titles))
    return beside(newest_words(history), [*called, *titles, *about], reading.language)


def _is_of(procedure: Procedure | None, hit: Hit) -> bool:
    """Of the procedure's page, in whatever language."""
    if procedure is None:
        return False
    return translation_key(hit.passage.path) == translation_key(procedure.path)


def _is_of_steps(procedure: Procedure | None, hit: Hit) -> bool:
    """Of what that page says of its steps, or before them."""
    steps = {"", *(step.anchor for step in procedure.steps)} if procedure else set()
    return _is_of(procedure, hit) and (hit.passage.anchor or "") in steps


def since_us(history: Sequence[Message]) -> list[Message]:
    return list(takewhile(lambda one: one.role == "customer", reversed(history)))[::-1]


def newest_words(history: Sequence[Message]) -> str:
    return "\n".join(message.text for message in since_us(history))
