"""Search: both languages, both kinds of likeness, filters, quotes and relevance."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sync import sync
from knowledge.embedding import CachedEncoder
from knowledge.model import Citation, Hit, Source
from knowledge.ranking import Ranked, met
from knowledge.relevance import Signs, shipped_model
from knowledge.store import Knowledge
from knowledge.stored import Found
from tests.knowledge.filling import opened, written

PAGES = {
    "en/ports.md": """# Mail ports

## Which port {#which}

Use port 587 with STARTTLS. Where a network blocks it, port 2525 does the same.

## Errors {#errors}

| Answer | Meaning |
|---|---|
| `535 5.7.8` | wrong user name or password |
| `421 4.7.0` | too many connections at once |
""",
    "pt-BR/ports.md": """# Portas de e-mail

## Qual porta {#which}

Use a porta 587 com STARTTLS. Onde a rede bloqueia, a porta 2525 faz o mesmo.

## Erros {#errors}

| Resposta | Significado |
|---|---|
| `535 5.7.8` | usuário ou senha errados |
| `421 4.7.0` | conexões demais ao mesmo tempo |
""",
    "en/invoices.md": """# Invoices

An invoice is made on the first day of each month. Download it as PDF under **Settings > Billing**.

Brazilian customers receive no fiscal note, because the seller is abroad.
""",
    "en/phone.md": """# Phone lost

Enter a recovery code instead of the six digits. Without one, an admin resets your second factor.
""",
    "en/warming.md": """# Warm-up

Grow slowly: five hundred messages on the first day, then double every three days. Mailbox providers
distrust a sender who is suddenly loud.
""",
    "pt-BR/exportar.md": """# Exportar contatos

Vá em **Contatos > Exportar** e escolha CSV. O arquivo fica disponível por sete dias.
""",
}


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory, shared_encoder: CachedEncoder) -> Iterator[Knowledge]:
    folder = tmp_path_factory.mktemp("search")
    made = opened(folder / "data", written(folder / "docs", PAGES), shared_encoder)
    yield made
    made.close()


def first(hits: list[Hit]) -> tuple[str, str | None]:
    return hits[0].passage.path, hits[0].passage.anchor


def test_finds_by_words_and_by_meaning(knowledge: Knowledge) -> None:
    assert first(knowledge.search("Which port with STARTTLS?", lang="en")) == ("en/ports.md", "which")
    assert first(knowledge.search("535 5.7.8", lang="en")) == ("en/ports.md", "errors")
    assert first(knowledge.search("my mobile is gone and I cannot log in", lang="en"))[0] == "en/phone.md"


def test_the_language_that_likelier_answers_comes_first_and_keeps_its_order(knowledge: Knowledge) -> None:
    """As where three contracts in Portuguese lie among a thousand English pages."""
    (passage,) = (hit.passage for hit in knowledge.search("STARTTLS port", lang="en", limit=1))

    def ranked(score: float, own: bool, likeness: float) -> Ranked:
        return Ranked(Found(1, passage, "public", ""), score, Signs(own, 0.5, 0.3, 0.1, likeness))

    contracts = [ranked(6.0, True, 0.05), ranked(5.0, True, 0.0), ranked(3.0, True, 0.1)]
    answers = [ranked(4.0, False, 0.5), ranked(3.5, False, 0.6)]
    order = [r.signs.likeness for r in met(shipped_model(), [*contracts, *answers])]
    assert order == [0.5, 0.6, 0.05, 0.0, 0.1]
    near = [ranked(6.0, True, 0.45), ranked(4.0, False, 0.4)]
    assert [r.signs.same_language for r in met(shipped_model(), near)] == [True, False]


def test_a_page_in_the_asked_language_stands_in_for_its_translation(knowledge: Knowledge) -> None:
    assert first(knowledge.search("Qual porta devo usar?", lang="pt")) == ("pt-BR/ports.md", "which")
    assert first(knowledge.search("Which port?", lang="en")) == ("en/ports.md", "which")
    shown = [h.passage.path for h in knowledge.search("port 587 STARTTLS", lang="pt")]
    assert "en/ports.md" not in shown


def test_a_page_that_exists_in_another_language_only_is_found(knowledge: Knowledge) -> None:
    assert first(knowledge.search("Onde baixo a fatura do mês?", lang="pt"))[0] == "en/invoices.md"
    assert first(knowledge.search("¿Cómo exporto mis contactos?", lang="es"))[0] == "pt-BR/exportar.md"
    assert first(knowledge.search("How can I export my contacts?", lang=None))[0] == "pt-BR/exportar.md"


def test_earlier_sentences_of_the_conversation_count_less(knowledge: Knowledge) -> None:
    asked = [
        ("Where do I find my invoice?", 0.25),
        ("I lost my phone", 0.5),
        ("Which port does SMTP use?", 1.0),
    ]
    assert first(knowledge.search(asked, lang="en"))[0] == "en/ports.md"
    follow_up = [("And as PDF?", 1.0), ("Where do I find my invoices?", 0.5)]
    assert first(knowledge.search(follow_up, lang="en"))[0] == "en/invoices.md"


def test_only_the_named_documents_are_searched(knowledge: Knowledge) -> None:
    hits = knowledge.search("Which port?", lang="en", documents=frozenset({"docs:en/warming.md"}))
    assert {h.passage.path for h in hits} == {"en/warming.md"}
    assert knowledge.search("Which port?", lang="en", documents=frozenset()) == []


def test_nothing_comes_of_nothing(knowledge: Knowledge) -> None:
    assert knowledge.search("", lang="en") == []
    assert knowledge.search("   \n", lang="en") == []
    assert knowledge.search([], lang="en") == []
    assert knowledge.search("port", lang="en", audiences=frozenset({"internal"})) == []


@pytest.mark.parametrize(
    "query", ['"', "OR AND NOT", "stem:x*", "(((", "\0", "😀", "a" * 5_000, "' -- ;", "^NEAR(a b)"]
)
def test_any_text_is_a_query(knowledge: Knowledge, query: str) -> None:
    knowledge.search(query, lang="en")


def test_the_limit_holds(knowledge: Knowledge) -> None:
    assert len(knowledge.search("mail", lang="en", limit=2)) == 2


def test_quotes_are_lines_of_the_passage_and_the_first_one_answers(knowledge: Knowledge) -> None:
    hits = knowledge.search("Which port?", lang="en")
    for hit in hits:
        assert 1 <= len(hit.quotes) <= 3
        assert all(quote in hit.passage.text for quote in hit.quotes)
    assert hits[0].quotes[0] == "Use port 587 with STARTTLS."
    table = knowledge.search("421 too many connections", lang="en")[0]
    assert table.quotes[0] == "| `421 4.7.0` | too many connections at once |"


def test_what_answers_is_more_relevant_than_what_does_not(knowledge: Knowledge) -> None:
    right = [
        knowledge.search("Which port should I use for SMTP with STARTTLS?", lang="en")[0].relevance,
        knowledge.search("Qual porta devo usar com STARTTLS?", lang="pt")[0].relevance,
        knowledge.search("Where can I download the invoice as PDF?", lang="en")[0].relevance,
    ]
    wrong = [
        knowledge.search("How do I cook lentil soup?", lang="en")[0].relevance,
        knowledge.search("Quem ganhou o jogo ontem?", lang="pt")[0].relevance,
        knowledge.search("My printer prints empty pages", lang="en")[0].relevance,
    ]
    assert min(right) > 0.5 > 0.35 > max(wrong)


def test_a_citation_is_checked_against_its_passage_version(knowledge: Knowledge) -> None:
    hit = knowledge.search("Which port?", lang="en")[0]
    p = hit.passage
    citation = Citation(
        passage=p.id,
        document=p.document,
        version=p.version,
        title=p.title,
        path=p.path,
        anchor=p.anchor,
        quote=hit.quotes[0],
        updated_at=p.updated_at,
        lang=p.lang,
    )
    assert knowledge.verify(citation)
    assert not knowledge.verify(citation.model_copy(update={"quote": "Use port 25."}))
    assert not knowledge.verify(citation.model_copy(update={"quote": " "}))
    assert not knowledge.verify(citation.model_copy(update={"version": "0" * 64}))
    assert not knowledge.verify(citation.model_copy(update={"passage": "docs:en/ports.md@0#0"}))


def test_a_single_page_answers_what_it_says_and_nothing_else(
    tmp_path: Path, shared_encoder: CachedEncoder
) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    line = "Descale the espresso machine every two months with citric acid."
    (pages / "a.md").write_text(f"# Espresso machine\n\n{line}\n", encoding="utf-8")
    knowledge = Knowledge.open(tmp_path / "data", encoder=shared_encoder)
    try:
        sync(knowledge, Source(id="one", location=str(pages)), checks=None, actions=None)
        (said,) = knowledge.search("How often do I descale the espresso machine?", lang="en")
        (besides,) = knowledge.search("What is the capital of France?", lang="en")
    finally:
        knowledge.close()
    assert said.relevance >= 0.5 > besides.relevance
    assert said.quotes[0] == line
