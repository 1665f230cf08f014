"""No image, no markup, no foreign link and nothing unseen leaves in a reply, on any surface."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.channels.chatwoot.wording import safe
from app.channels.slack.blocks import help_links, markdown, mrkdwn
from app.links import Places, help_bases
from app.output import plain, visible
from app.settings import Settings
from tests.e2e.surfaces.attacks import OWN

SETTINGS = Settings(
    _env_file=None, public_url="https://support.acme.example", help_url="https://help.acme.example/en/"
)
BASES = help_bases(SETTINGS)
LEADS = Places(SETTINGS).lead
GIVEN = Path(__file__).parents[3] / "shared" / "data" / "security" / "hostile_dev.jsonl"
MORE = (
    "[![x](https://evil.example/i.png)](https://evil.example/)",
    "![x][y]\n\n[y]: https://evil.example/p.png",
    "[help](https://help.acme.example@evil.example/en/a)",
    "[help](https://help.acme.example.evil.example/en/a) [b](//evil.example/help/) [c](/\\evil.example/)",
    "[help](https://help.acme.example/en/../../x) [d](\thttps://evil.example/)",
    "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html;base64,PHNj) [d](vbscript:x)",
    "<a href='https://evil.example/'>x</a> <img src=x onerror=alert(1)> <svg/onload=alert(1)> <!-- x",
    "<<script>script>alert(1)<</script>/script>",
    "see https://evil.example/a?q=1, www.evil.example and <https://evil.example/>",
    "a\u202egnp.exe\u202c b\u200bc \u2066d\u2069 \x1b[31mred\x07 e\u00adf \U000e0041\U000e0042 g\ufeffh",
    "[x] (https://evil.example/) ![ ](https://evil.example/)![](https://evil.example/q)",
    "`code` [a](https://evil.example/`x`) ``[b](https://evil.example/)``",
)  # fmt: skip
HARMLESS = (
    "Point the CNAME of `links.acme.example` at track.heron.example [1].",
    "```\ncurl -H 'Authorization: Bearer KEY' https://api.heron.example/v1/x <your-domain>\n```",
    "Sources:\n- [1] [HTTPS for links](https://help.acme.example/en/https#step-2), updated 2026-01-01",
    "Read [this](/help/https-tracking-links#step-2) or [that](https://support.acme.example/help/dns)",
    "1. **One** thing\n2. Another: `a < b`\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 < 2 | 3 > 2 |",
    "👩‍👩‍👧 ❤️ olá, ¿qué tal? 5 < 6 e 7 > 6",
)
AFTER = re.compile(r"[`()\[\]\\]")
"""What ends an address for most readers. One that reads on stays on our host: a host alone is no address."""


def pressed(text: str) -> tuple[list[str], int]:
    """Links and images as the most generous reader makes them, markup and bare addresses included."""
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    links, bad = [], 0
    for token in reader.parse(text):
        for each in (token, *(token.children or ())):
            if each.type == "link_open":
                links.append(str(each.attrGet("href")))
            bad += each.type in ("image", "html_inline", "html_block")
            if each.type == "text":  # what chat programs make a link by themselves
                links += re.findall(r"(?:https?://|www\.)[^\s<>]+", each.content, re.IGNORECASE)
    return links, bad


def hostile() -> list[str]:
    lines = GIVEN.read_text(encoding="utf-8").splitlines() if GIVEN.exists() else []
    return [*OWN, *MORE, *(json.loads(line)["text"] for line in lines)]


def assert_harmless(text: str) -> None:
    links, bad = pressed(text)
    assert bad == 0, text
    assert [link for link in links if not LEADS(AFTER.split(link)[0].rstrip(".,"))] == [], text
    assert visible(text) == text


def test_hostile_texts_become_words() -> None:
    texts = hostile()
    assert len(texts) >= 29
    assert sum(bool(pressed(text)[1] or [x for x in pressed(text)[0] if not LEADS(x)]) for text in texts) > 15
    for text in texts:
        for form in (text, f"Some words.\n\n{text}\n\n[1]", f"- {text}", f"> {text}", f"**{text}**"):
            assert_harmless(plain(form, LEADS))


def test_hostile_texts_become_words_in_slack_and_chatwoot_as_well() -> None:
    links = help_links(*(base for base in BASES if base.startswith("https:")))
    for text in hostile():
        said = plain(text, LEADS)
        for shown in (mrkdwn(said, links), markdown(said, links)):
            words = re.sub(r"```.*?```|`[^`\n]*`", "", shown, flags=re.DOTALL)
            assert re.findall(r"<(?:https?|!|@|#)[^>]*>", words) == [], shown
        assert_harmless(safe(said, SETTINGS))


@pytest.mark.parametrize("text", HARMLESS)
def test_what_help_pages_say_stays_as_it_is(text: str) -> None:
    assert plain(text, LEADS) == text


def test_an_address_that_nobody_may_press_can_still_be_read() -> None:
    said = plain("Ask [Cloudflare](https://developers.cloudflare.com/dns) <your-domain>", LEADS)
    assert said == "Ask Cloudflare `https://developers.cloudflare.com/dns` `<your-domain>`"


def test_it_is_the_same_the_second_time() -> None:
    for text in (*hostile(), *HARMLESS):
        once = plain(text, LEADS)
        assert plain(once, LEADS) == once


PIECES = st.sampled_from(
    ["[", "]", "(", ")", "!", "<", ">", "`", "```", "\n", " ", "x", ":", "https://evil.example/", "img src=",
    "https://help.acme.example/en/a", "\\", "~~~", "<!--", "-->", "script", "\u202e", "www.evil.example", "*",
    "a@b.co", "/"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25))
def test_no_mixture_of_marks_gets_through(parts: Sequence[str]) -> None:
    assert_harmless(plain("".join(parts), LEADS))


def test_what_stands_right_behind_an_address_does_not_become_part_of_it() -> None:
    assert plain("https://help.acme.example/en/a`", LEADS) == "`https://help.acme.example/en/a`"
    leads = Places(Settings(_env_file=None, help_url="https://help.acme.example")).lead
    assert leads("https://help.acme.example/")
    assert not leads("https://help.acme.example")
    for behind in ("`.evil.example/", "(.evil.example/", ".evil.example/", "@evil.example/"):
        assert plain(f"https://help.acme.example{behind}", leads).startswith("`https://help.acme.example")


def test_without_a_public_address_links_lead_from_our_root() -> None:
    leads = Places(Settings(_env_file=None)).lead
    for target, may in (("/help/a#b", True), ("/help/", True), ("/assist", False), ("//help/a", False),
        ("help/a", False), ("https://x.example/help/a", False), ("/help/../assist", False)):  # fmt: skip
        assert leads(target) == (target if may else None), target
