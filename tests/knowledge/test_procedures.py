"""A page with steps becomes a procedure, and whatever is wrong with one is named with file and line."""
# ruff: noqa: E501  a row of a table stays on its line

import pytest

from knowledge.errors import PageError
from knowledge.model import Check, Procedure
from knowledge.procedures import localized, machine_part, parse_procedure

PAGE = """---
title: Use your own domain
procedure: own-domain
when: The shop should answer under a domain of the customer.
subject: [domain, shop]
steps:
  - id: buy-domain
    titles: {pt: Compre um domínio}
    says: {done: [I own the domain.], not_done: [I have no domain yet.]}
  - id: add-record
    check: {dns_record: {name: "{domain}", type: CNAME, contains: shops.example}}
    must_check: true
  - id: open-shop
    check: shop_open
    subject: shop
action: connect_domain
---

Three things are needed.

## 1. Buy a domain {#buy-domain}

Any seller will do.

## 2. Add the record {#add-record}

```
# not a heading
shop  CNAME  shops.example.
```

## 3. Open the shop {#open-shop}

Press **Open**.

## What happens then {#then}

We connect it.
"""

CHECKS = frozenset({"dns_record", "shop_open"})
ACTIONS = frozenset({"connect_domain"})


def parsed(
    text: str, checks: frozenset[str] | None = CHECKS, actions: frozenset[str] | None = ACTIONS
) -> Procedure:
    found = parse_procedure(
        text,
        path="own-domain.md",
        document="pages:own-domain.md",
        version="v1",
        checks=checks,
        actions=actions,
    )
    assert found is not None
    return found


def test_a_page_with_steps_is_a_procedure() -> None:
    procedure = parsed(PAGE)
    assert procedure.subjects == ("domain", "shop")
    assert procedure.intro == "Three things are needed."
    assert [step.title for step in procedure.steps] == ["Buy a domain", "Add the record", "Open the shop"]
    assert [step.subject for step in procedure.steps] == ["domain", "domain", "shop"]
    buy, record, _ = procedure.steps
    assert buy.check is None
    assert buy.says_done == ("I own the domain.",)
    assert buy.title_in("pt") == "Compre um domínio"
    assert record.must_check
    assert record.check == Check(
        name="dns_record", params=(("name", "{domain}"), ("type", "CNAME"), ("contains", "shops.example"))
    )
    assert "# not a heading" in record.text
    assert "We connect it." not in procedure.steps[-1].text


def test_a_page_without_procedure_is_only_text() -> None:
    text = "---\ntitle: About us\nsteps: of no interest\n---\nHello.\n"
    assert (
        parse_procedure(text, path="a.md", document="a", version="v", checks=CHECKS, actions=ACTIONS) is None
    )


def test_outcomes_lead_to_steps_sections_and_ends() -> None:
    text = PAGE.replace(
        "  - id: buy-domain\n",
        "  - id: buy-domain\n    outcomes: {yes: add-record, no: then, lost: handoff}\n",
    )
    assert parsed(text).steps[0].outcomes == (("yes", "add-record"), ("no", "then"), ("lost", "handoff"))


BROKEN = {
    # what is wrong: (right, wrong, words of the line that must be named, what must be said)
    "unknown key": ("when: The", "wenn: The", "wenn: The", "`wenn` is not known here"),
    "unknown key of a step": (
        "    must_check: ",
        "    mustcheck: ",
        "mustcheck",
        "Did you mean `must_check`?",
    ),
    "no title": ("title: Use your own domain\n", "", "---", "`title` is missing"),
    "no steps": ("steps:\n", "stepz:\n", "stepz", "`stepz` is not known here. Did you mean `steps`?"),
    "bad id": ("own-domain\n", "Own Domain\n", "Own Domain", "`Own Domain` cannot be an id"),
    "same key twice": ("action: ", "action: x\naction: ", "action: connect", "`action` is given twice"),
    "same step twice": (
        "id: open-shop",
        "id: add-record",
        "id: add-record\n    check: shop",
        "is listed twice",
    ),
    "subject nobody named": ("subject: shop", "subject: team", "subject: team", "Use one of: domain, shop"),
    "unknown check": ("shop_open", "shop_opem", "shop_opem", "Did you mean `shop_open`?"),
    "unknown action": ("connect_domain", "conect_domain", "conect_domain", "Did you mean `connect_domain`?"),
    "two names in a check": ("check: shop_open", "check: {a: {}, b: {}}", "{a: {}", "cannot be read"),
    "must be checked, by nothing": (
        "check: shop_open",
        "must_check: true",
        "true\n    subject",
        "names no check",
    ),
    "section without step": ("{#open-shop}", "{#open-it}", "{#open-it}", "no step has the id `open-it`"),
    "step without section": (
        "## 3. Open the shop {#open-shop}",
        "## Open it",
        "id: open-shop",
        "has no section",
    ),
    "two sections": ("{#then}", "{#open-shop}", "What happens then", "a second section says {#open-shop}"),
    "empty section": ("Press **Open**.", "", "{#open-shop}", "the section of step `open-shop` is empty"),
    "says something else": ("{done: ", "{donne: ", "donne", "Did you mean `done`?"),
    "says is no list": ("[I own the domain.]", "I own it", "I own it", "`done` is not a list of sentences"),
    "outcome to nowhere": (
        "id: buy-domain\n",
        "id: buy-domain\n    outcomes: {yes: add-recrod}\n",
        "outcomes",
        "outcome `yes` leads to `add-recrod`, which is not there. Did you mean `add-record`?",
    ),
    "outcome in a circle": (
        "id: buy-domain\n",
        "id: buy-domain\n    outcomes: {again: buy-domain}\n",
        "outcomes",
        "leads back to its own step",
    ),
    "never closed": ("_domain\n---\n", "_domain\n", "---", "never closed"),
    "not YAML": ("title: Use", "title: Use: ", "title: Use: ", "the front matter cannot be read"),
    "alias": ("subject: [domain, shop]", "subject: &s [domain, shop]\nx: *s", "title", "YAML alias"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_mistake_is_named_with_file_and_line(case: str) -> None:
    right, wrong, where, says = BROKEN[case]
    text = PAGE.replace(right, wrong)
    assert text != PAGE
    line = text[: text.index(where)].count("\n") + 1
    with pytest.raises(PageError) as caught:
        parsed(text)
    assert str(caught.value).startswith(f"own-domain.md:{line}: ")
    assert says in str(caught.value)


def test_sections_stand_in_the_order_of_the_steps() -> None:
    text = (
        PAGE.replace("{#buy-domain}", "{#x}")
        .replace("{#add-record}", "{#buy-domain}")
        .replace("{#x}", "{#add-record}")
    )
    with pytest.raises(PageError, match="another order than the steps"):
        parsed(text)


def test_any_name_is_a_check_where_the_installation_is_not_known() -> None:
    text = PAGE.replace("shop_open", "never_heard_of")
    assert parsed(text, checks=None).steps[2].check == Check(name="never_heard_of")
    with pytest.raises(PageError, match="This installation has: dns_record"):
        parsed(text.replace("never_heard_of", "zzz"), checks=frozenset({"dns_record"}))


def test_only_what_machines_follow_needs_approval() -> None:
    before = machine_part(parsed(PAGE))
    assert machine_part(parsed(PAGE.replace("Any seller will do.", "Ask your host."))) == before
    assert machine_part(parsed(PAGE.replace("    must_check: true\n", ""))) != before
    assert machine_part(parsed(PAGE.replace("action: connect_domain\n", ""))) != before
    assert machine_part(parsed(PAGE.replace("contains: shops.example", "contains: evil.example"))) != before


def test_a_translated_page_lends_its_words() -> None:
    words = "Duas coisas.\n\n## 2. Crie o registro {#add-record}\n\nNo seu DNS.\n"
    page = f"---\ntitle: Use o seu domínio\n---\n\n{words}"
    there = localized(parsed(PAGE), page, document="pt", version="v9", path="pt/own-domain.md", lang="pt")
    assert there.title == "Use o seu domínio"
    assert [step.title for step in there.steps] == ["Compre um domínio", "Crie o registro", "Open the shop"]
    assert there.steps[1].text == "No seu DNS."
    assert there.steps[1].check == parsed(PAGE).steps[1].check
    assert (there.document, there.version, there.intro) == ("pt", "v9", "Duas coisas.")


# --- branching ----------------------------------------------------------------------------------

CHART = """---
title: The light stays off
procedure: dark
when: The light does not come on.
subject: lamp
steps:
  - id: plugged
    outcomes: {yes: power, no: plug-in}
  - id: plug-in
    next: bulb
  - id: power
    check: dns_record
    seen: {met: there, not_met: gone}
    outcomes: {there: bulb, gone: handoff}
    says: {gone: [the outlet is dead]}
    labels: {gone: {pt: sem luz}}
  - id: bulb
    outcomes: {yes: action, no: new-bulb}
action: connect_domain
---

## 1. Is it plugged in? {#plugged}
Look.
## 2. Plug it in {#plug-in}
Push.
## 3. Is there power? {#power}
Measure.
## 4. Is the bulb intact? {#bulb}
Shake.
## A new bulb {#new-bulb}
Turn it in.
"""


def test_a_page_may_branch() -> None:
    chart = parsed(CHART)
    assert chart.branches
    plugged, plug_in, power, bulb = chart.steps
    assert plugged.outcomes == (("yes", "power"), ("no", "plug-in"))
    assert chart.after(plug_in) == "bulb"
    assert power.seen == (("met", "there"), ("not_met", "gone"))
    assert power.says == (("gone", ("the outlet is dead",)),)
    assert power.label_of("gone", "pt") == "sem luz"
    assert bulb.outcomes[0] == ("yes", "action")
    assert [(a.id, a.title, a.text) for a in chart.advice] == [("new-bulb", "A new bulb", "Turn it in.")]
    assert not parsed(PAGE).branches


def test_a_look_at_a_yes_or_no_question_needs_no_word() -> None:
    plain = CHART.replace("    seen: {met: there, not_met: gone}\n", "").replace(
        "there: bulb, gone:", "yes: bulb, no:"
    )
    plain = plain.replace("says: {gone:", "says: {no:").replace("labels: {gone:", "labels: {no:")
    assert parsed(plain).steps[2].seen == (("met", "yes"), ("not_met", "no"))


def test_ways_are_what_machines_follow() -> None:
    before = machine_part(parsed(CHART))
    assert machine_part(parsed(CHART.replace("next: bulb", "next: handoff"))) != before
    assert machine_part(parsed(CHART.replace("Turn it in.", "Screw it in."))) == before


WAYS = {
    "a circle": ("no: new-bulb", "no: plugged", "no: plugged}", "go in a circle: plugged -> power -> bulb -> plugged"),
    "a circle by next": ("next: bulb", "next: plugged", "next: plugged", "go in a circle: plugged -> plug-in -> plugged"),
    "no way there": ("no: plug-in", "no: bulb", "id: plug-in", "no way leads to step `plug-in`"),
    "an action that nobody named": ("action: connect_domain\n", "", "outcomes: {yes: action", "leads to an action"),
    "a look without a word": ("    seen: {met: there, not_met: gone}\n", "", "id: power", "which outcome the check stands for"),
    "a look at half": (", not_met: gone}\n", "}\n", "seen: ", "needs both `met` and `not_met`"),
    "a look at nothing": ("not_met: gone}\n", "not_met: lost}\n", "seen: ", "`lost` is no outcome of the step"),
    "says of no outcome": ("says: {gone:", "says: {lost:", "says:", "`lost` is not known here"),
    "a label of no outcome": ("labels: {gone:", "labels: {lost:", "labels:", "`lost` is not known here"),
    "both": ("    outcomes: {yes: action", "    next: handoff\n    outcomes: {yes: action", "next: handoff", "has outcomes and `next`"),
    "next to nowhere": ("next: bulb", "next: bulp", "next: bulp", "Did you mean `bulb`?"),
    "a status as outcome": ("{yes: action, no: new-bulb}", "{done: action}", "outcomes: {done", "`done` cannot be an outcome"),
    "an advice without words": ("Turn it in.", "", "{#new-bulb}", "the section `new-bulb` is empty"),
    "a step named like an end": ("id: plug-in", "id: done", "id: done", "is where a procedure ends"),
}  # fmt: skip


@pytest.mark.parametrize("case", WAYS)
def test_a_mistake_in_the_ways_is_named_with_file_and_line(case: str) -> None:
    right, wrong, where, says = WAYS[case]
    text = CHART.replace(right, wrong)
    assert text != CHART
    line = text[: text.index(where)].count("\n") + 1
    with pytest.raises(PageError) as caught:
        parsed(text)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"own-domain.md:{line}: ")
