"""Search: what it is limited to, pages that say the same, and messages that ask several things."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import CachedEncoder, Vectors
from knowledge.spelling import spelled_alike
from knowledge.store import Knowledge
from tests.knowledge.filling import opened, take_in, written

RETRIES = "A webhook that gets no answer is sent again after {n} minutes, then every hour for a day."
PAGES = {
    "retries.md": f"# Webhook retries\n\n{RETRIES.format(n=5)}\n",
    "copy.md": f"# Webhook retries\n\n{RETRIES.format(n=5)}\n",
    "other-number.md": f"# Webhook retries\n\n{RETRIES.format(n=15)}\n",
    "inside.md": f"---\naudience: internal\n---\n# Webhook retries\n\n{RETRIES.format(n=5)}\n",
    "pt-BR/convites.md": "# Convites\n\nO convite para um colega vale por sete dias e chega por e-mail.\n",
    "mail.md": "---\nproduct: Mail\n---\n# Export\n\nExport your contacts as CSV under Lists > Export.\n",
    "crm.md": "---\nproduct: [CRM, Desk]\nversion: 2.1\n---\n"
    "# Export\n\nExport your contacts as XLSX under People.\n",
    "invoices.md": "# Invoices\n\nAn invoice is made on the first day of each month.\n",
    "phone.md": "# Phone lost\n\n"
    "Whoever lost the phone enters a recovery code, or an admin resets the factor.\n",
}


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory, shared_encoder: CachedEncoder) -> Iterator[Knowledge]:
    folder = tmp_path_factory.mktemp("limits")
    made = opened(folder / "data", written(folder / "docs", PAGES), shared_encoder)
    yield made
    made.close()


def test_pages_that_say_the_same_are_one_result_that_names_them(knowledge: Knowledge) -> None:
    hits = knowledge.search("When is a webhook sent again?", lang="en")
    found = {hit.passage.path: set(hit.twins) for hit in hits}
    first = next(path for path in found if path in {"retries.md", "copy.md"})
    assert found[first] == {"retries.md", "copy.md"} - {first}
    # Another number is another statement, and what only the team may read is named to nobody else.
    assert found["other-number.md"] == set()
    assert "inside.md" not in {path for hit in hits for path in (hit.passage.path, *hit.twins)}


def test_a_twin_for_another_audience_stays_a_result_of_its_own(knowledge: Knowledge) -> None:
    hits = knowledge.search(
        "When is a webhook sent again?", lang="en", audiences=frozenset({"public", "internal"})
    )
    assert ("inside.md", ()) in {(hit.passage.path, hit.twins) for hit in hits}


def exported(knowledge: Knowledge, product: str | None = None, version: str | None = None) -> set[str]:
    hits = knowledge.search("How do I export my contacts?", lang="en", product=product, version=version)
    return {hit.passage.path for hit in hits} & {"mail.md", "crm.md"}


def test_a_product_and_a_version_limit_what_is_found(knowledge: Knowledge) -> None:
    assert exported(knowledge) == {"mail.md", "crm.md"}
    assert exported(knowledge, "mail") == {"mail.md"}
    assert exported(knowledge, "Desk") == {"crm.md"}
    assert exported(knowledge, "Desk", "2.0") == set()
    assert exported(knowledge, version="2.1") == {"mail.md", "crm.md"}
    assert exported(knowledge, "'; DROP TABLE document; --") == set()
    # A page that names no product is for all of them.
    first = knowledge.search("When is an invoice made?", lang="en", product="Mail", limit=1)[0]
    assert first.passage.path == "invoices.md"


def test_a_language_limits_what_is_found(knowledge: Knowledge) -> None:
    asked = "How long is an invitation for a colleague valid?"
    assert knowledge.search(asked, lang="en")[0].passage.path == "pt-BR/convites.md"
    hits = knowledge.search(asked, lang="en", langs=frozenset({"en"}))
    assert hits
    assert {hit.passage.lang for hit in hits} == {"en"}


def test_what_may_not_be_seen_takes_no_places(tmp_path: Path) -> None:
    pages = tmp_path / "docs"
    pages.mkdir()
    for n in range(200):
        text = f"---\naudience: internal\n---\n# Quota {n}\n\nThe quota of quotas is quota {n}.\n"
        (pages / f"in-{n}.md").write_text(text, encoding="utf-8")
    open_page = "# Limits\n\nEvery plan has limits. What is left of the quota is shown there.\n"
    (pages / "open.md").write_text(open_page, encoding="utf-8")
    knowledge = Knowledge.open(tmp_path / "data", encoder=Arbitrary())
    try:
        take_in(knowledge, pages)
        assert [hit.passage.path for hit in knowledge.search("quota", lang="en")] == ["open.md"]
    finally:
        knowledge.close()


def test_each_question_of_a_message_is_looked_up(knowledge: Knowledge) -> None:
    message = "Hello. When is the invoice of this month made? And what do I do about my lost phone?"
    hits = knowledge.search(message, lang="en")
    assert [hit.passage.path for hit in hits[:2]] == ["invoices.md", "phone.md"]
    assert [hit.quotes[0].split()[0] for hit in hits[:2]] == ["An", "Whoever"]
    assert len({hit.passage.id for hit in hits}) == len(hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_topic_that_a_long_text_comes_back_to_outweighs_what_it_mentions(knowledge: Knowledge) -> None:
    text = (
        "I wrote about an invoice once.\n" + "The webhook came again.\nOur webhook is sent again, why.\n" * 3
    )
    assert "webhook" in knowledge.search(text, lang="en")[0].passage.text


def test_spelling_tells_related_words_of_two_languages() -> None:
    passages = ["Configuration of the certificate", "Billing and invoices", "", "☃"]
    scores = spelled_alike([("configuração do certificado", 1.0)], passages)
    assert scores.argmax() == 0
    assert scores[2] == scores[3] == 0
    assert not spelled_alike([], passages).any()


class Arbitrary:
    """Vectors of no meaning: only words decide."""

    name = "arbitrary"
    dimensions = 8

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self.passages(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        rows = np.random.default_rng(len(texts)).standard_normal((len(texts), self.dimensions))
        unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit
