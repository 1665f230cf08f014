"""Replies lead to help pages and to the exact addresses of pages of the company's own sites, nowhere else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import events
from app.channels.chatwoot.wording import safe
from app.channels.slack.blocks import also, help_links, markdown, mrkdwn
from app.channels.slack.blocks import source as slack_source
from app.citing import as_of_now
from app.links import Places
from app.models.conversation import Message
from app.models.event import Event
from app.output import plain
from app.quoting import linked
from app.settings import Settings
from app.shown import message_event
from knowledge.model import Address, Citation, Cited, Fate
from tests.app.test_output import PIECES, pressed

OWN = "https://www.acme.com"
SETTINGS = Settings(_env_file=None, public_url="https://support.acme.com")
ADDRESSES = {
    "site:/docs/dns": Address(url=f"{OWN}/docs/dns", anchors=frozenset({"cname", "configuração"})),
    "site:/docs/tls": Address(url=f"{OWN}/docs/tls/"),
    "site:/docs/old?id=2": Address(url=f"{OWN}/docs/old?id=2"),
    "site:/docs/away": Address(url=""),
    "desk:en-us/7": Address(url="https://help.acme.com/hc/en-us/articles/7-Bills"),
}
PLACES = Places(SETTINGS, ADDRESSES)
QUOTE = "Point the name at us."


def citation(document: str = "site:/docs/dns", anchor: str | None = "cname", quote: str = QUOTE) -> Citation:
    return Citation(
        passage="p",
        document=document,
        version="1",
        title="DNS",
        path=document.partition(":")[2],
        anchor=anchor,
        quote=quote,
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
        lang="en",
    )


@pytest.mark.parametrize(
    ("document", "anchor", "address"),
    [
        ("site:/docs/dns", None, f"{OWN}/docs/dns"),
        ("site:/docs/dns", "cname", f"{OWN}/docs/dns#cname"),
        ("site:/docs/dns", "configuração", f"{OWN}/docs/dns#configura%C3%A7%C3%A3o"),
        ("site:/docs/dns", "gone", f"{OWN}/docs/dns"),
        ("desk:en-us/7", None, "https://help.acme.com/hc/en-us/articles/7-Bills"),
        ("site:/docs/away", "x", "https://support.acme.com/help/docs/away#x"),
        ("site:/docs/none", None, None),
        ("pages:en/dns.md", "cname", "https://support.acme.com/help/en/dns#cname"),
    ],
)
def test_a_page_is_opened_where_it_is(document: str, anchor: str | None, address: str | None) -> None:
    assert PLACES.page(document, document.partition(":")[2], anchor) == address


@pytest.mark.parametrize(
    ("target", "to"),
    [
        (f"{OWN}/docs/dns", f"{OWN}/docs/dns"),
        (f"{OWN}/docs/dns#cname", f"{OWN}/docs/dns#cname"),
        (f"{OWN}/docs/dns#configura%C3%A7%C3%A3o", f"{OWN}/docs/dns#configura%C3%A7%C3%A3o"),
        (f"{OWN}/docs/dns#other", f"{OWN}/docs/dns"),
        (f"{OWN}/docs/dns#", f"{OWN}/docs/dns"),
        (f"{OWN}/docs/old?id=2", f"{OWN}/docs/old?id=2"),
        ("https://support.acme.com/help/dns", "https://support.acme.com/help/dns"),
    ],
)
def test_a_link_leads_to_a_page_and_to_a_heading_that_it_has(target: str, to: str) -> None:
    assert PLACES.lead(target) == to
    assert PLACES.lead(to) == to
    assert plain(f"See [it]({target}).", PLACES.lead) == f"See [it]({to})."


HOSTILE = (
    OWN,
    f"{OWN}/",
    f"{OWN}/docs/",
    f"{OWN}/docs/tls",
    f"{OWN}/docs/dns/",
    f"{OWN}/docs/dns/../go",
    f"{OWN}/docs/%2e%2e/dns",
    f"{OWN}/docs%2Fdns",
    f"{OWN}//docs/dns",
    f"{OWN}/docs/dns?next=https://evil.example/",
    f"{OWN}/docs/dns?",
    f"{OWN}/docs/old?id=2&next=//evil.example",
    f"{OWN}/docs/old?id=3",
    f"{OWN}/docs/old",
    f"{OWN}/login?next=%2F%2Fevil.example",
    f"{OWN}/docs/DNS",
    f"{OWN}/docs/away",
    "https://WWW.acme.com/docs/dns",
    "HTTPS://www.acme.com/docs/dns",
    "http://www.acme.com/docs/dns",
    "https://www.acme.com:443/docs/dns",
    "https://www.acme.com:8443/docs/dns",
    "https://www.acme.com./docs/dns",
    "https://acme.com/docs/dns",
    "https://ann@www.acme.com/docs/dns",
    "https://www.acme.com@evil.example/docs/dns",
    "https://www.acme.com.evil.example/docs/dns",
    "https://www.acme.com\\@evil.example/docs/dns",
    "https://xn--www-5cd.acme.com/docs/dns",
    "https://wwԝ.acme.com/docs/dns",
    "//www.acme.com/docs/dns",
    "\\\\www.acme.com/docs/dns",
    "/docs/dns",
    "docs/dns",
    "javascript:alert(1)//www.acme.com/docs/dns",
    "javascript://www.acme.com/docs/dns",
    "data:text/html,https://www.acme.com/docs/dns",
    f"view-source:{OWN}/docs/dns",
    f"{OWN}/docs/dns\u200b",
    f"\t{OWN}/docs/dns",
)


@pytest.mark.parametrize("target", HOSTILE)
def test_what_is_not_exactly_such_an_address_leads_nowhere(target: str) -> None:
    assert PLACES.lead(target) is None
    said = plain(f"Press [here]({target}) or <{target}> now.", PLACES.lead)
    assert [link for link in pressed(said)[0] if PLACES.lead(link) != link] == [], said
    assert "[here](" not in said or "\u200b" in target or "\t" in target


def test_an_address_in_a_sentence_is_a_link_and_ends_with_it() -> None:
    for behind in (".", ", or not", ")", "!", " x", ""):
        text = f"See {OWN}/docs/dns{behind}"
        assert plain(text, PLACES.lead) == text
    for behind in ("(go", "[go](x)", "/../go", "go", "?next=x", "&x", "@evil.example/"):
        assert f"`{OWN}/docs/dns" in plain(f"See {OWN}/docs/dns{behind}", PLACES.lead), behind


def test_links_of_a_page_resolve_within_its_own_source() -> None:
    def of(target: str, document: str = "site:/docs/dns") -> str:
        return linked(f"[w]({target})", document, document.partition(":")[2], PLACES.page)

    assert of("tls/") == of("../docs/tls") == of("/docs/tls/") == f"[w]({OWN}/docs/tls/)"
    assert of("dns#cname") == of("/docs/dns#cname") == of("#cname") == f"[w]({OWN}/docs/dns#cname)"
    assert of("./dns") == f"[w]({OWN}/docs/dns)"
    assert of("dns", "site:/docs/old?id=2") == f"[w]({OWN}/docs/dns)"
    for outside in ("../../en-us/7", "/en-us/7", "/go?next=//evil.example", "../../../x", "desk:en-us/7"):
        shown = plain(of(outside), PLACES.lead)
        assert shown == "w", outside
    assert plain(of("//evil.example/docs/dns"), PLACES.lead) == "w"


MORE = st.sampled_from(
    [f"{OWN}/docs/dns", f"{OWN}/docs/dns#cname", "#cname", "?next=", "/../", "%2e%2e", "@evil.example",
     ":443", f"[x]({OWN}/docs/dns)", f"<{OWN}/docs/dns>", "//evil.example", "javascript:"]
)  # fmt: skip


@given(st.lists(st.one_of(PIECES, MORE), max_size=25))
def test_no_mixture_leads_to_anything_but_a_page(parts: Sequence[str]) -> None:
    said = plain("".join(parts), PLACES.lead)
    assert plain(said, PLACES.lead) == said
    links, bad = pressed(said)
    assert bad == 0
    for link in links:
        ended = re.split(r"[`()\[\]\\]", link)[0].rstrip(".,;:!?'\"*_")
        assert PLACES.lead(ended) == ended, said


# --- on the surfaces ----------------------------------------------------------------------------


def event(text: str, *citations: Citation) -> Event:
    message = Message(id="m", conversation="c", role="bot", text=text, at=datetime.now(UTC))
    kind, payload = message_event(message, None, citations, PLACES)
    return Event(conversation="c", seq=1, type=kind, at=message.at, payload=payload)


def message_of(told: Event) -> events.ShownMessage:
    payload = events.parsed(told.type, told.payload)
    assert isinstance(payload, events.MessageDone)
    return payload.message


def test_a_message_says_where_it_may_lead() -> None:
    text = f"See [it]({OWN}/docs/tls/), {OWN}/docs/dns#cname. and `{OWN}/docs/other` [1]"
    said = message_of(event(text, citation()))
    assert said.links == (f"{OWN}/docs/tls/", f"{OWN}/docs/dns#cname")
    assert said.citations[0].url == f"{OWN}/docs/dns#cname"
    assert said.leads() == {f"{OWN}/docs/tls/", f"{OWN}/docs/dns#cname"}


def test_slack_and_chatwoot_open_it_and_nothing_else() -> None:
    said = message_of(event(f"[it]({OWN}/docs/tls/) [no]({OWN}/go)", citation()))
    ours = help_links("https://support.acme.com/help")
    links = also(ours, said)
    assert markdown(said.text, links) == f"[it]({OWN}/docs/tls/) no `{OWN}/go`"
    assert mrkdwn(said.text, links).startswith(f"<{OWN}/docs/tls/|it> no ")
    assert f"<{OWN}/docs/dns#cname|DNS>" in slack_source(said.citations[0], said.text, "en", links)
    assert markdown(said.text, ours) == f"it `{OWN}/docs/tls/` no `{OWN}/go`"
    assert safe(said.text, SETTINGS, said.leads()) == f"[it]({OWN}/docs/tls/) no"
    assert safe(said.text, SETTINGS) == "it no"


class Shelf:
    def __init__(self, fates: dict[Cited, Fate]) -> None:
        self.fates = fates

    async def became(self, cited: object) -> dict[Cited, Fate]:
        return self.fates


async def test_an_old_message_leads_to_no_page_that_was_removed() -> None:
    sent = event(f"[a]({OWN}/docs/tls/) [b]({OWN}/docs/dns) [1]", citation())
    left = Places(SETTINGS, {"site:/docs/tls": ADDRESSES["site:/docs/tls"]})
    cited = Cited(path="/docs/dns", quote=QUOTE, updated_at=datetime(2026, 1, 1, tzinfo=UTC))
    [now] = await as_of_now([sent], Shelf({cited: Fate(became="gone")}), left)  # type: ignore[arg-type]
    said = message_of(now)
    assert (said.links, said.citations[0].url) == ((f"{OWN}/docs/tls/",), None)
    assert said.leads() == {f"{OWN}/docs/tls/"}


async def test_a_page_that_moved_is_opened_where_it_is_now() -> None:
    sent = event("So it is [1].", citation("site:/docs/before", None))
    moved = sent.model_copy(deep=True)
    moved.payload["message"]["citations"][0]["url"] = f"{OWN}/docs/before"  # type: ignore[index]
    cited = Cited(path="/docs/before", quote=QUOTE, updated_at=datetime(2026, 1, 1, tzinfo=UTC))
    fate = Fate(became="moved", now_at="/docs/dns")
    [now] = await as_of_now([moved], Shelf({cited: fate}), PLACES)  # type: ignore[arg-type]
    assert message_of(now).citations[0].url == f"{OWN}/docs/dns"
