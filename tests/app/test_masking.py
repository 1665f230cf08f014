"""Personal data and secrets are hidden whole, ordinary numbers stay, and what was hidden comes back."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.masking import Mask, card, cnpj, cpf, found_in, hidden, iban, masked, nif_es, nif_pt
from tests.app.personal import KINDS, sentences

ROOT = Path(__file__).parents[2]


def test_every_value_is_hidden_whole() -> None:
    for kind, value, text in sentences(1800, seed=7):
        said = masked(text)
        around = text.split(value)
        assert len(around) == 2
        assert re.fullmatch(f"{re.escape(around[0])}<\\w+>{re.escape(around[1])}", said), (kind, text, said)


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_is_hidden_in_what_logs_and_programs_make_of_it(kind: str) -> None:
    for each, value, text in sentences(900, seed=8):
        if each == kind:
            for form in (json.dumps({"text": f"\n{text}\n"}), repr(f"x\t{text}"), f"('{text}',)"):
                assert value.replace("\n", "\\n") not in masked(form), form


@pytest.mark.parametrize(
    ("holds", "right", "wrong"),
    [
        (card, "4111 1111 1111 1111", "4111 1111 1111 1112"),
        (card, "378282246310005", "378282246310006"),
        (cpf, "529.982.247-25", "529.982.247-24"),
        (cpf, "529.982.247-25", "111.111.111-11"),
        (cnpj, "11.222.333/0001-81", "11.222.333/0001-82"),
        (cnpj, "12.ABC.345/01DE-35", "12.ABC.345/01DE-36"),
        (nif_pt, "501 964 843", "501 964 844"),
        (nif_es, "12345678Z", "12345678A"),
        (nif_es, "X1234567L", "X1234567A"),
        (nif_es, "A58818501", "A58818502"),
        (iban, "PT50 0002 0123 1234 5678 9015 4", "PT50 0002 0123 1234 5678 9015 5"),
        (iban, "ES9121000418450200051332", "ES9121000418450200051333"),
        (iban, "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654"),
    ],
)
def test_check_digits_have_the_last_word(holds: object, right: str, wrong: str) -> None:
    assert callable(holds)
    assert holds(right)
    assert not holds(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "Order 123456789 is late, ticket #4821937465, invoice INV-2026-004711",
        "id 61827364556473 of 2026-11-30T10:40:00+00:00, 30/11/2026 14:22",
        "v1.20.300-rc2 on 192.168.100.200 and 2001:db8:85a3:0:0:8a2e:370:7334, port 8443",
        "550e8400-e29b-41d4-a716-446655440000 in commit 6f1ed002ab5595859014ebf0951522d9a1c4e0f5",
        'k1._domainkey TXT "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7vH3pVJ9x2Qf5Jw8IDAQAB"',
        "Our DKIM public key: MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7vH3pVJ9x2Qf5Jw8IDAQAB",
        '"v=spf1 include:spf.heron.example ip4:203.0.113.7 ~all" and google-site-verification=n7Qw3kLm9PzX2c',
        "ns1.acme.example hostmaster.acme.example 2026113001 7200 3600 1209600 300",
        "R$ 1.234.567,89, 912.345.678 messages, EAN 4012370101543",
        "Send Authorization: Bearer YOUR_API_KEY with api_key=HERON_API_KEY, the token <your token>",
        "I forgot my password: what now? A senha: como troco? La contraseña: ¿cuál?",
        "Keys rotate every 90 days; the key prod-2026-q4 is old",
        "links.acme.example CNAME u4711.wl042.track.heron.example, MS=ms12345678",
    ],
)
def test_ordinary_numbers_and_records_stay(text: str) -> None:
    assert masked(text) == text


def test_our_own_texts_hold_nothing_but_addresses() -> None:
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "knowledge" / "pages").rglob("*.md")]
    cases = [
        (ROOT / "evals" / "cases" / f"{name}.jsonl").read_text(encoding="utf-8")
        for name in ("https", "other", "small_talk", "trio-first")
    ]
    texts = [*pages, *cases]
    assert sum(map(len, texts)) > 200_000
    found = [(f.kind, text[f.start : f.end]) for text in texts for f in found_in(text)]
    assert {kind for kind, _ in found} <= {"email"}
    assert all("@" in value for _, value in found)


# --- there and back -----------------------------------------------------------------------------


def test_the_same_thing_has_the_same_name_and_an_address_keeps_its_domain() -> None:
    mask = Mask()
    said = mask(
        "Write to ana@acme.example or bia@acme.example, not to ana@acme.example. My site: acme.example"
    )
    assert said == (
        "Write to <email 1>@acme.example or <email 2>@acme.example, not to <email 1>@acme.example. "
        "My site: acme.example"
    )
    assert mask("ana@acme.example") == "<email 1>@acme.example", "in the next text of the call, too"
    for form in ("<email 1>@acme.example", "<email 1>", "<email 1>@ACME.example"):
        assert mask.back(f"Use {form}.") == "Use ana@acme.example."
    assert mask.back("<email 3> and <b>") == "<email 3> and <b>"
    assert mask.back("<email 1>@other.example") == "<email 1>@other.example"
    whole = "Use <email 1>@acme.example now, or <b>"
    shown = [mask.so_far(whole[:n]) for n in range(len(whole) + 1)]
    assert all(after.startswith(before) for before, after in pairwise(shown))
    assert shown[-1] == "Use ana@acme.example now, or <b>"
    assert hidden("bia@acme.example") == "<email 1>@acme.example"


def test_what_a_customer_writes_like_a_placeholder_is_theirs() -> None:
    mask = Mask()
    text = "Is <email 1> your address? Mine is ana@acme.example"
    assert mask.back(mask(text)) == text


@given(st.lists(st.integers(0, 899), max_size=6), st.text(max_size=60))
def test_what_was_hidden_comes_back_as_it_was(picked: list[int], between: str) -> None:
    some = [SENTENCES[n] for n in picked]
    text = between.join(some)
    mask = Mask()
    assert mask.back(mask(text)) == text


SENTENCES = [text for _, _, text in sentences(900, seed=9)]


@pytest.mark.parametrize(
    "text", ["key " * 20_000, "1 " * 40_000, "a@" * 40_000, "a." * 40_000, "+1" * 40_000, "-" * 80_000,
    "call " * 20_000, "-----BEGIN PRIVATE KEY-----" * 3_000, "eyJaaaaaaaa." * 8_000, "PT50 " * 16_000,
    "http://a:" * 10_000, "a@b.co " * 12_000, "x" * 80_000, "9" * 80_000, "password=" * 9_000],
)  # fmt: skip
def test_no_text_keeps_it_busy(text: str) -> None:
    masked(text)
