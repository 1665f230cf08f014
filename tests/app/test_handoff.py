"""The dossier: a person who reads it knows what was wanted, seen and sent, and what to do next."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from app.handoff import LONGEST_WORDS, MOST_WORDS, as_text, dossier
from app.models.conversation import Attachment, Message, Note
from app.models.decision import Decision, HandOff, Propose
from app.models.dossier import Dossier, Place
from app.models.facts import Facts, Said
from app.models.people import Principal, Standing
from app.models.reading import Claim, Reading
from app.models.request import ActionRequest, RequestState
from app.models.steps import Finding, LedgerFact, StepState, StepWord
from app.seeing import browser
from app.texts import LANGUAGES
from knowledge.model import Citation, Procedure, Step

NOW = datetime(2026, 9, 14, 10, 40, tzinfo=UTC)
ANN = Principal(kind="customer", id="ann", account="acme")
EXPIRED = Finding(
    check="certificate_presented",
    met=False,
    code="certificate_expired",
    seen=(("host", "l.acme.example"), ("issuer", "Example CA"), ("expires", "2026-09-01")),
    at=NOW,
    until=NOW,
)
PROCEDURE = Procedure(
    id="baking",
    document="d1",
    version="v1",
    path="en/baking.md",
    lang="en",
    title="Baking bread",
    when="-",
    intro="",
    subjects=("domain",),
    action="bake_bread",
    steps=tuple(
        Step(id=id, title=title, text="-", anchor=id, subject="domain", titles=(("pt", portuguese),))
        for id, title, portuguese in (
            ("oven", "Heat the oven", "Aqueça o forno"),
            ("dough", "Knead the dough", "Sove a massa"),
            ("label", "Label the box", "Etiquete a caixa"),
        )
    ),
)
MET = EXPIRED.model_copy(update={"met": True, "code": "tracking_on", "seen": ()})
STEPS = (
    StepState(step="oven", word="verified", holds=True, findings=(MET,), checkable=True),
    StepState(
        step="dough",
        word="contradicted",
        holds=False,
        claim=Claim(step="dough", status="done", message="m1", quote="I did `that` *already*\n\n# yes"),
        findings=(EXPIRED,),
        checkable=True,
    ),
    StepState(step="label", word="claimed", holds=True),
)


def facts(**changes: Any) -> Facts:
    fields: dict[str, Any] = {
        "reading": Reading(request="Please bake our bread", wants_outcome=True),
        "standing": "owner",
        "procedure": PROCEDURE,
        "steps": STEPS,
        "said": Said(guided=("dough", "dough"), asked=("label",), passages=("p1",)),
    }
    return Facts(**fields | changes)


def test_sums_up_in_three_lines_who_wants_what_what_is_known_and_why_it_stands() -> None:
    made = dossier(facts(), ANN, "explained twice and still not there")
    assert made.summary.splitlines() == [
        "Wants: `Please bake our bread` (owner of the account)",
        "So far: in place “Heat the oven”; by the customer's word “Label the box”; open “Knead the dough”",
        "Stands because: explained twice and still not there",
    ]
    assert made.procedure == "baking"
    assert made.steps == STEPS


def test_names_what_was_sent_once_each() -> None:
    quoted = Citation(
        passage="p1",
        document="d",
        version="v",
        title="About *flour*",
        path="flour.md",
        anchor=None,
        quote="-",
        updated_at=NOW,
        lang="en",
    )
    other = quoted.model_copy(update={"passage": "p2", "title": "Never sent"})
    made = dossier(facts(), ANN, "-", sent=(quoted, other))
    assert made.sent == (
        "explained 2 times: Knead the dough (`en/baking.md#dough`)",
        "asked: Label the box",
        "quoted from: About flour",
    )


def test_as_text_shows_word_quote_and_finding_of_each_step() -> None:
    text = as_text(dossier(facts(), ANN, "it loops"), "en", procedure=PROCEDURE)
    assert "Customer: `ann`, account `acme`, signed in" in text
    assert "1. Heat the oven: checked\n   - Click tracking is switched on in your account." in text
    assert (
        "2. Knead the dough: claimed but not so\n"
        "   - customer: `I did 'that' *already* # yes`\n"
        "   - The certificate of `l.acme.example` from `Example CA` expired on 2026-09-01; "
        "one that is valid today is expected. (looked 2026-09-14 10:40 UTC)\n"
        "3. Label the box: claimed"
    ) in text
    assert "please do not send again:\n- explained 2 times: Knead the dough (" in text
    first, second, third, _, move, *_ = text.splitlines()
    assert (first[:6], second[:7], third[:7]) == ("Wants:", "So far:", "Stands ")
    assert move == "Next move: Help with “Knead the dough” in words other than those already sent."


def hand_off(reason: Any) -> HandOff:
    return HandOff(because="-", reason=reason)


HOLDING = tuple(s.model_copy(update={"holds": True, "word": "verified"}) for s in STEPS)
BLIND = (*STEPS[:1], STEPS[1].model_copy(update={"findings": (), "word": "claimed", "claim": None}))


@pytest.mark.parametrize(
    ("changes", "decision", "move"),
    [
        ({"reading": Reading(danger="security", wants_outcome=True)}, hand_off("danger"), "at once"),
        ({"steps": HOLDING}, hand_off("asked"), "Carry out `bake_bread`"),
        (
            {"steps": HOLDING},
            Propose(because="-", action="bake_bread", approval="agent"),
            "Approve or decline `bake_bread`",
        ),
        ({"steps": HOLDING}, hand_off("action_failed"), "before anybody tries it again"),
        (
            {"steps": HOLDING, "standing": "unknown"},
            hand_off("standing_unknown"),
            "whether the customer owns the account",
        ),
        ({"steps": BLIND}, hand_off("cannot_check"), "Look at “Knead the dough” by hand"),
        ({}, hand_off("repeat"), "Help with “Knead the dough”"),
        (
            {"reading": Reading(speech="question"), "procedure": None, "steps": ()},
            hand_off("no_source"),
            "worth writing",
        ),
        (
            {"reading": Reading(wants_person=True), "procedure": None, "steps": ()},
            hand_off("asked"),
            "wants a person",
        ),
        ({"reading": Reading(), "procedure": None, "steps": ()}, None, "Read the last message"),
    ],
)
def test_says_the_next_move(changes: dict[str, Any], decision: Decision | None, move: str) -> None:
    assert move in dossier(facts(**changes), ANN, "-", decision=decision).next_move


def test_danger_stands_first() -> None:
    made = dossier(facts(reading=Reading(danger="fraud", request="My account was taken")), ANN, "-")
    assert made.summary.startswith("URGENT (fraud). Wants: `My account was taken`")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_word_and_standing_has_words_in_each_language(lang: str) -> None:
    steps = tuple(StepState(step="oven", word=word, holds=False) for word in get_args(StepWord))
    anonymous = Principal(kind="anonymous", id="x")
    for standing in get_args(Standing):
        made = dossier(facts(steps=steps, standing=standing), anonymous, "-", lang=lang)
        text = as_text(made, lang, procedure=PROCEDURE)
        assert "{" not in text
        assert len(made.summary.splitlines()) == 3
    assert ("Aqueça o forno" in text) == (lang == "pt")


def test_knows_little_and_says_so() -> None:
    bare = Facts(reading=Reading())
    text = as_text(dossier(bare, Principal(kind="anonymous", id="x"), "-"), "en")
    assert "not clear from what was written" in text
    assert "nothing is known about the steps" in text
    assert "Steps of" not in text


# --- what was said, seen and tried --------------------------------------------------------------

SHOT = Attachment(id="a1", name="error `page`.png", type="image/png", size=9)


def message(n: int, text: str = "", role: Any = "customer", **changes: Any) -> Message:
    fields: dict[str, Any] = {"id": f"m{n}", "conversation": "c1", "role": role, "text": text or f"word {n}"}
    return Message(**fields | {"at": NOW + timedelta(minutes=n)} | changes)


def ledger_line(minutes: int, **changes: Any) -> LedgerFact:
    fields: dict[str, Any] = {"case": "k", "procedure": "baking", "step": "dough", "kind": "claim"}
    return LedgerFact(**fields | {"at": NOW + timedelta(minutes=minutes)} | changes)


def request(state: RequestState, **changes: Any) -> ActionRequest:
    fields: dict[str, Any] = {
        "id": "r1",
        "case": "k",
        "conversation": "c1",
        "action": "bake_bread",
        "inputs": (("domain", "l.acme.example"),),
        "principal": ANN,
        "evidence": (),
        "digest": "d",
        "approval": "agent",
        "state": state,
        "created_at": NOW,
        "expires_at": NOW,
    }
    return ActionRequest(**fields | changes)


def test_keeps_the_words_that_something_rests_on_and_the_newest() -> None:
    said = [message(n) for n in range(40)]
    said[7] = message(7, "I did it", attachments=(SHOT,))
    claimed = ledger_line(1, claim=Claim(step="dough", status="done", message="m5", quote="word 5"))
    made = dossier(facts(steps=()), ANN, "-", messages=said, ledger=(claimed,))
    assert [quoted.message for quoted in made.words] == ["m0", "m5", "m7", "m37", "m38", "m39"]
    assert made.words_left_out == 34
    assert made.attachments == (SHOT.name,)
    assert "- 34 more in the conversation" in as_text(made, "en")


def test_holds_no_more_words_than_a_person_reads() -> None:
    said = [message(n, "x" * 5000, attachments=(SHOT,)) for n in range(40)]
    made = dossier(facts(), ANN, "-", messages=said)
    assert len(made.words) == MOST_WORDS
    assert all(len(quoted.text) == LONGEST_WORDS for quoted in made.words)
    assert [quoted.message for quoted in made.words[-3:]] == ["m37", "m38", "m39"]


def test_what_was_said_to_nobody_of_us_stays_out() -> None:
    said = [message(1, "lunch?", addressed=False), message(2, "please help")]
    made = dossier(facts(steps=()), ANN, "-", messages=said)
    assert [quoted.text for quoted in made.words] == ["please help"]


def test_the_words_of_the_customer_are_data_in_the_text() -> None:
    pasted = "$ dig x\n```\n# Approved by rita\n[yes](javascript:x) <img src=x>"
    text = as_text(dossier(facts(), ANN, "-", messages=[message(1, pasted), message(2, "**hi**")]), "en")
    assert (
        "2026-09-14 10:41 UTC:\n```\n$ dig x\n'''\n# Approved by rita\n[yes](javascript:x) <img src=x>\n```\n"
    ) in text
    assert "2026-09-14 10:42 UTC: `**hi**`" in text
    assert text.count("```") == 2


def test_tells_under_each_step_what_it_rests_on_in_order() -> None:
    claim = Claim(step="dough", status="done", message="m1", quote="kneaded")
    bare = Claim(step="dough", status="done", message="", quote="", shown=True)
    ledger = (
        ledger_line(1, claim=claim),
        ledger_line(
            2, kind="evidence", claim=claim.model_copy(update={"quote": "$ knead: ok", "shown": True})
        ),
        ledger_line(3, kind="evidence", note="saw it by screen share", by="zoe"),
        ledger_line(4, kind="correction", claim=bare.model_copy(update={"status": "not_done"})),
        ledger_line(4, kind="note", claim=bare, note="saw it myself", by="rita"),
        ledger_line(5, kind="not_applicable", note="no box", by="zoe", step="label"),
    )
    text = as_text(dossier(facts(), ANN, "-", ledger=ledger), "en", procedure=PROCEDURE)
    assert (
        "2. Knead the dough: claimed but not so\n"
        "   - customer, 2026-09-14 10:41 UTC: `kneaded`\n"
        "   - customer pasted, 2026-09-14 10:42 UTC: `$ knead: ok`\n"
        "   - `zoe` saw it, 2026-09-14 10:43 UTC: `saw it by screen share`\n"
        "   - customer, 2026-09-14 10:44 UTC: pressed “that's not right”\n"
        "   - `rita` saw it, 2026-09-14 10:44 UTC: `saw it myself`\n"
    ) in text
    assert "   - `zoe`, 2026-09-14 10:45 UTC: not needed here, `no box`" in text


def test_looks_that_saw_the_same_again_are_one_line() -> None:
    looks = [ledger_line(n, kind="finding", finding=EXPIRED, subject="l.acme.example") for n in range(5)]
    better = EXPIRED.model_copy(update={"met": True, "code": "tracking_on", "seen": ()})
    looks += [ledger_line(9, kind="finding", finding=better, subject="l.acme.example")]
    made = dossier(facts(steps=()), ANN, "-", ledger=looks)
    assert [(noted.status, noted.at) for noted in made.ledger] == [
        ("certificate_expired", NOW + timedelta(minutes=4)),
        ("tracking_on", NOW + timedelta(minutes=9)),
    ]


def test_shows_the_last_look_where_none_counts_any_more() -> None:
    looks = [ledger_line(1, kind="finding", finding=EXPIRED, subject="l.acme.example")]
    unseen = (STEPS[1].model_copy(update={"findings": (), "word": "claimed"}),)
    text = as_text(dossier(facts(steps=unseen), ANN, "-", ledger=looks), "en")
    assert "expired on 2026-09-01; one that is valid today is expected. (looked 2026-09-14 10:41 UTC)" in text


@pytest.mark.parametrize(
    ("state", "words", "move"),
    [
        ("done", "done and read back, approved by `zoe`", "says that it is not solved"),
        ("needs_person", "not certain whether it took effect", "before anybody tries it again"),
        ("proposed", "waits for approval", "Approve or decline `bake_bread`"),
        ("undone", "taken back", "Carry out `bake_bread`"),
    ],
)
def test_tells_how_actions_ended_and_what_follows(state: RequestState, words: str, move: str) -> None:
    asked = request(state, approved_by="zoe", detail="the read-back said [no](x)")
    made = dossier(facts(steps=HOLDING), ANN, "-", requests=(asked,))
    text = as_text(made, "en")
    assert f"- `bake_bread` (`l.acme.example`), 2026-09-14 10:40 UTC: {words}" in text
    assert "; the read-back said no(x)" in text
    assert move in made.next_move


def test_nobody_asks_for_the_browser() -> None:
    firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
    said = [message(1, context=(("user_agent", "curl"), ("page", "https://shop.example/old")))]
    said.append(message(2, context=(("user_agent", firefox), ("page", "https://shop.example/links"))))
    made = dossier(facts(), ANN, "-", messages=said, context=(("language", "en"), ("page", "")))
    assert dict(made.context) == {
        "language": "en",
        "page": "https://shop.example/links",
        "user_agent": firefox,
    }
    text = as_text(made, "en")
    shown = "- Language: `en`\n- Page: `https://shop.example/links`\n- Browser: Firefox 128, Windows"
    assert f"no need to ask:\n{shown}" in text


WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("system", "product", "words"),
    [
        ("X11; Linux x86_64", "Chrome/131.0.0.0 Safari/537.36", "Chrome 131, Linux"),
        ("Windows NT 10.0", "Chrome/131.0.0.0 Safari/537.36 Edg/130.0", "Edge 130, Windows"),
        ("Macintosh; Intel Mac OS X 10_15_7", "Version/18.1 Safari/605.1.15", "Safari 18, macOS"),
        (
            "iPhone; CPU iPhone OS 18_0 like Mac OS X",
            "Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari 18, iPhone",
        ),
        (
            "Linux; Android 10; K",
            "SamsungBrowser/27.0 Chrome/125.0 Mobile Safari/537.36",
            "Samsung Internet 27, Android",
        ),
        ("", "curl/8.5", ""),
    ],
)
def test_names_the_browser(system: str, product: str, words: str) -> None:
    assert browser(f"Mozilla/5.0 ({system}) {WEBKIT} {product}") == words


def test_says_where_it_was_spoken_of_with_links() -> None:
    places = (
        Place(channel="web", conversation="c1", at=NOW, url="https://bot.example/assist#c1"),
        Place(channel="slack", conversation="s1", at=NOW + timedelta(hours=2)),
    )
    text = as_text(dossier(facts(), ANN, "-", places=places), "en")
    assert (
        "Spoken of:\n"
        "- [in the chat on our website, since 2026-09-14 10:40 UTC](https://bot.example/assist#c1)\n"
        "- in Slack, since 2026-09-14 12:40 UTC"
    ) in text


def test_tells_what_agents_wrote_before_us() -> None:
    said = [message(1, "please"), message(2, "Which browser do you use?", role="agent", name="Rita")]
    text = as_text(dossier(facts(), ANN, "-", messages=said), "en")
    assert "What agents wrote last:\n- `Rita`, 2026-09-14 10:42 UTC: `Which browser do you use?`" in text


def test_notes_of_agents_come_with_their_names() -> None:
    note = Note(id="n1", conversation="c1", by="zoe", text="bakes on [Mondays](x)", at=NOW)
    text = as_text(dossier(facts(), ANN, "-", notes=(note,)), "en")
    assert "Notes by agents:\n- `zoe`, 2026-09-14 10:40 UTC: `bakes on [Mondays](x)`" in text


def test_a_reason_with_what_the_customer_named_in_it_stays_one_plain_line() -> None:
    made = dossier(facts(), ANN, "[click](x)\n# `evil` belongs to another account")
    assert made.summary.splitlines()[2] == "Stands because: click(x) # evil belongs to another account"
    assert made.because.startswith("[click]")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_whole_dossier_is_in_the_language_of_the_agents_and_comes_back_from_json(lang: str) -> None:
    words = "eu já fiz isso"
    claim = Claim(step="dough", status="done", message="m1", quote=words)
    saw: tuple[Any, ...] = ("evidence", "note", "not_applicable")
    made = dossier(
        facts(),
        ANN,
        "it loops",
        lang=lang,
        messages=[message(1, words, attachments=(SHOT,)), message(2, "-", role="agent", name="Rita")],
        ledger=[
            ledger_line(1, claim=claim),
            *(ledger_line(2, kind=kind, note="", by="zoe") for kind in saw),
            ledger_line(3, kind="correction"),
        ],
        requests=[request(state) for state in get_args(RequestState)],
        places=[Place(channel=at, conversation="c", at=NOW) for at in ("web", "slack", "chatwoot", "x")],
        context=[("page", "p"), ("user_agent", "u"), ("language", "l"), ("plan", "pro")],
    )
    text = as_text(made, lang, procedure=PROCEDURE)
    assert "{" not in text
    assert "`eu já fiz isso`" in text
    assert Dossier.model_validate_json(made.model_dump_json()) == made
    assert lang == "en" or not re.search(r"customer|approved|looked|Spoken|agents|Browser", text)


def test_a_dossier_of_before_can_still_be_read() -> None:
    old: dict[str, Any] = {
        "summary": "a\nb\nc",
        "customer": {"kind": "anonymous", "id": "x", "account": None},
        "request": "",
        "procedure": None,
        "steps": [],
        "sent": [],
        "because": "-",
        "next_move": "Read.",
    }
    assert as_text(Dossier.model_validate(old), "en").startswith("a\nb\nc\n\nNext move: Read.")
