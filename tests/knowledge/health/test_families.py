"""Duplicates, stale pages, translations, links, dead ends and questions, each on a few small pages."""

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from app.phrases import worded
from knowledge.errors import KnowledgeError
from knowledge.health.dead_ends import dead_ends
from knowledge.health.duplicates import alike, duplicates, same_tasks, title_pairs
from knowledge.health.finding import Evidence, Finding
from knowledge.health.links import broken_links
from knowledge.health.near import EXACT, TOGETHER, _blocks, near_pages
from knowledge.health.pages import PageText, statements
from knowledge.health.questions import ENOUGH, Asked, never_found, no_page
from knowledge.health.stale import Manifest, gone_from_product, past_dates, read_manifest
from knowledge.health.translations import behind
from knowledge.model import Procedure
from tests.knowledge.health.building import page, said

LONG = "\n\n".join(
    f"Paragraph {n} tells of balloon {n}, its captain, {n * 7} ropes, and how crew {n} ties them."
    for n in range(15)
)


def twins(*pages: PageText) -> list[Finding]:
    return duplicates(pages, alike(pages))


# --- duplicates -----------------------------------------------------------------------------------


def test_the_same_text_is_found_whatever_title_and_front_matter_say() -> None:
    one = page("a.md", f"---\ntitle: One\n---\n{LONG}\n", title="One")
    two = page("b.md", f"---\ntitle: Two\n---\n{LONG}\n", title="Two")
    [found] = twins(one, two)
    assert (found.kind, found.place.whole) == ("same_text", True)


def test_an_older_wording_counts_as_replaced_and_shows_a_line_that_only_it_has() -> None:
    old = page(
        "old.md", f"# Balloons\n\nOnly the old page says this about anchors.\n\n{LONG}\n", at="2020-01-01"
    )
    new = page("new.md", f"# Balloons\n\nThe new page says that instead.\n\n{LONG}\n")
    [found] = twins(new, old)
    assert (found.kind, found.place.path) == ("superseded", "old.md")
    assert found.place.quote == "Only the old page says this about anchors."


def test_two_wordings_of_one_day_are_not_old_and_new() -> None:
    [found] = twins(
        page("a.md", f"# A\n\n{LONG}\n\nOne end.\n"), page("b.md", f"# B\n\n{LONG}\n\nAnother end.\n")
    )
    assert found.kind == "reworded"


def test_pages_that_share_a_footer_are_not_one_page() -> None:
    footer = (
        "Write to the harbour office between nine and five if anything about your balloon is unclear to you."
    )
    other = LONG.replace("balloon", "kite").replace("captain", "tail").replace("ropes", "knots")
    assert twins(page("a.md", f"{LONG}\n\n{footer}"), page("b.md", f"{other[::-1]}\n\n{footer}")) == []


def test_two_guides_for_one_task() -> None:
    one = page("a.md", "# Launch a night balloon\n\n1. Tie the rope.\n2. Light the lamp.\n")
    two = page("b.md", "# How to launch a night balloon\n\n1. Fix the rope first.\n2. Then light a lamp.\n")
    other = page("c.md", "# Launch a kite\n\n1. Run.\n2. Let go.\n")
    pages = [one, two, other]
    near = {(0, 1): 0.8, (0, 2): 0.4}
    [found] = same_tasks(pages, alike(pages), near)
    assert found.kind == "same_task"
    assert same_tasks([one, other], alike([one, other]), title_pairs([one, other])) == []


# --- stale ----------------------------------------------------------------------------------------


def test_a_page_that_looks_forward_to_a_day_gone_by() -> None:
    text = (
        "# News\n\nThe old depot will be closed on 16 April 2018.\n\nIt opened on May 1st, 2010.\n\n"
        "Example: the log of 2017-01-01 will be kept.\n"
    )
    pages = [
        page("a.md", text),
        page("b.md", "# Notícias\n\nO depósito antigo será fechado em 3 de maio de 2019.\n", lang="pt"),
        page("c.md", "# Dados\n\nVeja dados de até 2 anos antes de 15 de outubro de 2019.\n", lang="pt"),
        page("d.md", "# Datos\n\nEl depósito abre hasta el 3 de mayo de 2019.\n", lang="es"),
        page("2018-01-01.md", text),
    ]
    found = past_dates(pages, statements(pages), date(2024, 1, 1))
    assert {f.place.path for f in found} == {"a.md", "b.md", "d.md"}
    assert past_dates(pages, statements(pages), date(2018, 4, 20)) == []


def test_labels_and_endpoints_that_the_product_lost(tmp_path: Path) -> None:
    file = tmp_path / "manifest.yaml"
    file.write_text(
        "labels: [Depots, Save]\n"
        "endpoints: ['GET /v3/depots/{id}', 'POST /v3/depots']\nrenamed: {Hangars: Depots}\n"
    )
    text = (
        "# Depots\n\nClick **Save** when you are done.\n\nSelect **Old depots** in the menu.\n\n"
        "Open the Hangars page.\n\n**Bold words** mean nothing.\n\n"
        "`GET /v3/depots/42`, `GET /v3/hangars/42`, `/etc/hosts`\n"
    )
    pages = [page("a.md", text)]
    found = gone_from_product(pages, statements(pages), read_manifest(file))
    assert sorted(said(f) for f in found) == [
        "The product has no endpoint `/v3/hangars/42`.",
        "The product has no “Old depots”.",
        "The product has no “hangars”. It is called “Depots” now.",
    ]


def test_a_path_of_dots_alone_is_no_endpoint() -> None:
    pages = [page("a.md", "# Depots\n\nGo up with `cd /..`, or to folder/... and call `/v3/hangars`.\n")]
    manifest = Manifest(endpoints=frozenset({"GET /v3/depots", ""}))
    [found] = gone_from_product(pages, statements(pages), manifest)
    assert said(found) == "The product has no endpoint `/v3/hangars`."


def test_a_manifest_that_cannot_be_used_says_what_it_should_hold(tmp_path: Path) -> None:
    for text in ("labels: [", "lables: [Save]", "- Save"):
        (tmp_path / "m.yaml").write_text(text)
        with pytest.raises(KnowledgeError, match="lists `labels`"):
            read_manifest(tmp_path / "m.yaml")
    with pytest.raises(KnowledgeError):
        read_manifest(tmp_path / "none.yaml")
    (tmp_path / "m.yaml").write_text("")
    assert read_manifest(tmp_path / "m.yaml") == Manifest()


# --- translations ---------------------------------------------------------------------------------

EN = """# Depots

See [rules](/en/rules.md#top). Run `fly --now`. Wait 1,000 minutes.

## Keys

* One key
* Two keys
"""
PT = """# Depósitos

Veja as [regras](/pt-br/rules.md). Rode `fly --now`. Espere 1.000 minutos.

## Chaves

* Uma chave
* Duas chaves
"""


def translated(pt: str) -> list[Finding]:
    return behind([page("en/a.md", EN), page("pt-BR/a.md", pt, lang="pt")])


def test_a_translation_that_says_the_same_is_left_alone() -> None:
    assert translated(PT) == []


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        (("/pt-br/rules.md", "/pt-br/old-rules.md"), "links"),
        (("fly --now", "fly --soon"), "code"),
        (("1.000", "2.000"), "figures"),
        (("## Chaves\n", ""), "headings"),
        (("* Duas chaves\n", ""), "items"),
    ],
)
def test_what_a_translator_leaves_as_it_is_shows_that_it_fell_behind(
    change: tuple[str, str], sign: str
) -> None:
    [found] = translated(PT.replace(*change))
    assert (found.kind, found.place.path) == ("translation_behind", "pt-BR/a.md")
    assert sign in said(found)


def test_what_differs_in_most_translations_is_how_they_are_made() -> None:
    addresses = PT.replace("/pt-br/rules.md", "/pt-br/regras.md")
    pairs = [p for n in range(8) for p in (page(f"en/{n}.md", EN), page(f"pt/{n}.md", addresses, lang="pt"))]
    assert behind(pairs) == []
    short = page("pt/9.md", addresses.replace("* Duas chaves\n", ""), lang="pt")
    [found] = behind([*pairs, page("en/9.md", EN), short])
    assert found.place.path == "pt/9.md"
    assert "links" not in said(found)


def test_one_that_is_much_shorter_than_the_others_lacks_something() -> None:
    more = "\nA balloon needs no keys at night, for nobody flies it then, whatever its captain may think.\n"
    pairs = [p for n in range(8) for p in (page(f"en/{n}.md", EN), page(f"pt/{n}.md", PT, lang="pt"))]
    [found] = behind([*pairs, page("en/9.md", EN + 3 * more), page("pt/9.md", PT, lang="pt")])
    assert found.place.path == "pt/9.md"
    assert re.search(r"in its length: \d+ words for \d+\.$", said(found))


def test_a_translation_without_any_word_is_compared_like_any_other() -> None:
    [found] = translated("# 🎈\n\n🎈🎈🎈\n")
    assert "links" in said(found)


def test_comments_in_code_may_be_translated() -> None:
    code = "\n```\nfly --now  # {}\n```\n"
    one, two = EN + code.format("at once"), PT + code.format("agora")
    assert behind([page("en/a.md", one), page("pt-BR/a.md", two, lang="pt")]) == []


def test_a_translation_without_its_page_is_odd_only_where_the_others_have_theirs() -> None:
    pairs = [p for n in range(8) for p in (page(f"en/{n}.md", EN), page(f"pt-BR/{n}.md", PT, lang="pt"))]
    [found] = behind([*pairs, page("pt-BR/gone.md", PT, lang="pt")])
    assert found.place.path == "pt-BR/gone.md"
    alone = [page(f"pt-BR/only{n}.md", PT, lang="pt") for n in range(8)]
    assert behind([*pairs, *alone]) == []


# --- links ----------------------------------------------------------------------------------------


def test_links_and_sections_that_are_not_there() -> None:
    text = (
        "# A\n\n[b](b.md) [c](gone.md) [d](b.md#keys) [e](b.md#locks) [f](https://example.com/x) "
        "[g](#here)\n\n"
        "![p](p.png) `[h](no.md)`\n\n```\n[i](no.md)\n```\n\n## Here\n"
    )
    pages = [page("a.md", text), page("b.md", "# B\n\nWords.\n\n## Keys\n\nMore.\n")]
    found = broken_links(pages)
    assert sorted(said(f).split("`")[1] for f in found) == ["#locks", "gone.md"]
    assert all(f.place.line == 3 for f in found)


def test_addresses_from_the_root_are_judged_only_where_we_know_how_they_are_made() -> None:
    pages = [page(f"site/p{n}.md", f"# P{n}\n\n[x]({{{{root}}}}/p{(n + 1) % 9}/)\n") for n in range(9)]
    assert broken_links(pages) == []
    [found] = broken_links([*pages, page("site/q.md", "# Q\n\n[x]({{root}}/lost/)\n")])
    assert "/lost/" in said(found)
    assert broken_links([page("site/q.md", "# Q\n\n[x](/lost/) [y](/shop/)\n")]) == []


# --- dead ends ------------------------------------------------------------------------------------


def procedure(action: str | None = "enable_night") -> Procedure:
    return Procedure(
        id="night-flights",
        document="docs:proc.md",
        version="1",
        path="proc.md",
        lang="en",
        title="Night flights for your balloon",
        when="Night flights should be on.",
        intro="",
        subjects=("balloon",),
        steps=(),
        action=action,
    )


def test_a_page_that_ends_at_support_although_we_can_do_it() -> None:
    sends = "Contact support to enable night flights for your balloon."
    text = f"# Night flights for a balloon\n\n{LONG}\n\n{sends}\n"
    pages = [page("a.md", text), page("b.md", "# Refunds\n\nContact support to get your money back.\n")]
    [found] = dead_ends(pages, statements(pages), [procedure()], {"docs:a.md": 7})
    assert (found.place.path, found.cases) == ("a.md", 7)
    assert "night-flights" in worded(found.todo, "en")
    assert dead_ends(pages, statements(pages), [procedure(action=None)]) == []


def test_support_named_in_the_middle_is_no_end() -> None:
    sends = "Contact support to enable night flights for your balloon."
    text = f"# Night flights for a balloon\n\n{sends}\n\n{LONG}\n\n{LONG}\n"
    pages = [page("a.md", text)]
    assert dead_ends(pages, statements(pages), [procedure()]) == []


# --- questions ------------------------------------------------------------------------------------


def test_questions_without_a_page_are_counted_together() -> None:
    asked = [
        Asked(
            text="Can I post a whale by balloon?",
            lang="en",
            evidence=Evidence(conversation="c", message="m", quote="q"),
        ),
        Asked(text="can i post a whale by balloon", lang="en"),
        Asked(text="Where is the harbour office?", lang="en"),
        Asked(text="When does it fly?", lang="en", relevance=0.9, found=("docs:a.md",)),
    ]
    first, second = no_page(asked)
    assert (first.place.quote, first.cases) == ("Can I post a whale by balloon?", 2)
    assert first.evidence[0].conversation == "c"
    assert second.cases == 1


def test_a_page_that_none_of_many_questions_found() -> None:
    pages = [page("a.md", "# A\n\nOne two three.\n"), page("b.md", "# B\n\nFour five six.\n")]
    asked = [Asked(text="When does it fly?", lang="en", found=("docs:a.md",), relevance=0.9)] * ENOUGH
    assert [f.place.path for f in never_found(pages, asked)] == ["b.md"]
    assert never_found(pages, asked[:-1]) == []


# --- neighbours -----------------------------------------------------------------------------------


def test_neighbours_are_found_without_comparing_all_with_all() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(size=(EXACT, 32))
    rows = np.concatenate([base, base + rng.normal(scale=0.1, size=base.shape)]).astype(np.float32)
    near = near_pages(rows, range(len(rows)))
    found = sum((n, n + EXACT) in near for n in range(EXACT))
    assert found > 0.9 * EXACT
    assert near_pages(rows[:1], [0]) == {}


def test_passages_that_all_say_the_same_are_compared_a_part_at_a_time() -> None:
    """They are all in one cell, and a table of all with all would fill the memory."""
    same = np.ones((EXACT + 1_000, 2), dtype=np.float32)
    parts = [rows for rows, _ in _blocks(same)]
    assert max(len(rows) for rows in parts) <= TOGETHER
    assert sum(len(rows) for rows in parts) == len(same)
