"""Never twice, as a table: what was sent before, what is so now -> what comes; what must not come first."""
# ruff: noqa: E501  a row of the table stays on its line

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.facts import seen_against, was_sent
from app.models.conversation import Mode
from app.models.decision import Decision, Guide
from app.models.facts import Continued, Facts, Said
from app.models.reading import Reading
from app.policy import decide
from app.record import said_after
from app.texts import say
from tests.app.test_policy import (
    IDS,
    NOW,
    READY,
    UNKNOWN,
    UNSURE,
    WAITING,
    cite,
    finding,
    missing,
    procedure,
    state,
    steps,
    wants,
)
from tests.app.test_policy import words as kind_of
from tests.app.world import open_world

TRACKING, LINK, CERTIFICATE = IDS
OPEN = {"steps": steps(missing(LINK, "direct", "links.acme.example"))}
CONTRADICTED = missing(LINK, "direct", "links.acme.example").model_copy(update={"word": "contradicted"})
SEEN = ((LINK, ("direct at links.acme.example",)),)
BOTH: dict[str, Mode] = {"web": "auto", "slack": "auto", "enable_https": "auto"}
OTHERWISE = ((LINK, ("expired at links.acme.example",)),)
NOT_DONE = {"steps": steps(state(LINK, "not_done"))}
ASK = {"steps": steps(UNKNOWN)}
SLACK = Continued(channel="slack", at=NOW - timedelta(days=2))
SIDE = {"reading": wants(speech="question", request="how long do you keep the reports?")}
REPORT = {"reading": wants(speech="report")}
NOD = {"reading": wants(speech="report", confirms=True)}
TOLD = wants(speech="report", told_before=True)
QUESTION = procedure().steps[1].model_copy(update={"outcomes": (("yes", CERTIFICATE), ("no", "handoff"))})
BRANCHED = procedure().model_copy(update={"steps": (QUESTION, procedure().steps[2])})
TRIED = REPORT | {"spoken": ((LINK, "done"),)}


def once(**said: Any) -> Said:
    return Said(**{"guided": (LINK,), "shown": SEEN, "held": (TRACKING, CERTIFICATE), "last": "guide"} | said)


def words(decision: Decision) -> str:
    """Kind, step and reason, and in what way it is said."""
    ways = [way for way in ("brief", "another_way") if getattr(decision, way, False)]
    return " ".join((kind_of(decision), *ways[:1]))


TWICE = once(guided=(LINK, LINK), tried=(LINK, LINK))
ASKED = Said(asked=(LINK,), last="ask")
ASKED_TWICE = Said(asked=(LINK, LINK), last="ask")

ROWS: list[tuple[str, Said, dict[str, Any], str]] = [
    # never a third time
    ("explained twice, and tried without effect", TWICE, OPEN | TRIED, "hand_off repeat"),
    ("explained twice, another step in between", once(guided=(LINK, CERTIFICATE, LINK), tried=(LINK, LINK)), OPEN | TRIED, "hand_off repeat"),
    ("explained twice, tried once before without effect", once(guided=(LINK, LINK), tried=(LINK,)), OPEN | TRIED, "guide branded-link brief"),
    ("explained twice, no machine sees it", TWICE, NOT_DONE | {"spoken": ((LINK, "failed"),)}, "hand_off repeat"),
    ("explained twice, the look came to nothing", TWICE, {"steps": steps(state(LINK, "not_done", finding(None)))} | TRIED, "hand_off repeat"),
    ("explained twice and named twice", TWICE.model_copy(update={"reminded": (LINK, LINK)}), OPEN, "hand_off repeat"),
    ("its section was an answer before", Said(), OPEN | {"cited": (LINK,)}, "guide branded-link another_way"),
    ("answered in words that could not be read, something else since: shown", Said(asked=(LINK,), replied=(LINK,), last="watch"), ASK | {"reading": wants(speech="question", request="any news?", asks_on=True)}, "guide branded-link"),
    ("asked, nothing said to it, something else since", Said(asked=(LINK,), last="watch"), ASK | {"reading": wants(speech="question", request="any news?", asks_on=True)}, "ask branded-link another_way"),
    ("asked twice: shown", ASKED_TWICE, ASK | REPORT, "guide branded-link"),
    ("asked twice and shown", ASKED_TWICE.model_copy(update={"guided": (LINK,)}), ASK | REPORT, "hand_off repeat"),
    ("asked twice and shown, back in another place", ASKED_TWICE.model_copy(update={"guided": (LINK,)}), ASK | {"continued": SLACK}, "guide branded-link brief"),
    ("answered, they say, and the answer cannot settle it", ASKED, {"steps": steps(state(LINK, "unknown", must=True)), "reading": TOLD, "spoken": ((LINK, "done"),)}, "hand_off repeat"),
    ("answered, they say, of a branching page", ASKED, ASK | {"reading": TOLD, "procedure": BRANCHED, "steps": (UNKNOWN, state(CERTIFICATE, "unknown"))}, "ask branded-link another_way"),
    ("shown, and every wording is worn", once(), NOT_DONE | {"worn": 3}, "hand_off repeat"),
    ("asked, and every wording is worn", ASKED, ASK | {"worn": 2}, "guide branded-link another_way"),
    ("a refusal in the same words", Said(), {"standing": "member", "worn": 1}, "hand_off repeat"),
    ("asked which workspace, twice", Said(asked=("workspace",) * 2), {"missing_subject": "workspace"}, "hand_off repeat"),
    ("what the page advises was sent", Said(guided=("advice",)), {}, "act"),
    ("an answer with nothing new", Said(passages=("p1",)), {"reading": Reading(speech="question"), "citations": (cite(),)}, "hand_off repeat"),
    ("the same refusal", Said(declined=("not_owner",)), {"standing": "member"}, "hand_off repeat"),
    ("another refusal", Said(declined=("not_yours",)), {"standing": "member"}, "decline not_owner"),
    ("already, twice in a row", Said(last="already"), {"outcome_holds": True}, "hand_off repeat"),
    ("already, and other talk since", Said(last="guide"), {"outcome_holds": True}, "already"),
    # a step a second time: another way
    ("explained for the first time", Said(), OPEN, "guide branded-link"),
    ("tried, and it is not there", once(), OPEN | TRIED, "guide branded-link another_way"),
    ("tried, and no machine sees it", once(), NOT_DONE | {"spoken": ((LINK, "failed"),)}, "guide branded-link another_way"),
    ("wished for again", once(), OPEN, "guide branded-link brief"),
    ("wished for a third time", once(reminded=(LINK,)), OPEN, "guide branded-link brief"),
    ("wished for, and named twice", once(reminded=(LINK, LINK)), OPEN, "guide branded-link another_way"),
    ("wished for, and another step was named", once(reminded=(CERTIFICATE, CERTIFICATE)), OPEN, "guide branded-link brief"),
    ("wished for after a refusal", once(last="decline"), OPEN, "guide branded-link brief"),
    ("back two days later in another place", once(), OPEN | {"continued": SLACK}, "guide branded-link brief"),
    ("back in another place, and reminded just before", once(last="reminder"), OPEN | {"continued": SLACK}, "guide branded-link brief"),
    ("back in another place, and says so", once(), OPEN | REPORT | {"continued": SLACK}, "guide branded-link brief"),
    ("back in another place, with a promise", once(), OPEN | REPORT | {"continued": SLACK, "spoken": ((LINK, "planned"),)}, "acknowledge"),
    ("back in another place, with a whole question", once(), OPEN | SIDE | {"continued": SLACK}, "guide branded-link brief"),
    ("back in another place, and tried", once(), OPEN | TRIED | {"continued": SLACK}, "guide branded-link another_way"),
    ("explained twice in two places, and tried in a third", TWICE, OPEN | TRIED | {"continued": SLACK}, "hand_off repeat"),
    ("explained twice, and tried for the first time", once(guided=(LINK, LINK)), OPEN | TRIED, "guide branded-link brief"),
    # what is new is told, however often it was explained
    ("something else is seen", once(guided=(LINK, LINK), shown=OTHERWISE), OPEN, "guide branded-link another_way"),
    ("something else is seen by ourselves", once(shown=OTHERWISE), OPEN | {"resumed": True}, "guide branded-link another_way"),
    ("it held and is lost", once(shown=()), OPEN | {"resumed": True}, "guide branded-link another_way"),
    ("another step was explained since: that is no news", once(shown=((CERTIFICATE, ("x at ",)), *SEEN)), OPEN | {"resumed": True}, "watch branded-link"),
    ("nothing new is seen by ourselves", once(), OPEN | {"resumed": True}, "watch branded-link"),
    ("nothing new for two days", once(), OPEN | {"resumed": True, "watch_over": True}, "stay_silent"),
    ("they did another step instead", TWICE.model_copy(update={"held": (CERTIFICATE,)}), OPEN | TRIED, "guide branded-link brief"),
    # a promise is no try
    ("they are at it", once(), OPEN | REPORT, "acknowledge"),
    ("they are at it, read as a plan", once(), OPEN | REPORT | {"spoken": ((LINK, "planned"),)}, "acknowledge"),
    ("not yet", once(), NOT_DONE | REPORT | {"spoken": ((LINK, "not_done"),)}, "acknowledge"),
    ("shown instead of asked, and they are at it", once(asked=(LINK,)), ASK | REPORT, "acknowledge"),
    ("they were at it, and say more", once(last="acknowledge", noted=1), OPEN | REPORT, "guide branded-link brief"),
    ("they were at it, and are still", once(last="acknowledge", noted=1), OPEN | NOD, "acknowledge"),
    ("they were at it, and tell of something else", once(last="acknowledge", noted=1), OPEN | REPORT | {"beside": True}, "acknowledge"),
    ("they were at it, and say that it is not done", once(last="acknowledge", noted=1), NOT_DONE | REPORT | {"spoken": ((LINK, "not_done"),), "beside": True}, "guide branded-link brief"),
    ("the same, in words that were sent before", once(last="acknowledge", noted=1), NOT_DONE | REPORT | {"spoken": ((LINK, "not_done"),), "worn": 1}, "acknowledge"),
    ("they have been told what to do if something is in the way", once(last="acknowledge", noted=2), OPEN | NOD, "stay_silent"),
    ("what only sounds like a try, and is not seen", once(), {"steps": steps(CONTRADICTED), "beside": True} | TRIED, "acknowledge"),
    ("the same another time", once(noted=1), {"steps": steps(CONTRADICTED), "beside": True} | TRIED, "guide branded-link another_way"),
    ("they were at it, and ask how it stands", once(last="acknowledge", noted=2), OPEN | {"reading": wants(speech="report", asks_on=True)}, "guide branded-link brief"),
    ("they were at it, and say that they have told it", once(last="acknowledge", noted=2), OPEN | {"reading": TOLD}, "guide branded-link brief"),
    ("a promise, and something else is seen", once(shown=OTHERWISE), OPEN | REPORT, "guide branded-link another_way"),
    ("a promise to look after a question", ASKED, ASK | REPORT | {"spoken": ((LINK, "planned"),)}, "acknowledge"),
    # a question a second time: in other words
    ("asked for the first time", Said(asked=(TRACKING,)), ASK, "ask branded-link"),
    ("answered in words that tell nothing: shown", ASKED, ASK | REPORT, "guide branded-link"),
    ("told after other talk", ASKED.model_copy(update={"last": "answer"}), ASK | REPORT, "ask branded-link another_way"),
    ("wished for again instead of an answer", ASKED, ASK, "ask branded-link another_way"),
    ("answered, they say: shown", ASKED, ASK | {"reading": TOLD}, "guide branded-link"),
    ("asked, answered no, shown, and open again", once(asked=(LINK,)), ASK, "guide branded-link brief"),
    ("the same, named twice since", once(asked=(LINK,), reminded=(LINK, LINK)), ASK, "hand_off repeat"),
    ("which workspace, and they say that they have said it", Said(asked=("workspace",)), {"missing_subject": "workspace", "reading": TOLD}, "ask workspace another_way"),
    ("asked in words that were sent before", Said(), ASK | {"worn": 1}, "ask branded-link another_way"),
    ("explained in words that were sent before", Said(), OPEN | {"worn": 1}, "guide branded-link another_way"),
    ("shown another way, in words that were sent before", once(), OPEN | TRIED | {"worn": 1}, "guide branded-link brief"),
    ("news in words that were sent before", once(shown=OTHERWISE), OPEN | {"resumed": True, "worn": 3}, "guide branded-link brief"),
    ("an action never waits for its words", Said(), {"worn": 3}, "act"),
    ("asked, and back in another place", ASKED, ASK | {"continued": SLACK}, "ask branded-link another_way"),
    ("answered no", ASKED, NOT_DONE | {"spoken": ((LINK, "not_done"),)}, "guide branded-link"),
    ("answered that they do not know", ASKED, {"steps": steps(state(LINK, "unknown", claim=UNSURE))}, "guide branded-link"),
    ("asked which workspace", Said(asked=("workspace",)), {"missing_subject": "workspace"}, "ask workspace another_way"),
    ("asked, and nobody has written", ASKED, ASK | {"resumed": True}, "stay_silent"),
    # another question while something is open
    ("a document answers", once(), OPEN | SIDE | {"citations": (cite(),)}, "answer"),
    ("a document answers, said as a request", once(), OPEN | {"reading": wants(), "citations": (cite(),)}, "answer"),
    ("a document answers beside a question of ours", ASKED, ASK | SIDE | {"citations": (cite(),)}, "answer"),
    ("a document answers while we watch", Said(watching=True), {"steps": steps(WAITING)} | SIDE | {"citations": (cite(),)}, "answer"),
    ("no document answers", once(), OPEN | SIDE, "answer"),
    ("no document answers, another time", once(unanswered=1), OPEN | SIDE, "answer"),
    ("no document answers, a third time", once(unanswered=2), OPEN | SIDE, "hand_off no_source"),
    ("no document answers, right after an answer", once(last="answer"), OPEN | SIDE | {"beside": True}, "answer"),
    ("a question right after an answer, which names nothing else", once(last="answer"), OPEN | SIDE, "guide branded-link brief"),
    ("something else in a few words", once(), OPEN | {"reading": wants(speech="question", request="any fee?"), "beside": True}, "answer"),
    ("something else, asked for in a question", once(), OPEN | {"beside": True, "asks": True}, "answer"),
    ("a request that is none", once(), OPEN | {"beside": True}, "guide branded-link brief"),
    ("something else is named by who says that they have told it", once(), OPEN | {"reading": wants(told_before=True), "beside": True}, "guide branded-link brief"),
    ("no document answers, before the next step", Said(guided=(CERTIFICATE,), last="guide"), OPEN | SIDE, "answer"),
    ("no document answers, before which workspace", once(), SIDE | {"missing_subject": "workspace"}, "answer"),
    ("no document answers beside a question of ours", ASKED, ASK | SIDE, "answer"),
    ("no document answers while which workspace is open", Said(asked=("workspace",), last="ask"), SIDE | {"missing_subject": "workspace"}, "answer"),
    ("no document answers, and all was a hello before", Said(last="acknowledge"), OPEN | SIDE, "guide branded-link"),
    ("no document answers, and all was which matter it is", Said(asked=(procedure().id,), last="ask"), OPEN | SIDE, "guide branded-link"),
    ("any question may be an answer on a branching page", ASKED, ASK | SIDE | {"procedure": BRANCHED, "steps": (UNKNOWN, state(CERTIFICATE, "unknown"))}, "ask branded-link another_way"),
    ("how the matter stands, in a whole question", once(), OPEN | SIDE | {"on_the_matter": True}, "guide branded-link brief"),
    ("and now? while we watch", Said(watching=True), {"steps": steps(WAITING), "reading": wants(speech="question", request="and now?")}, "watch branded-link"),
    ("and now?", once(), OPEN | {"reading": wants(speech="question", request="and now?")}, "guide branded-link brief"),
    ("a document answers before the next step", Said(guided=(CERTIFICATE,), last="guide"), OPEN | SIDE | {"citations": (cite(),)}, "answer"),
    ("a document answers before which workspace", Said(last="answer"), SIDE | {"citations": (cite(),), "missing_subject": "workspace"}, "answer"),
    ("a question that tells of a step: the next step", Said(guided=(CERTIFICATE,), last="guide"), OPEN | SIDE | {"citations": (cite(),), "spoken": ((CERTIFICATE, "done"),)}, "guide branded-link"),
    ("a request before the next step", Said(guided=(CERTIFICATE,), last="guide"), OPEN | {"reading": wants(), "citations": (cite(),)}, "guide branded-link"),
    ("what is left comes first", Said(), OPEN | SIDE | {"citations": (cite(),)}, "guide branded-link"),
    ("back to the matter after it", once(last="answer"), OPEN | {"reading": wants()}, "guide branded-link brief"),
    ("a report after it that promises nothing", once(last="answer"), OPEN | REPORT, "guide branded-link brief"),
    ("a nod after it", once(last="answer"), OPEN | NOD, "acknowledge"),
    ("back to the matter after it, said as a report", once(last="answer"), OPEN | {"reading": wants(speech="report", asks_on=True)}, "guide branded-link brief"),
    ("tried after it", once(last="answer"), OPEN | TRIED, "guide branded-link another_way"),
    ("a document answers who is back in another place: the wish again", once(), OPEN | {"reading": wants(speech="request"), "citations": (cite(),), "continued": SLACK}, "guide branded-link brief"),
    ("no document answers, and the matter is not named", once(), {"reading": Reading(speech="question"), "procedure": None}, "answer"),
    ("another wish in between that no document answers", once(), {"reading": Reading(speech="request"), "procedure": None}, "answer"),
    ("no document answers, another time, and the matter is not named", once(unanswered=1), {"reading": Reading(speech="question"), "procedure": None}, "hand_off no_source"),
    # where were we, show me again
    ("show it again", TWICE, OPEN | {"reading": wants(asks_again=True)}, "guide branded-link"),
    ("what exactly, and only what is seen was told", once(), {"steps": steps(CONTRADICTED), "reading": wants(asks_again=True)}, "guide branded-link another_way"),
    ("what exactly, and its section was sent", once(), {"steps": steps(CONTRADICTED), "reading": wants(asks_again=True), "cited": (LINK,)}, "guide branded-link"),
    ("where were we, after other talk", once(last="answer"), OPEN | {"reading": wants(asks_again=True)}, "guide branded-link brief"),
    ("where were we, in another place", once(), OPEN | {"reading": wants(asks_again=True), "continued": SLACK}, "guide branded-link brief"),
    ("the wish again in words of again, after a refusal", once(last="decline"), OPEN | {"reading": wants(asks_again=True)}, "guide branded-link brief"),
    ("a question again, please", ASKED, ASK | {"reading": wants(asks_again=True)}, "ask branded-link another_way"),
    ("where were we, and a question is open", ASKED, ASK | {"reading": wants(asks_again=True), "continued": SLACK}, "ask branded-link another_way"),
    ("where were we, and no document is searched", once(last="answer"), OPEN | {"reading": wants(asks_again=True, speech="question"), "citations": (cite(),)}, "guide branded-link brief"),
    # with a person
    ("wants a person again", Said(handed_off=True), {"reading": wants(wants_person=True)}, "stay_silent"),
    ("asked twice, and handed over", ASKED_TWICE.model_copy(update={"handed_off": True}), ASK | REPORT, "stay_silent"),
    ("a question after a handoff", Said(handed_off=True), {"reading": wants(wants_person=True, speech="question")}, "hand_off asked"),
    ("a look after a handoff", Said(handed_off=True), {"reading": wants(wants_person=True, speech="question"), "resumed": True}, "stay_silent"),
    ("danger after an ordinary handoff", Said(handed_off=True), {"reading": wants(danger="security")}, "hand_off danger"),
    ("the same danger again", Said(handed_off=True, warned=True), {"reading": wants(danger="security")}, "stay_silent"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "facts", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_never_twice(said: Said, facts: dict[str, Any], expected: str) -> None:
    decision = decide(Facts(**READY | {"said": said} | facts))
    assert words(decision) == expected


def test_an_answer_leaves_out_what_was_quoted_before() -> None:
    facts = {"reading": Reading(speech="question"), "citations": (cite("p1"), cite("p2"))}
    decision = decide(Facts(**facts, said=Said(passages=("p1",))))
    assert [c["passage"] for c in decision.model_dump()["citations"]] == ["p2"]


def test_another_line_of_a_passage_is_news_and_the_same_is_not() -> None:
    question = Reading(speech="question")
    table = cite("p1").model_copy(update={"shown": "- **One** – Price: 1\n- **Two** – Price: 2"})
    row = table.model_copy(update={"shown": "- **Two** – Price: 2"})
    other = table.model_copy(update={"shown": "- **Two** – Days: 7"})
    answered = decide(Facts(reading=question, citations=(table,)))
    said = said_after(Facts(reading=question), answered, (table,))
    assert decide(Facts(reading=question, said=said, citations=(row,))).kind == "hand_off"
    assert decide(Facts(reading=question, said=said, citations=(other,))).kind == "answer"


def test_what_was_sent_as_a_whole_section_is_not_quoted_from() -> None:
    said = Said(passages=("p1",), quotes=(("p1", "words"),))
    after = said_after(Facts(**READY | OPEN | {"said": said}), guide(), (cite("p1"),))
    more = cite("p1").model_copy(update={"quote": "more words"})
    assert was_sent(more, after)
    assert not was_sent(more, said)


def test_an_answer_in_between_names_what_stays_open() -> None:
    answered = decide(Facts(**READY | OPEN | SIDE | {"said": once(), "citations": (cite(),)}))
    assert answered.model_dump()["back_to"] == LINK


def test_which_workspace_stays_open_without_being_asked_again() -> None:
    facts = READY | SIDE | {"missing_subject": "workspace", "said": Said(asked=("workspace",), last="ask")}
    answered = decide(Facts(**facts))
    assert answered.model_dump()["back_to"] == "workspace"
    after = said_after(Facts(**facts), answered)
    assert after.asked == ("workspace",)
    assert words(decide(Facts(**READY | {"missing_subject": "workspace", "said": after}))) == (
        "ask workspace another_way"
    )


def test_a_look_that_came_to_nothing_is_no_news() -> None:
    assert seen_against(state(LINK, "not_done", finding(None, "timed_out"))) == ()


# --- what is remembered -------------------------------------------------------------------------


def guide(**fields: Any) -> Guide:
    return Guide(because="b", step=LINK, **fields)


def test_what_was_seen_is_remembered_with_each_step() -> None:
    after = said_after(Facts(**READY | OPEN | {"said": once(shown=((CERTIFICATE, ("x at ",)),))}), guide())
    assert dict(after.shown) == dict(SEEN), "and of the certificate, which holds now, nothing"
    assert after.guided == (LINK, LINK)


def test_a_reminder_counts_as_no_explanation() -> None:
    facts = Facts(**READY | OPEN | {"said": once(last="answer")})
    assert said_after(facts, guide(brief=True, another_way=True)).guided == (LINK,)


@pytest.mark.parametrize(
    ("reading", "replied"),
    [
        (wants(speech="report"), (LINK,)),
        (wants(speech="question", told_before=True), (LINK,)),
        (wants(speech="question"), ()),
        (wants(speech="request"), ()),
    ],
)
def test_who_says_something_after_a_question_has_replied(reading: Reading, replied: tuple[str, ...]) -> None:
    facts = Facts(**READY | ASK | {"said": ASKED, "reading": reading})
    assert said_after(facts, guide()).replied == replied
    watched = facts.model_copy(update={"said": ASKED.model_copy(update={"last": "watch"})})
    assert said_after(watched, guide()).replied == ()


def test_a_try_counts_once_the_step_was_explained() -> None:
    first = said_after(Facts(**READY | OPEN | TRIED), guide())
    assert first.tried == ()
    assert said_after(Facts(**READY | OPEN | TRIED | {"said": first}), guide(another_way=True)).tried == (
        LINK,
    )


def test_a_look_by_ourselves_leaves_our_last_words_what_they_were() -> None:
    facts = Facts(**READY | OPEN | {"said": once(last="answer"), "resumed": True})
    assert said_after(facts, decide(facts)).last == "answer"


def test_whatever_is_said_in_a_row_comes_to_an_end() -> None:
    """The same facts again and again: no decision but silence and looks goes on for ever."""
    for now in (OPEN, OPEN | TRIED, OPEN | REPORT, OPEN | SIDE, ASK, ASK | REPORT, NOT_DONE | TRIED):
        said, last = Said(), ""
        for _ in range(12):
            facts = Facts(**READY | {"said": said} | now)
            decision = decide(facts)
            last = decision.kind
            said = said_after(facts, decision)
        assert last == "stay_silent" or (last == "hand_off" and facts.reading.speech == "question"), now


# --- over channels and days, on the real path ---------------------------------------------------


async def test_nothing_is_said_twice_over_days_and_channels(tmp_path: Path) -> None:
    async with open_world(tmp_path, BOTH) as world:
        world.see(certificate_presented="not_met")
        web = await world.talk()
        await world.say(web)
        said = await world.replies(web)
        for days, channel, reading in (
            (2, "slack", wants(asks_again=True)),
            (1, "web", wants(speech="report")),
            (1, "slack", wants(speech="request")),
            (1, "web", wants(speech="request")),
        ):
            world.later(days=days)
            place = await world.talk(channel=channel)
            await world.say(place, f"{channel} {world.at}", reading)
            said += await world.replies(place)
        assert len(said) == len(set(said))
        assert sum("Here is how" in text for text in said) == 1, "the section goes out once"
        assert "You started this in the chat" in said[1]


@pytest.mark.parametrize(
    ("lang", "asked"),
    [
        ("en", "how big may an attachment be at most?"),
        ("pt", "qual é o tamanho máximo de um anexo?"),
        ("es", "¿qué tamaño puede tener un archivo adjunto?"),
    ],
)
async def test_what_no_page_answers_is_said_before_the_next_step(
    tmp_path: Path, lang: str, asked: str
) -> None:
    """One step is done, the next is open, and they ask something else: that first, and the step once."""
    async with open_world(tmp_path) as world:
        world.see(branded_link_set_up="not_met", certificate_presented="not_met")
        talk = await world.talk()
        await world.say(talk, "1", wants(language=lang))
        world.see(branded_link_set_up="met")
        side = await world.say(talk, asked, wants(language=lang, speech="question", request=asked))
        assert side.decision.kind == "answer"
        assert side.reply.startswith(say(lang, "answer.none"))
        back = await world.say(talk, "2", wants(language=lang))
        assert (back.decision.kind, back.decision.model_dump()["step"]) == ("guide", CERTIFICATE)
        assert "https-tracking-links#ssl-certificate" in back.reply, "now it is explained, and once"


@pytest.mark.parametrize("lang", ["en", "pt", "es"])
async def test_an_open_question_is_named_and_not_put_again_beside_an_answer(
    tmp_path: Path, lang: str
) -> None:
    async with open_world(tmp_path) as world:
        world.accounts.fields["acme", "settings.double_opt_in"] = True
        talk = await world.talk()
        first = await world.say(talk, "1", wants(procedure="resume-sending", language=lang))
        assert first.decision.kind == "ask"
        asked = "how long do you keep the reports?"
        side = await world.say(
            talk, asked, wants(procedure="resume-sending", language=lang, speech="question", request=asked)
        )
        assert side.reply == f"{say(lang, 'answer.none')}\n\n{say(lang, 'answer.back_question')}"


async def test_who_comes_back_after_the_watch_starts_a_fresh_one(tmp_path: Path) -> None:
    async with open_world(tmp_path, BOTH) as world:
        world.see(certificate_presented="waiting")
        web = await world.talk()
        first = await world.say(web)
        assert first.decision.kind == "watch"
        world.later(days=3)
        turn = await world.say(web, "I am back, and now?", wants(speech="question"))
        assert not turn.facts.watch_over
        assert turn.decision.kind == "watch"
        (watch,) = await world.store.watches()
        assert watch.since == world.at
