"""The names in a sentence sway nothing that is read of it."""

from __future__ import annotations

import pytest

from app.reader.builtin import read_conversation
from app.reader.names import masked
from knowledge.embedding import CachedEncoder
from tests.app.reader.test_builtin import said
from tests.app.world import page

SAID = {
    "pt": ("Acabei de ligar o rastreamento de cliques.", "Os links de marca de {domain} estão validados."),
    "en": ("I have just switched on click tracking.", "The branded links of {domain} are validated."),
    "es": ("Acabo de activar el seguimiento de clics.", "Los enlaces de marca de {domain} están validados."),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("links.loja-797742.example is up", "example.com is up"),
        ("look at https://go.acme.example/a?b=c.", "look at example.com."),
        ("write to ana@acme.example, please", "write to example.com, please"),
        ("request 4f3a9c0d11 failed", "request 1 failed"),
        (
            "done. Then step 2 (v1.2) of the guide, e.g. this",
            "done. Then step 2 (v1.2) of the guide, e.g. this",
        ),
    ],
)
def test_names_become_one_and_words_stay(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize("lang", SAID)
@pytest.mark.parametrize("shop", ["loja-797742", "loja-86897d", "loja-fbb818", "acme"])
def test_a_report_is_no_plain_wish_whatever_the_host_is_called(
    lang: str, shop: str, encoder: CachedEncoder
) -> None:
    texts = [text.format(domain=f"{shop}.example") for text in SAID[lang]]
    reading = read_conversation(said(*texts), [page("https-tracking-links")], encoder)
    assert reading.faint
    assert {claim.step: claim.status for claim in reading.claims} == {
        "link-tracking": "done",
        "branded-link": "done",
    }
