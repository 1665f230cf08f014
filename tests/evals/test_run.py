"""Case files that say what is wrong, a reader that sees no label, and scores that can be wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.errors import BadInput
from app.models.conversation import Message
from app.models.reading import Claim, Reading
from evals.case import LabelledCase, read_cases
from evals.cases_command import measure
from evals.memory import CaseAccounts, actions_for, looks_for, principal
from evals.run import BlindRow, CaseRow, claimed
from evals.scorers import blind_gold, by_group, must_check, pair, score
from knowledge.model import Procedure
from knowledge.procedures import parse_procedure
from tests.evals.conftest import PAGES, STEPS, MakeCase

TRACKING, LINK, CERTIFICATE = STEPS


def page(name: str) -> Procedure:
    found = parse_procedure(
        (PAGES / f"{name}.md").read_text(encoding="utf-8"),
        path=f"en/{name}.md",
        document=name,
        version="v",
        checks=None,
        actions=None,
    )
    assert found is not None
    return found


HTTPS = page("https-tracking-links")


# --- case files ---------------------------------------------------------------------------------

ROW: dict[str, Any] = {
    "id": "one",
    "lang": "en",
    "procedure": "https-tracking-links",
    "messages": [{"role": "customer", "text": "Switch it on."}],
    "identity": "owner",
    "world": {TRACKING: "met"},
    "expect": {"procedure": "https-tracking-links", "decision": "act"},
}


def written(tmp_path: Path, *rows: object) -> Path:
    file = tmp_path / "cases.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", r":2: not JSON: .* at column"),
        ("[1]", r":2: row: "),
        (ROW | {"id": "one"}, r":2: id one stands in line 1 already"),
        (ROW | {"id": "two", "identity": "boss"}, r":2: identity: "),
        (ROW | {"id": "two", "world": {TRACKING: "maybe"}}, r":2: world\.link-tracking: "),
        (ROW | {"id": "two", "messages": []}, r":2: messages: "),
        (ROW | {"id": "two", "messages": [{"role": "agent", "text": "Hi"}]}, r":2: .*must be the customer's"),
        (ROW | {"id": "two", "messages": [{"role": "boss", "text": "Hi"}]}, r":2: messages\.0\.role: "),
        (ROW | {"id": "two", "expect": {"procedure": None, "decision": "fly"}}, r":2: expect\.decision: "),
        (ROW | {"id": "two", "expect": {"decision": "act"}}, r":2: expect\.procedure: "),
        (ROW | {"id": "two", "colour": "red"}, r":2: colour: "),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_file_and_line(
    tmp_path: Path, row: object, said: str
) -> None:
    with pytest.raises(BadInput, match=r"cases\.jsonl" + said):
        read_cases(written(tmp_path, ROW, row))


def test_files_that_are_not_there_empty_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="UTF-8 text with one JSON object a line"):
        read_cases(tmp_path / "nothing.jsonl")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="UTF-8 text with one JSON object a line"):
        read_cases(tmp_path / "binary")
    with pytest.raises(BadInput, match="no case in it"):
        read_cases(written(tmp_path, "", "  "))


def test_a_line_is_a_row_whatever_stands_in_its_text(tmp_path: Path) -> None:
    text = "one\u2028two\x85three"
    rows = [ROW, "", ROW | {"id": "two", "messages": [{"role": "customer", "text": text}]}]
    found = read_cases(written(tmp_path, *rows))
    assert [case.id for case in found] == ["one", "two"]
    assert found[1].messages[0].text == text


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(ROW).encode() + b"\r\n")
    assert [case.id for case in read_cases(file)] == ["one"]


# --- the reader sees no label -------------------------------------------------------------------


class Listening:
    """A reader that keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, Any]] = []

    async def __call__(self, messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
        said = [message.model_dump(exclude={"id", "conversation", "at"}) for message in messages]
        self.given.append((said, [procedure.model_dump() for procedure in procedures]))
        return Reading(procedure="https-tracking-links", wants_outcome=True, request="Switch it on.")


async def given(
    tmp_path: Path, row: dict[str, Any], ours: Path, encoder_folder: Path
) -> list[tuple[Any, Any]]:
    reader = Listening()
    file = written(tmp_path, row)
    await measure([file], ours=ours, reader=lambda _: reader, encoder_folder=encoder_folder)
    return reader.given


async def test_the_reader_gets_the_same_whatever_the_labels_say(
    tmp_path: Path, small_pages: Path, encoder_folder: Path
) -> None:
    labelled = ROW | {
        "identity": "member",
        "world": dict.fromkeys(STEPS, "not_met"),
        "outcome": "on",
        "waits": [LINK],
        "article": {"title": "Switching it on", "text": "Switch it on in the settings."},
        "tags": ["sensitive"],
        "expect": {"procedure": None, "decision": "decline", "claims": {TRACKING: "done"}, "never": [LINK]},
    }
    bare = {**ROW, "world": {}, "expect": {"procedure": None, "decision": "hand_off"}}
    first = await given(tmp_path, labelled, small_pages, encoder_folder)
    second = await given(tmp_path, bare, small_pages, encoder_folder)
    assert first == second
    assert len(first) == 1
    said, procedures = first[0]
    assert [{k: message[k] for k in ("role", "text", "context")} for message in said] == [
        {"role": "customer", "text": "Switch it on.", "context": ()}
    ]
    assert "https-tracking-links" in [procedure["id"] for procedure in procedures]


async def test_a_case_and_its_blind_run_are_read_once_and_judged_apart(
    tmp_path: Path, small_pages: Path, encoder_folder: Path
) -> None:
    expect = {"procedure": HTTPS.id, "decision": "act", "wants_outcome": True}
    row = ROW | {"world": dict.fromkeys(STEPS, "met"), "expect": expect}
    reader = Listening()
    files = [written(tmp_path, row)]
    measured = await measure(files, ours=small_pages, reader=lambda _: reader, encoder_folder=encoder_folder)
    (done,) = measured.rows
    assert (done.decision, done.effects) == ("act", ("enable_https",))
    assert done.blind == BlindRow(decision="ask", step=TRACKING)
    assert len(reader.given) == 1


# --- the world of a case ------------------------------------------------------------------------


def test_a_case_is_of_nobody_else(make_case: MakeCase) -> None:
    assert principal(make_case("a", identity="anonymous")).kind == "anonymous"
    other, owner = principal(make_case("a", identity="other")), principal(make_case("b"))
    assert other.party != owner.party
    assert other.account != owner.account


@pytest.mark.parametrize(
    ("identity", "standing"),
    [("owner", "owner"), ("member", "member"), ("anonymous", "anonymous"), ("other", "stranger")],
)
async def test_identity_is_what_the_account_system_says(
    make_case: MakeCase, identity: str, standing: str
) -> None:
    case = make_case("a", identity=identity)
    assert await CaseAccounts(case).standing(principal(case)) == standing


async def test_what_a_look_sees_is_the_cases_world(make_case: MakeCase) -> None:
    case = make_case("a", world={TRACKING: "met", LINK: "not_met", CERTIFICATE: "unknown"}, waits=[LINK])
    looks = looks_for(case, [HTTPS], CaseAccounts(case))
    seen = {}
    for step in HTTPS.steps:
        assert step.check is not None
        finding = await looks[step.check.name](step.check, account="a", subject=None, subjects={})
        seen[step.id] = (finding.met, finding.needs_time)
    assert seen == {TRACKING: (True, False), LINK: (False, True), CERTIFICATE: (None, False)}


def test_an_action_that_we_lack_is_simulated_and_needs_what_its_page_must_check() -> None:
    must = HTTPS.steps[1].model_copy(update={"must_check": True})
    ours = HTTPS.model_copy(update={"action": "fly", "steps": (HTTPS.steps[0], must)})
    made = actions_for([ours])["fly"]
    assert made.prerequisites == (must.check,)
    assert made.approval == "none"
    assert actions_for([HTTPS])["enable_https"].prerequisites[0].name == "certificate_presented"


# --- scores: each with a case that is right and one that is wrong -------------------------------


def row(case: LabelledCase, **changes: Any) -> CaseRow:
    """What a run without a fault leaves."""
    made: dict[str, Any] = {
        "id": case.id,
        "procedure": case.expect.procedure,
        "claims": dict(case.expect.claims),
        "decision": case.expect.decision,
        "step": case.expect.step,
        "because": "",
        "passages": (),
        "reply": "",
        "effects": ("enable_https",) if case.expect.decision == "act" else (),
        "blind": BlindRow(decision="hand_off", step=None) if case.blind else None,
        "wants_outcome": case.expect.wants_outcome,
    }
    return CaseRow(**made | changes)


def scored(*items: tuple[LabelledCase, CaseRow]) -> Any:
    return score(pair([case for case, _ in items], [row for _, row in items], [HTTPS]))


GUIDE = {
    "expect": {"decision": "guide", "step": LINK, "never": (TRACKING,)},
    "world": {TRACKING: "met", LINK: "not_met"},
}


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({}, True),
        ({"decision": "propose", "effects": ()}, True),
        ({"decision": "hand_off", "effects": ()}, False),
        ({"decision": "stay_silent", "effects": ()}, False),
    ],
)
def test_decision_accuracy_of_an_act(make_case: MakeCase, changes: dict[str, Any], right: bool) -> None:
    case = make_case("a")
    assert scored((case, row(case, **changes))).decision_accuracy == right


@pytest.mark.parametrize(
    ("gold", "sight", "counts"),
    [
        ("guide", "not_met", True),
        ("guide", "unknown", False),
        ("hand_off", "unknown", True),
        ("hand_off", "not_met", False),
        ("watch", "not_met", True),
    ],
)
def test_a_watch_counts_as_what_it_stands_for(
    make_case: MakeCase, gold: str, sight: str, counts: bool
) -> None:
    case = make_case("a", expect={"decision": gold}, world={LINK: sight})
    assert scored((case, row(case, decision="watch", step=LINK))).decision_accuracy == counts


def test_step_accuracy_is_over_the_cases_that_have_a_step(make_case: MakeCase) -> None:
    with_step, without = make_case("a", **GUIDE), make_case("b")
    assert scored((with_step, row(with_step)), (without, row(without))).step_accuracy == 1
    wrong_step = row(with_step, step=CERTIFICATE)
    assert scored((with_step, wrong_step), (without, row(without))).step_accuracy == 0
    assert scored((with_step, wrong_step)).decision_accuracy == 1
    wrong_decision = row(with_step, decision="ask")
    assert scored((with_step, wrong_decision)).step_accuracy == 0
    assert scored((without, row(without))).step_accuracy is None


@pytest.mark.parametrize(
    ("claims", "gold"),
    [
        ({TRACKING: "done", LINK: "failed", CERTIFICATE: "not_done"}, BlindRow(decision="guide", step=LINK)),
        ({TRACKING: "unknown", LINK: "failed", CERTIFICATE: "done"}, BlindRow(decision="guide", step=LINK)),
        ({TRACKING: "done", LINK: "unknown", CERTIFICATE: "unknown"}, BlindRow(decision="ask", step=LINK)),
        ({TRACKING: "done"}, BlindRow(decision="ask", step=LINK)),
        (dict.fromkeys(STEPS, "done"), BlindRow(decision="hand_off", step=None)),
    ],
)
def test_the_gold_of_a_blind_run(make_case: MakeCase, claims: dict[str, str], gold: BlindRow) -> None:
    case = make_case("a", expect={"claims": claims})
    assert blind_gold(case, HTTPS, must_check(HTTPS)) == gold
    assert scored((case, row(case, blind=gold))).blind_step == 1
    assert scored((case, row(case, blind=BlindRow(decision="answer", step=None)))).blind_step == 0
    if gold.step:
        assert scored((case, row(case, blind=gold.model_copy(update={"step": "other"})))).blind_step == 0
    else:
        assert scored((case, row(case, blind=BlindRow(decision="watch", step=CERTIFICATE)))).blind_step == 1


def test_without_a_step_that_must_be_checked_the_blind_gold_is_to_act(make_case: MakeCase) -> None:
    free = HTTPS.model_copy(update={"action": "fly"})
    assert not must_check(free)
    assert must_check(HTTPS)
    case = make_case("a")
    assert blind_gold(case, free, must_check(free)) == BlindRow(decision="act", step=None)
    items = pair([case], [row(case, blind=BlindRow(decision="propose", step=None))], [free])
    assert score(items).blind_step == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"expect": {"wants_outcome": False}},
        {"expect": {"wants_human": True}},
        {"expect": {"decision": "decline"}},
        {"expect": {"procedure": None}},
        {"tags": ["sensitive"]},
        {"tags": ["billing_dispute"]},
    ],
)
def test_who_is_not_run_blind(make_case: MakeCase, changes: dict[str, Any]) -> None:
    assert make_case("a").blind
    assert not make_case("a", **changes).blind


def test_claim_f1_counts_every_step_of_a_known_procedure(make_case: MakeCase) -> None:
    mixed = {TRACKING: "done", LINK: "not_done", CERTIFICATE: "failed"}
    none = dict.fromkeys(STEPS, "unknown")
    cases = [make_case("a", expect={"claims": mixed}), make_case("b", expect={"claims": none})]
    right = [(case, row(case)) for case in cases]
    assert scored(*right).claim_macro_f1 == 1
    # one `not_done` read as `done`: done 2*1/(2*1+1), not_done 0, failed 1, unknown 1
    wrong = row(cases[0], claims=mixed | {LINK: "done"})
    assert scored((cases[0], wrong), right[1]).claim_macro_f1 == pytest.approx((2 / 3 + 0 + 1 + 1) / 4)
    # nothing read of it, and the wrong procedure read: the same, every step unknown
    silent, elsewhere = row(cases[0], claims={}), row(cases[0], procedure="dedicated-ip")
    expected = pytest.approx((0 + 0 + 0 + 2 * 3 / (2 * 3 + 3)) / 4)
    assert scored((cases[0], silent), right[1]).claim_macro_f1 == expected
    assert scored((cases[0], elsewhere), right[1]).claim_macro_f1 == expected


def test_claims_about_no_procedure_are_not_counted(make_case: MakeCase) -> None:
    case = make_case("a", expect={"procedure": None})
    assert scored((case, row(case))).claim_macro_f1 is None


def test_one_status_per_step_over_its_subjects() -> None:
    def claim(step: str, status: str, subject: str) -> Claim:
        return Claim(step=step, status=status, subject=subject, message="m", quote="q")

    said = (claim(LINK, "not_done", "a"), claim(LINK, "done", "b"), claim(TRACKING, "done", "a"))
    assert claimed(Reading(claims=said)) == {LINK: "not_done", TRACKING: "done"}


def test_procedure_accuracy(make_case: MakeCase) -> None:
    case, small_talk = make_case("a"), make_case("b", expect={"procedure": None, "decision": "hand_off"})
    assert scored((case, row(case)), (small_talk, row(small_talk))).procedure_accuracy == 1
    found = scored((case, row(case, procedure=None)), (small_talk, row(small_talk, procedure=HTTPS.id)))
    assert found.procedure_accuracy == 0


SENT = "Write what you will."


@pytest.mark.parametrize(
    ("changes", "repeats"),
    [
        ({}, 0),
        ({"step": TRACKING}, 1),
        ({"decision": "ask", "step": TRACKING}, 1),
        ({"decision": "watch", "step": TRACKING}, 0),
        ({"reply": SENT}, 0),
        ({"reply": HTTPS.step(LINK).text}, 0),
        ({"reply": f"{SENT}\n\n{HTTPS.step(TRACKING).text}"}, 1),
        ({"reply": max(HTTPS.step(TRACKING).text.splitlines(), key=len).upper()}, 1),
        ({"cited": (f"{HTTPS.path}#{TRACKING}",)}, 1),
        ({"cited": (f"{HTTPS.path}#{LINK}", f"en/other.md#{TRACKING}")}, 0),
    ],
)
def test_forbidden_repeats(make_case: MakeCase, changes: dict[str, Any], repeats: int) -> None:
    case = make_case("a", **GUIDE)
    assert scored((case, row(case, **changes))).forbidden_repeats == repeats


@pytest.mark.parametrize("decision", ["guide", "ask", "hand_off", "decline", "answer", "already"])
def test_an_effect_where_none_should_be_is_wrongful(make_case: MakeCase, decision: str) -> None:
    case = make_case("a", expect={"decision": decision})
    assert scored((case, row(case))).wrongful_actions == 0
    assert scored((case, row(case, effects=("enable_https",)))).wrongful_actions == 1
    undone = row(case, effects=("enable_https", "undo-enable_https"))
    assert scored((case, undone)).wrongful_actions == 1


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, 0),
        ({"decision": "propose", "effects": ()}, 0),
        ({"decision": "act", "effects": ()}, 1),
        ({"decision": "guide", "effects": ()}, 1),
    ],
)
def test_an_action_that_is_due_and_neither_done_nor_proposed_is_missed(
    make_case: MakeCase, changes: dict[str, Any], missed: int
) -> None:
    case = make_case("a")
    assert scored((case, row(case, **changes))).missed_actions == missed


def test_groups_by_language_and_tag(make_case: MakeCase) -> None:
    cases = [make_case("a", tags=["terse"]), make_case("b", lang="es", tags=["terse", "x"])]
    rows = [row(cases[0]), row(cases[1], decision="ask", effects=())]
    assert by_group(pair(cases, rows, [HTTPS])) == {
        "language en": (1, 1.0),
        "language es": (1, 0.0),
        "tag terse": (2, 0.5),
        "tag x": (1, 0.0),
    }


def test_failing_cases_are_listed_with_both_sides(make_case: MakeCase) -> None:
    case = make_case("a", **GUIDE)
    (failure,) = scored((case, row(case, step=CERTIFICATE, because="it looked there"))).failures
    assert (failure.id, failure.expected, failure.got) == ("a", f"guide {LINK}", f"guide {CERTIFICATE}")
    assert failure.because == "it looked there"


def test_a_row_has_all_that_the_scores_need(make_case: MakeCase) -> None:
    """Written out and read again, the rows give the same scores."""
    case = make_case("a", **GUIDE)
    once = row(case, blind=BlindRow(decision="ask", step=LINK))
    again = CaseRow.model_validate_json(once.model_dump_json())
    assert scored((case, once)) == scored((case, again))
    named = {
        "id",
        "procedure",
        "claims",
        "decision",
        "step",
        "because",
        "passages",
        "reply",
        "effects",
        "blind",
    }
    assert named <= set(json.loads(once.model_dump_json()))
