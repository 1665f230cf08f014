"""What is different between two versions, as people read it before they approve."""

from app.phrases import change, worded
from knowledge.differences import of_procedures, of_texts, side_by_side
from knowledge.model import Check, Procedure, Step


def step(id: str, title: str = "Do it", **more: object) -> Step:
    given = {"id": id, "title": title, "text": "Text.", "anchor": id, "subject": "domain", **more}
    return Step.model_validate(given)


def procedure(*steps: Step, action: str | None = "enable", title: str = "Title") -> Procedure:
    return Procedure(
        id="p",
        document="d",
        version="v",
        path="p.md",
        lang="en",
        title=title,
        when="When.",
        intro="",
        subjects=("domain",),
        steps=steps,
        action=action,
    )


def changes(before: Procedure | None, after: Procedure) -> list[str]:
    return [change(one, "en") for one in of_procedures(before, after)]


DNS = Check(name="dns_record", params=(("name", "{domain}"),))


def test_a_long_paragraph_is_compared_sentence_by_sentence() -> None:
    before = "# T\n\n" + "It costs nine euros. " * 10 + "It ends on Monday. " + "It is blue. " * 10
    diff = of_texts(before, before.replace("Monday", "Friday"), names=("old", "new"))
    assert [row for row in diff.splitlines() if row[0] in "+-"] == [
        "--- old",
        "+++ new",
        "-It ends on Monday.",
        "+It ends on Friday.",
    ]
    assert of_texts(before, before, names=("old", "new")) == ""


def test_steps_that_came_went_and_changed_places() -> None:
    before = procedure(step("a"), step("b"), step("c"))
    after = procedure(step("c"), step("b", check=DNS), step("d", "Wait", must_check=True))
    assert changes(before, after) == [
        "- step a: Do it",
        "+ step d: Wait (has to be checked)",
        "~ order of steps: b, c -> c, b",
        "~ step b: check none -> dns_record(name={domain})",
    ]


def test_outcomes_checks_and_the_action() -> None:
    before = procedure(
        step("a", outcomes=(("yes", "b"), ("no", "done")), next="b"), step("b", check=DNS, must_check=True)
    )
    after = procedure(
        step("a", outcomes=(("yes", "action"), ("maybe", "person"))), step("b", check=DNS), action=None
    )
    assert changes(before, after) == [
        "~ step a: next b -> the step below",
        "~ step a: outcome yes: b -> action",
        "~ step a: outcome no: done -> none",
        "~ step a: outcome maybe: none -> person",
        "~ step b: need not be checked any more",
        "~ action: enable -> none",
    ]


def test_words_are_told_last_and_a_new_procedure_is_told_whole() -> None:
    assert changes(procedure(step("a")), procedure(step("a", text="Other."), title="New")) == [
        "  words changed: step a and title"
    ]
    assert changes(procedure(step("a")), procedure(step("a"))) == []
    assert changes(None, procedure(step("a", check=DNS))) == [
        "+ subjects: domain",
        "+ step a: Do it (check: dns_record(name={domain}))",
        "+ action: enable",
    ]


def test_all_that_machines_follow_stands_before_and_after() -> None:
    before = procedure(step("a"), step("b", outcomes=(("yes", "c"), ("no", "person"))), step("c"))
    after = procedure(step("c", check=DNS, must_check=True), step("b", outcomes=(("yes", "c"),)), action=None)
    plain = ("Do it", "subject: domain", "check: none")
    rows = [
        (worded(row.what, "en"), *(tuple(worded(line, "en") for line in side) for side in row[1:]))
        for row in side_by_side(before, after)
    ]
    assert rows == [
        ("subjects", ("domain",), ("domain",)),
        ("step a", plain, ()),
        ("step c", plain, (*plain[:2], "check: dns_record(name={domain})", "has to be checked")),
        ("step b", (*plain, "outcome yes: c", "outcome no: person"), (*plain, "outcome yes: c")),
        ("order of steps", ("b", "c"), ("c", "b")),
        ("action", ("enable",), ("none",)),
    ]
    assert {row.before for row in side_by_side(None, after)} == {()}
