"""What the customer has said or shown about each step, message by message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from app.models import Claim, Input, Procedure, Step
from app.reader import wishes, words
from app.reader.aftermath import (
    OWN_MATTER,
    announced,
    brought,
    effect_of_trying,
    qualified,
    tried,
    went_wrong,
)
from app.reader.amounts import note_amounts
from app.reader.book import Book, Topic
from app.reader.data import SILENT, unfenced
from app.reader.goals import holds
from app.reader.heard import Heard, Part, in_its_tongue, own_titles, place, titled_in
from app.reader.lexical import concepts_of
from app.reader.lexical import words as lexical_words
from app.reader.pointing import asked_by_place, at, place_in_list
from app.reader.polarity import LOOKED
from app.reader.retract import taken_back, takes_back
from app.reader.status import DONE, FAILED, NOT_DONE, Said, said
from app.reader.text import Clause, Piece, Sentence, fold
from app.reader.told import ACTS
from app.reader.values import chooses, has_it

SURE = 0.46
"""Below this a clause is about no step: nothing rather than a guess."""


BRIEFLY = 3
"""Words; what is said in so few goes on about what was spoken of."""

WORDS, NAMED = 3, 0.9
"""Fewer words of ours, such as `Good` or `message 5`, are about a step only if they plainly name it."""

TELLS_NOTHING = (
    "chat", "other", "own", "aside", "complaint", "thanks", "greeting", "person",
)  # fmt: skip
PROMISED = 0.6
"""From here on a sentence promises, and what it promises is the step that we spoke of."""
ASKS = 0.5
"""From here on a question asks for something else than how the matter stands."""
ASIDE = 0.5
"""From here on a sentence tells of something beside the matter, though it reports."""
LITTLE, MOSTLY = 0.3, 0.7
"""A sentence that does one of these for the most part, and hardly reports, tells nothing of a step."""

PLANNED = "planned"
"""A promise about what we spoke of last: the ledger counts it as not done, and nobody has tried yet."""


def claims_of(
    heard: Sequence[Heard], procedure: Procedure, subjects: Sequence[Input] = ()
) -> tuple[Claim, ...]:
    """The newest claim per step and subject."""
    book = Book(procedure, subjects)
    for one in heard:
        if one.message.role == "customer":
            _read(one, book)
        else:
            book.topic = _topic(one, procedure)
    return book.claims


def _best(scores: Sequence[float] | None, least: float = SURE) -> int | None:
    if not scores:
        return None
    top = max(range(len(scores)), key=scores.__getitem__)
    return top if scores[top] >= least else None


def _topic(heard: Heard, procedure: Procedure) -> Topic:
    """Which steps a message of ours asks about or explains. What it states is not the customer's word."""
    steps: list[int] = []
    labels: list[tuple[str, int]] = []
    asked: list[int] = []
    for sentence in heard.parted.sentences:
        folded = sentence.piece.folded
        counted = asked_by_place(folded, tuple(dict.fromkeys(steps))) if sentence.question else ()
        titled = counted or _titled(folded, procedure)
        for clause in sentence.clauses:
            brief = len(clause.piece.folded.split()) < WORDS
            best = _best(heard.scores.get(place(clause.piece)), NAMED if brief else SURE)
            found = titled or (() if best is None else (best,))
            steps += found
            if sentence.question:
                asked += found
            if clause.label and best is not None:
                labels.append((clause.label, best))
    # What else it says, such as what is in place already, is not what an answer is about.
    text = fold(heard.message.text)
    meant = asked or _titled(text, procedure, around="**") or _last_quoted(text, procedure) or steps
    return Topic(tuple(dict.fromkeys(meant)), tuple(labels), bool(asked))


def _titled(folded: str, procedure: Procedure, around: str = "") -> tuple[int, ...]:
    """The steps whose titles stand in the text, word for word."""
    return tuple(
        number
        for number, step in enumerate(procedure.steps)
        if any(" " in title and f"{around}{title}{around}" in folded for title in own_titles(step))
    )


def _last_quoted(folded: str, procedure: Procedure) -> tuple[int, ...]:
    """Of several steps by their titles the one at hand comes last; before it stands what is in place."""
    places = [
        (folded.rfind(f'"{title}"'), number)
        for number, step in enumerate(procedure.steps)
        for title in own_titles(step)
    ]
    last, number = max(places, default=(-1, 0))
    return (number,) if last >= 0 else ()


def _read(heard: Heard, book: Book) -> None:
    data = list(heard.parted.data)
    fresh = True
    book.pointed = None
    for sentence in heard.parted.sentences:
        while data and data[0][1].start < sentence.piece.start:
            _evidence(heard, *data.pop(0), book)
        if wishes.FORGED.search(sentence.piece.folded) or holds(sentence, asked=book.topic.asked):
            continue
        here = in_its_tongue(heard, sentence)
        fresh = not _read_sentence(here, sentence, book, fresh=fresh) and fresh
        named = [_best(heard.scores.get(place(clause.piece))) for clause in sentence.clauses]
        short_question = sentence.question and len(sentence.piece.folded.split()) <= 7
        book.raised = (
            tuple(step for step in dict.fromkeys(named) if step is not None) if short_question else ()
        )
    for kind, piece in data:
        _evidence(heard, kind, piece, book)


# --- one sentence -------------------------------------------------------------------------------


def _read_sentence(heard: Heard, sentence: Sentence, book: Book, *, fresh: bool) -> bool:
    """Note what one sentence claims; True where it claimed something."""
    parts = [_part(heard, _untitled(clause, book.procedure), book.procedure) for clause in sentence.clauses]
    if not fresh and takes_back(parts, heard.lang) and book.focus is not None:
        denied = parts[-1]._replace(said=Said(NOT_DONE, 0.85, backed=True), sureness=0.9)
        return _note(heard, sentence, denied, book.focus, book, weak=False)
    parts = taken_back(sentence, parts, heard.lang)
    acts = dict(zip(ACTS, heard.acts[place(sentence.piece)], strict=True))
    promises = acts["promise"] >= PROMISED
    several = len({part.clause.label for part in parts} - {""}) > 1
    aside = acts["aside"] >= ASIDE
    if not (several or promises or aside) and note_amounts(heard, sentence, parts, book):
        return True
    if not book.topic.asked:
        parts = [
            _heard_only(part)
            if words.NODS.fullmatch(part.clause.piece.folded) or (parts[1:] and _looked(part))
            else part
            for part in parts
        ]
    parts = brought(sentence, parts, book.procedure)
    parts = tried(sentence, [chooses(part, heard.lang, book) for part in parts])
    parts = qualified(sentence, effect_of_trying(announced(sentence, went_wrong(sentence, parts))))
    parts = _whole_sentence(heard, sentence, _with_neighbours(parts))
    tells = _tells(acts, book)
    besides = sentence.question and acts["how"] + acts["ask"] >= ASKS
    noted = False
    against: set[int] = set()
    last: tuple[int, ...] = ()
    headed: tuple[int, ...] = ()
    listed: tuple[int, ...] = ()
    for heard_part in parts:
        headed = heard_part.steps if heard_part.clause.head else headed
        if (number := place_in_list(heard_part.clause.piece.folded)) is not None:
            listed = at(number, _list_of(book))
            continue
        plain = _as_listed(heard_part, listed)
        part, steps, inferred = _placed(plain, last, headed, sentence, book, fresh=fresh and not noted)
        if part.said.status is None:
            book.pointed = steps[-1] if steps and not part.clause.question else book.pointed
            last = steps if part.steps and not _wishes(part) else last
            continue
        if not tells and (part.sureness < 0.9 or (inferred and not _answers(heard_part))):
            continue  # `good morning`, `we have just closed our seed round`: no yes to what we asked
        if inferred and besides and not _points(heard_part):
            continue  # `a colleague left, how do I remove her?` leads up to another question
        if inferred and part.said.status == DONE:
            # `They haven't begun, they have a lot to do`: what is only inferred takes nothing back.
            steps = tuple(step for step in steps if step not in against)
        against.update(steps if part.said.status != DONE else ())
        for step in steps:
            noted = _note(heard, sentence, part, step, book, weak=inferred or part.sureness < 0.65) or noted
        last = steps or last
    if not noted and fresh and promises:
        for step in book.topic.steps:
            noted = book.note(step, PLANNED, heard, sentence.piece, PROMISED, weak=True) or noted
    return noted


def _note(heard: Heard, sentence: Sentence, part: Part, step: int, book: Book, *, weak: bool) -> bool:
    status = (
        _same(heard, part, book) or _turned(part, heard.lang, book.procedure.steps[step]) or part.said.status
    )
    if status is None:
        return False
    promised = status == DONE and heard.acts[place(sentence.piece)][ACTS.index("promise")] >= PROMISED
    if promised and step not in book.topic.steps:
        return False
    if promised or (part.said.planned and weak and step in book.topic.steps):
        status = PLANNED
    subject = book.subject(step, part.clause.piece.text) or book.subject(step, sentence.piece.text)
    strength = part.said.strength
    if status != part.said.status and words.IN_STATE.search(part.clause.piece.folded):
        strength = max(strength, 0.7)  # `on pause`, where the step is to pause
    confidence = strength * max(part.sureness, 0.6)
    told = (book.procedure.steps[step].id, subject, status, heard.message.id)
    if any(_same_claim(claim, told) and claim.confidence > confidence for claim in book.claims):
        return True  # what only repeats it in the same message makes it no less sure
    book.last = (heard.message.id, status)
    return book.note(step, status, heard, part.quote(sentence), confidence, subject=subject, weak=weak)


def _same_claim(claim: Claim, told: tuple[str, str | None, str, str]) -> bool:
    return (claim.step, claim.subject, claim.status, claim.message) == told


def _untitled(clause: Clause, procedure: Procedure) -> Clause:
    """Who quotes the title `Remove what bounced` says neither that it is removed nor that it bounced."""
    folded = clause.piece.folded
    for step in procedure.steps:
        for title in own_titles(step):
            if " " in title:
                folded = folded.replace(title, TITLE + "x" * (len(title) - len(TITLE)))
    return clause._replace(piece=clause.piece._replace(folded=folded))


def _unfailed(clause: Clause, step: Step, lang: str) -> Clause:
    """A word of failure that the step itself is about is its matter: `we removed the ones that bounced`."""
    matter = frozenset[str]().union(
        *(concepts_of(w, c) for c, t in titled_in(step) for w in lexical_words(t))
    )

    def masked(match: re.Match[str]) -> str:
        return "x" * len(match[0]) if concepts_of(match[0], lang) & matter else match[0]

    folded = words.FAIL.sub(masked, clause.piece.folded)
    return clause._replace(piece=clause.piece._replace(folded=folded))


CERTAIN = 0.95
"""From here on a clause is about its step and nothing else."""


def _part(heard: Heard, clause: Clause, procedure: Procedure) -> Part:
    scores = heard.scores.get(place(clause.piece)) or []
    head = heard.scores.get(place(clause.head)) if clause.head else None
    if head and max(head) >= max(scores, default=0.0):
        scores = head
    best = _best(scores)
    if best is not None:
        clause = _unfailed(clause, procedure.steps[best], heard.lang)
    meant = said(clause, heard.lang, heard.states[place(clause.piece)], titled=TITLE in clause.piece.folded)
    if meant.status is None and best is not None and max(scores) >= CERTAIN:
        meant = has_it(clause, procedure.steps[best], heard.lang, meant)
    if (
        best is not None
        and meant.status is None
        and not meant.open
        and _halted(clause, best, heard, procedure)
    ):
        meant = Said(DONE, 0.8, meant.short, backed=True)
    if words.REASON.match(clause.piece.folded) and max(scores, default=0.0) < OWN_MATTER:
        return Part(clause, (), 0.0, Said(None, 0.0, open=True))
    if best is not None and words.WITHDRAW.search(clause.piece.folded):
        meant = Said(NOT_DONE, 0.8, meant.short, backed=True)
    if wishes.SKIP.search(clause.piece.folded) or _leads_elsewhere(clause):
        meant = Said(None, 0.0, meant.short, open=True)
    return Part(clause, () if best is None else (best,), max(scores, default=0.0), meant)


def _halted(clause: Clause, step: int, heard: Heard, procedure: Procedure) -> bool:
    """`It is on pause now`, where the step is to pause it."""
    folded = clause.piece.folded
    if clause.question or words.NEGATION[heard.lang].search(folded) or words.DUTY.search(folded):
        return False
    return bool(words.HALTS.match(fold(procedure.steps[step].title)) and words.HALTED.search(folded))


def _leads_elsewhere(clause: Clause) -> bool:
    """`Unrelated:`, `another question`: no participle of these tells of a step."""
    return (
        len(clause.piece.folded.split()) <= BRIEFLY and wishes.SWITCH.search(clause.piece.folded) is not None
    )


def _placed(
    part: Part, last: tuple[int, ...], headed: tuple[int, ...], sentence: Sentence, book: Book, *, fresh: bool
) -> tuple[Part, tuple[int, ...], bool]:
    """The steps a clause speaks of, and whether they are inferred rather than named."""
    steps = part.steps
    if fresh and book.topic.asked and part.said.status and (_is_bare_answer(part) or _is_brief(part)):
        return _sure(part), book.topic.steps, True
    if not steps and part.clause.label and part.said.short:
        certain = part._replace(said=part.said._replace(strength=0.9), sureness=0.9)
        return certain, _labelled(part.clause.label, book), True
    bare = (
        words.BARE_PARTICIPLE.match(part.clause.piece.folded) and len(part.clause.piece.folded.split()) <= 4
    )
    if last and bare and part.sureness < 0.9:
        # `the door is painted by Joe, checked this morning` goes on about the door.
        return part, last, True
    if headed and steps and not part.clause.head and (part.sureness < 0.9 or part.said.status == FAILED):
        steps = headed
    clear = 0.6 if fresh and book.topic.asked else 0.8  # in an answer less is plain enough
    if steps or part.said.status is None or (not part.said.backed and part.said.strength < clear):
        return part, steps, False
    if last and not _is_new_matter(part):
        return (_sure(part) if book.topic.asked and _is_bare_answer(part) else part), last, True
    if wishes.PERSON.search(sentence.piece.folded):
        return part, (), True
    steps = _referred(part, book, fresh=fresh)
    if steps and steps == book.topic.steps:
        part = part._replace(sureness=0.9 if book.topic.asked else 0.75)
    return part, steps, True


def _heard_only(part: Part) -> Part:
    return part._replace(steps=(), sureness=0.0, said=Said(None, 0.0, part.said.short))


def _looked(part: Part) -> bool:
    """`It is active, I have looked`: that somebody looked tells of no step."""
    said = part.clause.piece.folded.split()
    return len(said) <= BRIEFLY + 1 and "did" not in said and LOOKED.match(" ".join(said)) is not None


def _sure(part: Part) -> Part:
    return part._replace(sureness=0.9, said=part.said._replace(strength=max(part.said.strength, 0.7)))


def _is_bare_answer(part: Part) -> bool:
    """`no`, `not yet`, `yes we did`: too short to be about anything but what we asked."""
    return part.said.short in {"yes", "no"} and len(part.clause.piece.folded.split()) <= 3


def _is_brief(part: Part) -> bool:
    """`tem sim`, `lo tiene`, `si, eso esta hecho`: a few words that are about no other step."""
    size = len(part.clause.piece.folded.split())
    if part.said.short in {"yes", "no"} and size <= 5 and part.sureness < OWN_MATTER:
        return True
    return not part.steps and size <= 3 and part.said.strength >= 0.6


TITLE = "xxxx"
"""What a title begins with once it is masked."""


def _with_neighbours(parts: list[Part]) -> list[Part]:
    """`Tracking, branded link and certificate are done`: a bare mention takes its neighbour's status."""
    result = list(parts)
    for number, part in enumerate(parts):
        if part.clause.label:
            continue
        if not part.steps or part.said.status or part.said.open or len(part.clause.piece.folded.split()) > 7:
            continue
        later = next((p for p in parts[number + 1 :] if p.said.status or p.said.open), None)
        before = next((p for p in reversed(result[:number]) if p.said.status), None)
        if later is not None and later.said.status and later.steps != part.steps:
            # `I set up the link, the proxy, but the certificate failed`: the bare one belongs to the first.
            source = before if before is not None and later.said.status != DONE and later.steps else later
            result[number] = part._replace(said=source.said)
        elif before is not None:
            result[number] = part._replace(said=before.said)
    return result


def _whole_sentence(heard: Heard, sentence: Sentence, parts: list[Part]) -> list[Part]:
    """Where no clause alone is about a step, the sentence may be."""
    if any(part.steps or part.clause.label for part in parts) or words.WISH.search(sentence.piece.folded):
        return parts
    best = _best(heard.scores.get(place(sentence.piece)), 0.6)
    if best is None:
        return parts
    return [part._replace(steps=(best,), sureness=SURE) if part.said.status else part for part in parts]


def _tells(acts: Mapping[str, float], book: Book) -> bool:
    """A sentence that reports something, or answers us; small talk with a step's words in it does not."""
    nothing = sum(acts[act] for act in TELLS_NOTHING)
    if acts["aside"] >= ASIDE or (nothing >= MOSTLY and acts["report"] < LITTLE):
        return False
    beside = acts["chat"] + acts["other"] + acts["skip"]
    return acts["report"] >= 0.1 or beside < 0.6 or bool(book.topic.steps)


def _wishes(part: Part) -> bool:
    folded = part.clause.piece.folded
    return bool(words.WISH.search(folded) or words.TRYING.search(folded))


def _same(heard: Heard, part: Part, book: Book) -> str | None:
    """`cert: same` says of the certificate what the clause before said of something else."""
    folded = part.clause.piece.folded
    here = book.last[0] == heard.message.id
    return book.last[1] if here and len(folded.split()) <= 4 and words.SAME.search(folded) else None


def _turned(part: Part, lang: str, step: Step) -> str | None:
    """Where the step makes something go away, or the clause says the step's very verb in the past."""
    folded = part.clause.piece.folded
    title = fold(step.title)
    denied = words.NEGATION[lang].search(folded)
    if part.said.status == DONE and part.said.backed and words.SETTLES_ON.search(folded):
        return DONE
    if words.FAIL.search(folded) or part.said.planned or part.said.status == FAILED:
        return None
    if words.HALTS.match(title) and words.HALTED.search(folded) and not denied:
        return DONE
    if words.REMOVES.match(title):
        if words.NO_LONGER.search(folded):
            return DONE
        if words.STILL.search(folded):
            return NOT_DONE
    elif words.STAYS.search(folded) and not denied and not part.said.backed:
        return DONE
    elif words.GONE.search(folded) and not denied and not words.FORMER.search(folded):
        return NOT_DONE
    verb = frozenset[str]().union(*(concepts_of(t.split(" ", 1)[0] or "?", c) for c, t in titled_in(step)))
    state = words.IN_STATE.search(folded)
    if state and not denied and not part.said.backed and verb & concepts_of(state["state"], lang):
        return DONE
    if part.said.status == DONE or denied or words.OPEN.search(folded):
        return None
    past = words.PARTICIPLE[lang].search(folded) or words.PAST[lang].search(folded)
    return DONE if past and any(verb & concepts_of(word, lang) for word in lexical_words(folded)) else None


def _as_listed(part: Part, listed: tuple[int, ...]) -> Part:
    """What is told after `as for the last` is told of it, but for what clearly has a step of its own."""
    if not listed or not part.said.status or (part.steps and part.sureness >= OWN_MATTER):
        return part
    return _sure(part._replace(steps=listed))


def _list_of(book: Book) -> tuple[int, ...]:
    """The list that `the second` counts in: what we have just named one by one, else the whole procedure."""
    return book.topic.steps if len(book.topic.steps) > 1 else book.every


def _labelled(label: str, book: Book) -> tuple[int, ...]:
    """`2 yes` after a numbered list of ours, else the second step."""
    for known, step in book.topic.labels:
        if known == label:
            return (step,)
    if len(book.topic.steps) >= max(2, int(label)):
        return (book.topic.steps[int(label) - 1],)
    return (int(label) - 1,) if int(label) - 1 in book.every else ()


def _points(part: Part) -> bool:
    """`Did it`, `that is done`: a few words, a yes or a pronoun go on about what was spoken of."""
    return _answers(part) or len(part.clause.piece.folded.split()) <= BRIEFLY


def _answers(part: Part) -> bool:
    return bool(part.said.short or words.PRONOUN.search(part.clause.piece.folded))


def _is_new_matter(part: Part) -> bool:
    return len(part.clause.piece.folded.split()) > 9 and not words.PRONOUN.search(part.clause.piece.folded)


def _referred(part: Part, book: Book, *, fresh: bool) -> tuple[int, ...]:
    """The steps that a clause without any of its own points back to."""
    folded = part.clause.piece.folded
    pronoun = bool(words.PRONOUN.search(folded))
    if part.said.planned and not pronoun and not book.topic.asked:
        return ()
    several = book.topic.asked and len(book.topic.steps) > 1
    if fresh and several and part.said.status == DONE and not part.said.short:
        return ()  # asked about several things: `that is what we have` is not yes to each
    points = _points(part) or len(folded.split()) <= 6
    if fresh and book.topic.steps and (points or (book.topic.asked and part.said.strength >= 0.5)):
        return book.topic.steps
    if book.raised:
        return book.raised
    if not fresh and book.focus is not None and pronoun and not part.said.short:
        return (book.focus,)
    return ()


# --- what was pasted ----------------------------------------------------------------------------


def _evidence(heard: Heard, kind: str, piece: Piece, book: Book) -> None:
    """Machine output shows done or failed for the step whose text speaks of such things."""
    fail = words.SHOWN_FAIL.search(piece.folded)
    if kind in SILENT or (kind == "quote" and not fail):
        return
    done = words.SHOWN_DONE.search(piece.folded)
    left = words.SHOWN_OPEN.search(piece.folded)
    status = FAILED if fail else NOT_DONE if left and not done else DONE if done else None
    if status is None:
        return
    step = _best(heard.scores.get(place(piece)), 0.4)
    if status == FAILED and book.focus is not None and (step is None or book.status(book.focus) == FAILED):
        # Shown right after telling of it: what is pasted belongs to what was told.
        step = book.focus
    if step is None and kind == "paste":
        step = book.pointed
    if step is None or (kind == "quote" and book.status(step) == DONE):
        return
    quote = piece._replace(text=unfenced(piece.text)[:600])
    book.note(step, status, heard, quote, 0.7, shown=True, subject=book.subject(step, piece.text))
