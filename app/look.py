"""Facts for a decision: the ledger, the world, the documents, and what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from typing import Literal

from app.action import Action
from app.asking import asked_of_documents, asks, beside, points_back, unclear, vague, wondered
from app.facts import under_way
from app.ledger import claims_of, new_claims, step_states
from app.models.case import Case
from app.models.conversation import Conversation, Message, Mode
from app.models.facts import Continued, Facts
from app.models.people import Standing
from app.models.reading import Reading
from app.models.request import ActionRequest
from app.models.steps import LedgerFact, StepState
from app.modes import mode_of
from app.ports import Progress, Services
from app.proposing import standing_of
from app.verify import Seen, Subjects, subjects_of, tell_tasks, verify
from app.walk import on_the_way
from knowledge.awaited import awaited
from knowledge.languages import translation_key
from knowledge.model import Citation, Hit, Procedure, Value, cite
from knowledge.quotes import shown, with_list

RELEVANT = 0.5
"""A passage answers from this relevance on; set by `stepfour eval cases` on the cases of our own."""

SURE = 0.7
"""From here on nineteen of twenty passages answer, and most questions of how to do a thing get there."""

WORDS_OF_A_QUESTION = 4
"""Fewer than these ask how the matter at hand stands ("and now?", "any news?"), unless they name something
that a page answers: "and webhooks?"."""

NEARLY = 0.25
"""So much less relevant may a passage be that nothing speaks against, and still be cited instead."""

FITTING = 0.15
"""So much less relevant may a passage be and still come first, where its line is of the kind asked for."""

MOST_QUOTES = 2

FACTS = ("price", "time", "number", "who")
"""What a question may wait for that a step's own section tells: `how long does the warm-up take?`"""


class Draft(Value):
    """What a turn knows before it decides."""

    conversation: Conversation
    case: Case
    procedure: Procedure | None
    action: Action | None
    facts: Facts
    seen: Seen
    subjects: Subjects
    hits: tuple[Hit, ...]
    news: tuple[LedgerFact, ...]
    mode: Mode
    turn: str
    """Id of the turn it is for."""


async def look(
    services: Services,
    conversation: Conversation,
    case: Case,
    reading: Reading,
    history: Sequence[Message],
    *,
    message: Message | None,
    turn: str,
    continued: Continued | None = None,
    progress: Progress | None = None,
) -> Draft:
    """Facts for the decision: the ledger, the world, the documents and what was said before.

    `message`: what started the turn; None where it goes on by itself.
    """
    procedure = (
        await services.library.procedure(reading.procedure, reading.language) if reading.procedure else None
    )
    action = services.actions.get(procedure.action) if procedure and procedure.action else None
    perhaps = await services.library.procedure(reading.perhaps, reading.language) if reading.perhaps else None
    known = await services.store.facts(case.id)
    news: tuple[LedgerFact, ...] = ()
    subjects, seen = Subjects(), Seen()
    if procedure is not None:
        case = case.model_copy(update={"version": procedure.version})
        said_at = {message.id: message.at for message in history}
        news = new_claims(
            reading, known, case=case.id, procedure=procedure.id, at=services.clock(), said_at=said_at
        )
        if reading.wants_outcome or reading.asks_how:
            subjects = await subjects_of(procedure, action, reading, conversation, services, said=history)
            telling = tell_tasks(progress, turn, procedure, reading.language) if progress else None
            seen = await verify(procedure, action, subjects, conversation, services, telling=telling)
            news += seen.ledger(case, procedure, services.clock())
    found = _Found()
    if message is not None:
        holds = bool(seen.read_back and seen.read_back.met)
        found = await _documents(services, procedure, case, reading, history, holds=holds)
    draft = Draft(
        conversation=conversation,
        case=case,
        procedure=procedure,
        action=action,
        facts=Facts(reading=reading),
        seen=seen,
        subjects=subjects,
        hits=found.hits,
        news=news,
        mode=mode_of(services.settings, conversation),
        turn=turn,
    )
    spoken = _spoken(reading, history) if message is not None else ()
    facts = await _facts(services, draft, known, message=message, spoken=spoken)
    more = {
        "continued": continued,
        "on_the_matter": found.on_the_matter,
        "asks_way": found.asks_way,
        "perhaps": perhaps,
        "unclear": "" if message is None else _unclear(reading, history, found.hits),
        "vague": message is not None and vague(_newest(history), reading.language),
        "asks": message is not None and asks(_newest(history)),
        "beside": message is not None and _beside(procedure, reading, history),
    }
    return draft.model_copy(update={"facts": facts.model_copy(update=more)})


def _spoken(reading: Reading, history: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    """What the words since our last reply say of steps; not what was said before it."""
    newest = {message.id for message in _since_us(history)}
    return tuple((claim.step, claim.status) for claim in reading.claims if claim.message in newest)


def words_of(message: Message) -> Message:
    """A message with the words of the text files that came with it: they are part of what was said."""
    files = [attachment.text for attachment in message.attachments if attachment.text]
    if not files:
        return message
    return message.model_copy(update={"text": "\n\n".join(filter(None, (message.text, *files)))})


async def _facts(
    services: Services,
    draft: Draft,
    known: Sequence[LedgerFact],
    *,
    message: Message | None,
    spoken: tuple[tuple[str, str], ...],
) -> Facts:
    """Everything that `decide` may look at. `known`: the ledger of before this turn."""
    case, reading, now = draft.case, draft.facts.reading, services.clock()
    watching = await services.store.watching(case.id)
    pending = await services.store.requests("proposed", "approved", "executing", "verifying", case=case.id)
    approval = _approval(services, draft.conversation, draft.action, reading)
    standing = await _standing(services, draft.conversation, reading)
    return Facts(
        reading=reading,
        person_active=draft.conversation.person_active,
        standing=standing,
        missing_subject=draft.subjects.missing,
        among=draft.subjects.among if standing in ("owner", "member") else (),
        foreign_subject=draft.subjects.foreign,
        procedure=draft.procedure,
        outcome_holds=draft.seen.read_back.met if draft.seen.read_back else None,
        steps=_steps(draft, known, now),
        action_approval=approval,
        action_pending=any(_waits(request, draft, approval) for request in pending),
        action_failed=await _failed_before(services, case),
        action_sent=bool(await services.store.requests("sent", case=case.id)),
        done_before=case.state in ("solved", "asked"),
        citations=citations_of(draft.hits),
        cited=_cited(draft.procedure, case.said.places),
        said=case.said.model_copy(update={"watching": watching is not None}),
        spoken=spoken,
        resumed=message is None,
        addressed=message is None or message.addressed,
        unread_images=message is not None and any(file.image for file in message.attachments),
        # Whoever writes starts a fresh watch: only a look by ourselves can be the last one.
        watch_over=message is None
        and watching is not None
        and (now - watching.since).total_seconds() >= services.settings.watch_for_seconds,
    )


def _steps(draft: Draft, known: Sequence[LedgerFact], now: datetime) -> tuple[StepState, ...]:
    if draft.procedure is None:
        return ()
    states = step_states(
        draft.procedure,
        claims=claims_of([*known, *draft.news], draft.procedure.id),
        findings=draft.seen.by_step,
        must_check=frozenset(draft.action.prerequisites) if draft.action else frozenset(),
        not_applicable=frozenset(fact.step for fact in known if fact.kind == "not_applicable"),
        now=now,
    )
    return on_the_way(draft.procedure, states)


class _Found(Value):
    """What the documents say to a message."""

    hits: tuple[Hit, ...] = ()
    on_the_matter: bool = False
    asks_way: bool = False


async def _documents(
    services: Services,
    procedure: Procedure | None,
    case: Case,
    reading: Reading,
    history: Sequence[Message],
    *,
    holds: bool,
) -> _Found:
    """Passages for what is asked. What is asked in between stands for itself, the matter at hand left out.

    `holds`: what is wanted is so already; what they tell of it may be answered by a page.
    """
    if holds and procedure is not None and reading.speech in ("question", "report"):
        return await _in_between(services, procedure, reading, history)
    how = _asks_way(reading, history)
    if procedure is not None and how and points_back(_own_words(reading, history), reading.language):
        return _Found(on_the_matter=True, asks_way=True)
    if reading.asks_on and procedure is not None and not how:
        return await _sure_besides(services, procedure, case, reading, history)
    asked = case.said.asked if procedure is not None and procedure.branches else ()
    if reading.speech in ("question", "request") and (case.said.guided or asked):
        return await _in_between(services, procedure, reading, history)
    if _asks_documents(reading, procedure):
        hits = await services.library.search(_query(reading, history), lang=reading.language)
        return _Found(hits=tuple(hits))
    if reading.speech == "question" and under_way(case.said, procedure):
        return await _in_between(services, procedure, reading, history)
    return _Found()


async def _sure_besides(
    services: Services, procedure: Procedure, case: Case, reading: Reading, history: Sequence[Message]
) -> _Found:
    """How the matter stands is no question for the documents; what names something else may only sound like
    it, and is answered where another page surely does: `and what becomes of scheduled campaigns?`"""
    if not (under_way(case.said, procedure) and _asks_beside(procedure, reading, history)):
        return _Found(on_the_matter=True)
    hits = await services.library.search([(_newest(history), 1.0)], lang=reading.language)
    best = max(hits, key=lambda hit: hit.relevance, default=None)
    if best is None or best.relevance < SURE or _is_of(procedure, best):
        return _Found(on_the_matter=True)
    return _Found(hits=tuple(hit for hit in hits if not _is_of(procedure, hit)))


async def _in_between(
    services: Services, procedure: Procedure | None, reading: Reading, history: Sequence[Message]
) -> _Found:
    """A request that the page at hand speaks of as well is the wish again, whatever other pages say to it;
    a question is answered by what that page says beside its steps, too."""
    own = _own_words(reading, history)
    short = len(own.split()) < WORDS_OF_A_QUESTION
    if short and vague(own, reading.language):
        return _Found(on_the_matter=True)
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
        return _Found(on_the_matter=True, asks_way=_asks_way(reading, history))
    if not any(_is_of(procedure, hit) for hit in near):  # another page is about it
        of_it = [hit for hit in hits if _is_of(procedure, hit)]
    return _Found(hits=tuple(hit for hit in hits if hit not in of_it))


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
    if reading.procedure is None or not reading.asks_how or reading.wants_outcome or reading.claims:
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


def _is_of(procedure: Procedure | None, hit: Hit) -> bool:
    """Of the procedure's page, in whatever language."""
    if procedure is None:
        return False
    return translation_key(hit.passage.path) == translation_key(procedure.path)


def _is_of_steps(procedure: Procedure | None, hit: Hit) -> bool:
    """Of what that page says of its steps, or before them."""
    steps = {"", *(step.anchor for step in procedure.steps)} if procedure else set()
    return _is_of(procedure, hit) and (hit.passage.anchor or "") in steps


async def _standing(services: Services, conversation: Conversation, reading: Reading) -> Standing:
    """Asked of the account system, and only where something hangs on it."""
    if conversation.principal.kind == "anonymous":
        return "anonymous"
    if not reading.wants_outcome:
        return "unknown"
    return await standing_of(services, conversation.principal)


_LEVELS = ("none", "customer", "agent")


def _waits(request: ActionRequest, draft: Draft, approval: Literal["none", "customer", "agent"]) -> bool:
    """Not one that was laid before somebody whose yes is not needed any more: an agent who has left since, a
    customer who has now said plainly what they want."""
    too_careful = request.state == "proposed" and _LEVELS.index(request.approval) > _LEVELS.index(approval)
    return not too_careful or draft.conversation.person_active


async def _failed_before(services: Services, case: Case) -> bool:
    ended = await services.store.requests("undone", "needs_person", "refused", case=case.id)
    return any(request.state != "refused" or request.rejected for request in ended)


def _approval(
    services: Services, conversation: Conversation, action: Action | None, reading: Reading
) -> Literal["none", "customer", "agent"]:
    if action is None:
        return "none"
    mode = mode_of(services.settings, conversation, action.name)
    if mode == "suggest":
        return "agent"
    return "customer" if reading.faint and action.approval == "none" else action.approval


def _asks_documents(reading: Reading, procedure: Procedure | None) -> bool:
    """A procedure at hand says by itself what is left; what no procedure brings, a document may explain."""
    works = reading.wants_outcome and procedure is not None
    return not works and reading.speech not in ("thanks", "greeting")


def _query(reading: Reading, history: Sequence[Message]) -> list[tuple[str, float]]:
    said = [message.text for message in history if message.role == "customer"][:-1]
    replies = (message.text for message in reversed(history) if message.role != "customer")
    return asked_of_documents(reading.request, said, next(replies, ""))


def _unclear(reading: Reading, history: Sequence[Message], hits: Sequence[Hit]) -> str:
    """In the customer's words since our last reply; what was said before them names things."""
    before = [message.text for message in history[: len(history) - len(_since_us(history))]]
    return unclear_of(_newest(history), before, hits, reading.language)


def _asks_beside(procedure: Procedure | None, reading: Reading, history: Sequence[Message]) -> bool:
    """Asks something, and it is not of the matter at hand."""
    asked = reading.speech == "question" or asks(_newest(history))
    return asked and _beside(procedure, reading, history)


def _beside(procedure: Procedure | None, reading: Reading, history: Sequence[Message]) -> bool:
    """Whether the words since our last reply name something, and nothing of the matter at hand; where answers
    lead the way, anything that is named may be one."""
    if procedure is None or procedure.branches:
        return False
    titles = [title for step in procedure.steps for title in (step.title, *(each for _, each in step.titles))]
    about = [subject.value for subject in reading.subjects]
    called = (procedure.title, procedure.when, *(title for _, title in procedure.titles))
    return beside(_newest(history), [*called, *titles, *about], reading.language)


def _since_us(history: Sequence[Message]) -> list[Message]:
    return list(takewhile(lambda one: one.role == "customer", reversed(history)))[::-1]


def _newest(history: Sequence[Message]) -> str:
    return "\n".join(message.text for message in _since_us(history))


def unclear_of(newest: str, before: Sequence[str], hits: Sequence[Hit], lang: str) -> str:
    """Where a page surely answers nothing needs a name: "this domain" is any domain to who asks how to
    delete one."""
    sure = any(hit.relevance >= SURE for hit in hits)
    return "" if sure else unclear(newest, before, lang)


def citations_of(hits: Sequence[Hit]) -> tuple[Citation, ...]:
    """The lines that answer, with where they stand and the lists that they belong to; empty where no passage
    is relevant enough. What is of the kind that was asked for comes first."""
    found = _undoubted([hit for hit in hits if hit.relevance >= RELEVANT])
    best = max((hit.relevance for hit in found), default=0.0)
    found = sorted(found, key=lambda hit: not hit.fits or hit.relevance < best - FITTING)
    said: list[Hit] = []
    for hit in found:
        if not any(_translated(hit, other) for other in said):
            said.append(hit)
    quoted = [(hit, quote) for hit in said for quote in hit.quotes[:1]][:MOST_QUOTES]
    return tuple(_cited_as(hit, with_list(hit.passage.text, quote)) for hit, quote in quoted)


def _translated(one: Hit, other: Hit) -> bool:
    """The same section of the same page in another language."""
    a, b = one.passage, other.passage
    same_page = a.lang != b.lang and translation_key(a.path) == translation_key(b.path)
    return same_page and (a.anchor, a.ord) == (b.anchor, b.ord)


def _cited_as(hit: Hit, quote: str) -> Citation:
    passage = hit.passage
    citation = cite(passage, quote, shown(passage.text, quote, hit.asked, passage.lang))
    return placed(citation).model_copy(update={"doubt": _doubt(hit)})


def _undoubted(hits: Sequence[Hit]) -> Sequence[Hit]:
    """Without what another page contradicts or replaces, where something else answers nearly as well."""
    sound = [hit for hit in hits if hit.mark is None]
    best = max((hit.relevance for hit in hits), default=0.0)
    return sound if any(hit.relevance >= best - NEARLY for hit in sound) else hits


def _doubt(hit: Hit) -> Literal["", "contradicted", "outdated"]:
    if hit.mark is None:
        return ""
    outdated = hit.mark.kind in ("superseded", "gone_from_product", "screen_missing")
    return "outdated" if outdated else "contradicted"


def _cited(procedure: Procedure | None, places: Sequence[str]) -> tuple[str, ...]:
    if procedure is None:
        return ()
    page = translation_key(procedure.path)
    return tuple(step.id for step in procedure.steps if f"{page}#{step.anchor}" in places)


def placed(citation: Citation) -> Citation:
    """With the name of its section; what stands above the first section of a page has none."""
    place = f"{translation_key(citation.path)}#{citation.anchor}" if citation.anchor else ""
    return citation.model_copy(update={"place": place})
