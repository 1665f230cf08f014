"""Against a double of the help centre API on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from ingest.sources import zendesk_api
from ingest.sources.source import Fetched, Found, Gone, Listing, Unchanged
from ingest.sources.zendesk import Zendesk
from knowledge.errors import KnowledgeError, SourceUnreadable
from tests.ingest.sources.help_centre import ADDRESS, AGENT, Fault, HelpCentre

BUSY: Fault = (500, {}, b"oops")


@pytest.fixture
def centre() -> Iterator[HelpCentre]:
    centre = HelpCentre()
    yield centre
    centre.close()


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    email, _, secret = AGENT.partition("/token:")
    monkeypatch.setenv("ZENDESK_TOKEN", secret)
    return {"email": email, "token": "env:ZENDESK_TOKEN"}


def opened(centre: HelpCentre, waits: list[float] | None = None, /, **options: str) -> Zendesk:
    source = Zendesk(ADDRESS, options, centre.fetch)
    source._api.pause = (waits if waits is not None else []).append
    return source


def stamps(listing: Listing) -> dict[str, str]:
    return {found.path: found.stamp for found in listing.found}


def fetched(source: Zendesk, listing: Listing) -> dict[str, Fetched]:
    got = {found.path: source.fetch(found, "") for found in listing.found}
    return {path: each for path, each in got.items() if isinstance(each, Fetched)}


def test_an_article_comes_with_all_that_the_help_centre_knows(centre: HelpCentre) -> None:
    centre.write(7, "<p>Pay &amp; go.</p>", title="Pay <now>", section_id=11)
    centre.write(7, "<p>Pague.</p>", lang="pt-br", title="Pague já", outdated_locales=["pt-br"])
    source = opened(centre)
    listing = source.listing({})
    assert listing.unreadable == []
    assert listing.refused == []
    pages = fetched(source, listing)
    assert list(pages) == ["en-us/articles/7", "pt-br/articles/7"]
    english, portuguese = pages.values()
    text = english.raw.decode()
    assert "<h1>Pay &lt;now&gt;</h1>\n<p>Pay &amp; go.</p>" in text
    assert 'content="Account &gt; Billing &gt; Cards"' in text
    assert "outdated" not in text
    assert english._replace(raw=b"", stamp="") == Fetched(
        b"",
        "text/html",
        modified=datetime(2024, 5, 1, 10, tzinfo=UTC),
        url=f"{ADDRESS}/hc/en-us/articles/7-Pay-<now>",
        title="Pay <now>",
        lang="en-us",
    )
    assert english.stamp == listing.found[0].stamp
    assert portuguese.lang == "pt-br"
    assert portuguese.translation_of == "en-us/articles/7"
    assert '<meta name="outdated" content="true">' in portuguese.raw.decode()
    assert "Conta &gt; Faturas &gt; Cartões" in portuguese.raw.decode()


def test_all_pages_are_listed_and_no_article_is_asked_for_by_itself(centre: HelpCentre) -> None:
    for id in range(1, 231):
        centre.write(id, f"<p>Text {id}</p>")
    source = opened(centre, locales="en-us")
    listing = source.listing({})
    assert len(centre.asked) == 5  # categories, sections, three pages of articles
    pages = fetched(source, listing)
    assert len(pages) == 230
    assert all(f"Text {id}<" in pages[f"en-us/articles/{id}"].raw.decode() for id in range(1, 231))
    assert len(centre.asked) == 5
    assert all("sort_by=created_at" in path for path in centre.asked if "/articles" in path)
    again = source.listing(stamps(listing))
    assert again == listing
    assert all(source.fetch(found, found.stamp) == Unchanged() for found in again.found)


def test_what_changed_has_another_stamp_and_what_went_is_not_listed(centre: HelpCentre) -> None:
    for id in (1, 2, 3, 4, 5):
        centre.write(id)
    source = opened(centre, locales="en-us")
    before = stamps(source.listing({}))
    centre.write(1, "<p>New.</p>", updated_at="2024-06-01T10:00:00Z")
    centre.write(2, "<p>A shared block changed.</p>")
    del centre.articles[3]
    centre.write(4, draft=True)
    centre.write(5, title="Another title")
    listing = source.listing(before)
    after = stamps(listing)
    assert set(after) == {"en-us/articles/1", "en-us/articles/2", "en-us/articles/5"}
    assert all(after[path] != before[path] for path in after)
    assert listing.refused == []
    assert source.fetch(Found("en-us/articles/3", ""), "") == Gone()
    assert source.fetch(Found("en-us/articles/4", ""), "") == Gone()


def test_a_moved_or_renamed_article_keeps_its_place(centre: HelpCentre) -> None:
    centre.write(1)
    source = opened(centre, locales="en-us")
    before = source.listing({}).found[0]
    centre.sections[0]["name"]["en-us"] = "Invoices"
    centre.write(1, title="Other", section_id=11)
    after = source.listing({}).found[0]
    assert after.path == before.path
    assert after.stamp != before.stamp


def test_visitors_see_no_drafts_and_nothing_restricted(centre: HelpCentre) -> None:
    centre.write(1)
    centre.write(2, draft=True)
    centre.write(3, user_segment_id=100)
    listing = opened(centre).listing({})
    assert set(stamps(listing)) == {"en-us/articles/1"}
    assert set(centre.authorized) == {""}


def test_agents_see_what_is_restricted_and_it_is_shown_to_those_who_may(
    centre: HelpCentre, token: dict[str, str]
) -> None:
    centre.segments = [
        {"id": 100, "user_type": "signed_in_users"},
        {"id": 101, "user_type": "staff", "group_ids": [1]},
        {"id": 102, "user_type": "signed_in_users", "tags": ["vip"]},
        {"id": 103, "user_type": "signed_in_users", "organization_ids": [5]},
    ]
    centre.write(1)
    centre.write(2, draft=True)
    centre.write(3, user_segment_id=100)
    centre.write(4, user_segment_id=101)
    centre.write(5, user_segment_id=102)
    centre.write(6, user_segment_id=103)
    centre.write(7, user_segment_id=999)
    centre.write(8, user_segment_ids=[101, 100])
    source = opened(centre, locales="en-us", **token)
    pages = fetched(source, source.listing({}))
    assert {path.rpartition("/")[2]: page.audience for path, page in pages.items()} == {
        "1": None,
        "3": "customer",
        "4": "internal",
        "5": "internal",
        "6": "internal",
        "7": "internal",
        "8": "customer",
    }
    fixed = opened(centre, locales="en-us", restricted="internal", **token)
    pages = fetched(fixed, fixed.listing({}))
    assert pages["en-us/articles/3"].audience == "internal"
    assert pages["en-us/articles/1"].audience is None


def test_who_may_see_it_is_part_of_the_stamp(centre: HelpCentre, token: dict[str, str]) -> None:
    centre.segments = [{"id": 100, "user_type": "signed_in_users"}]
    centre.write(1, user_segment_id=100)
    source = opened(centre, locales="en-us", **token)
    before = source.listing({}).found[0].stamp
    centre.segments[0]["tags"] = ["vip"]
    assert source.listing({}).found[0].stamp != before
    # An agent without the right to see segments: nobody knows, so nobody is shown it.
    centre.faults["user_segments"] = [(403, {}, b"{}")]
    page = fetched(source, source.listing({}))["en-us/articles/1"]
    assert page.audience == "internal"
    # No answer at all is no reason to take it from customers.
    centre.faults["user_segments"] = [BUSY] * zendesk_api.TRIES
    with pytest.raises(SourceUnreadable):
        source.listing({})


def test_a_language_that_is_switched_off_is_missing_and_one_that_is_added_is_new(centre: HelpCentre) -> None:
    centre.write(1)
    centre.write(1, lang="pt-br")
    centre.write(1, lang="es")
    source = opened(centre)
    assert set(stamps(source.listing({}))) == {"en-us/articles/1", "pt-br/articles/1"}
    centre.locales = ["en-us", "es"]
    listing = source.listing({})
    assert set(stamps(listing)) == {"en-us/articles/1", "es/articles/1"}
    assert listing.unreadable == []


def test_a_language_that_was_named_and_is_off_makes_nothing_missing(centre: HelpCentre) -> None:
    centre.write(1)
    centre.write(1, lang="es")
    listing = opened(centre, locales="en-us, ES").listing({})
    assert set(stamps(listing)) == {"en-us/articles/1"}
    assert [path for path, _ in listing.unreadable] == ["es"]
    assert "not in this language" in listing.unreadable[0][1]


def test_a_translation_whose_original_is_not_published_stands_alone(centre: HelpCentre) -> None:
    centre.write(1, lang="en-us", draft=True)
    centre.write(1, lang="pt-br")
    source = opened(centre)
    pages = fetched(source, source.listing({}))
    assert {path: page.translation_of for path, page in pages.items()} == {"pt-br/articles/1": ""}


@pytest.mark.parametrize(
    ("headers", "wait"), [({"Retry-After": "7"}, 7), ({}, 1), ({"Retry-After": "soon"}, 1)]
)
def test_too_many_requests_waits_as_told(centre: HelpCentre, headers: dict[str, str], wait: float) -> None:
    centre.write(1)
    centre.faults["articles"] = [(429, headers, b"")]
    waits: list[float] = []
    assert len(opened(centre, waits, locales="en-us").listing({}).found) == 1
    assert waits == [wait]


def test_a_date_to_come_back_at_is_understood(centre: HelpCentre) -> None:
    centre.write(1)
    later = format_datetime(datetime.fromtimestamp(datetime.now(UTC).timestamp() + 30, UTC), usegmt=True)
    centre.faults["articles"] = [(429, {"Retry-After": later}, b"")]
    waits: list[float] = []
    opened(centre, waits, locales="en-us").listing({})
    assert len(waits) == 1
    assert 20 < waits[0] <= 30


def test_who_asks_us_to_wait_for_long_is_left_alone(centre: HelpCentre) -> None:
    centre.write(1)
    centre.faults["categories"] = [(429, {"Retry-After": "3600"}, b"")]
    waits: list[float] = []
    with pytest.raises(SourceUnreadable, match="too often"):
        opened(centre, waits, locales="en-us").listing({})
    assert waits == []


def test_errors_that_pass_are_tried_again_and_those_that_stay_lose_nothing(centre: HelpCentre) -> None:
    centre.write(1)
    centre.write(1, lang="pt-br")
    waits: list[float] = []
    centre.faults["en-us/articles"] = [BUSY, (503, {}, b""), BUSY]
    listing = opened(centre, waits).listing({})
    assert len(listing.found) == 2
    assert waits == [1, 2, 4]
    centre.faults["pt-br/articles"] = [BUSY] * zendesk_api.TRIES
    listing = opened(centre).listing({})
    assert set(stamps(listing)) == {"en-us/articles/1"}
    assert [path for path, _ in listing.unreadable] == ["pt-br"]
    assert "500" in listing.unreadable[0][1]
    centre.faults = {"articles": [BUSY] * 99}
    with pytest.raises(SourceUnreadable):
        opened(centre).listing({})


def test_a_list_that_breaks_off_keeps_what_it_had_and_says_so(centre: HelpCentre) -> None:
    for id in range(150):
        centre.write(id)
    centre.faults["page%5Bafter%5D"] = [BUSY] * zendesk_api.TRIES
    listing = opened(centre, locales="en-us,pt-br").listing({})
    assert len(listing.found) == 100
    assert [path for path, _ in listing.unreadable] == ["en-us"]


def page(**meta: object) -> Fault:
    return 200, {}, json.dumps({"articles": [], "meta": meta}).encode()


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([page(has_more=True, after_cursor="x")] * 3, "goes round"),
        ([page(has_more=True, after_cursor=None)], "goes round"),
        ([page(has_more=True)], "goes round"),
        ([page(has_more=True, after_cursor=str(n)) for n in range(30)], "does not end"),
        ([(200, {}, b'{"articles": [{"id": 1')] * 4, "not the JSON"),
        ([(200, {}, b"<html>Sign in</html>")] * 4, "not the JSON"),
        ([(200, {}, b"[" * 200_000)] * 4, "not the JSON"),
        ([(200, {}, b"[]")] * 4, "not the JSON"),
        ([(200, {}, b'{"tickets": []}')], "holds no articles"),
        ([(200, {}, b'{"articles": [], "meta": 3}')], "holds no articles"),
        ([(200, {}, b'{"articles": [{"title": "no id"}]}')], "cannot be understood"),
        ([(200, {}, rb'{"articles": [{"id": 1, "locale": "en-us", "title": "\ud800"}]}')], "cannot be under"),
        ([(302, {"Location": "https://login.example/secret?x"}, b"")], "sends us to login.example"),
        ([(403, {}, b"")], "Give `email`"),
        ([(404, {}, b"")], "no help centre"),
        ([(418, {}, b"")], "418"),
        ([(200, {"Content-Length": "99"}, b"{}")] * 4, "no answer"),
        ([(200, {}, b" " * 5000)] * 4, "no answer"),
    ],
)
def test_answers_that_are_none_say_what_to_do(
    centre: HelpCentre, answers: list[Fault], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zendesk_api, "MOST_PAGES", 20)
    monkeypatch.setattr(zendesk_api, "LARGEST", 300_000 if b"[[" in answers[0][2] else 4000)
    centre.faults["articles"] = list(answers)
    with pytest.raises(SourceUnreadable, match=says):
        opened(centre, locales="en-us").listing({})


def test_one_article_that_is_odd_does_not_hide_the_others(centre: HelpCentre) -> None:
    rows = [{"id": "x"}, {"id": 2, "locale": "en-us", "source_locale": "en-us", "body": None}]
    centre.faults["en-us/articles"] = [(200, {}, json.dumps({"articles": rows}).encode())]
    listing = opened(centre).listing({})
    assert set(stamps(listing)) == {"en-us/articles/2"}
    assert [path for path, _ in listing.unreadable] == ["en-us"]


@pytest.mark.parametrize(
    "answer", [b'{"locales": "en"}', b'{"locales": []}', b'{"locales": ["../../x"]}', b"{}"]
)
def test_languages_that_are_none_are_not_asked_for(centre: HelpCentre, answer: bytes) -> None:
    centre.faults["locales"] = [(200, {}, answer)]
    with pytest.raises(SourceUnreadable, match="option `locales`"):
        opened(centre).listing({})
    assert len(centre.asked) == 1


def test_sections_that_lie_in_each_other_end(centre: HelpCentre) -> None:
    centre.sections[0]["parent_section_id"] = 11
    centre.write(1)
    assert len(opened(centre, locales="en-us").listing({}).found) == 1


def test_a_wrong_token_says_so_and_is_shown_nowhere(
    centre: HelpCentre, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZENDESK_TOKEN", "another-token")
    with pytest.raises(SourceUnreadable, match="does not take this e-mail and token") as error:
        opened(centre, **token).listing({})
    assert "another-token" not in str(error.value)


def test_only_the_help_centre_is_ever_asked(centre: HelpCentre, token: dict[str, str]) -> None:
    """`fetch` of the double refuses any other address; answers name one."""
    for id in range(101):
        centre.write(id)
    opened(centre, locales="en-us", **token).listing({})
    assert all(path.startswith("/api/v2/help_center/") for path in centre.asked)
    assert len(set(centre.authorized)) == 1


def test_nobody_there_is_unreadable() -> None:
    centre = HelpCentre()
    centre.close()
    with pytest.raises(SourceUnreadable, match="no answer"):
        opened(centre).listing({})


@pytest.mark.parametrize(
    "location",
    [
        "acme.zendesk.com",
        "https://acme.zendesk.com/",
        "https://ACME.zendesk.com/hc/en-us",
        "https://acme.zendesk.com/api/v2/help_center",
    ],
)
def test_locations_as_people_write_them(location: str) -> None:
    assert Zendesk(location, {})._api.base == ADDRESS


@pytest.mark.parametrize(
    ("location", "options"),
    [
        ("http://acme.zendesk.com", {}),
        ("https://user:pw@acme.zendesk.com", {}),
        ("https://acme.zendesk.com/other", {}),
        ("https://acme.zendesk.com:x", {}),
        ("acme", {}),
        ("", {}),
        (ADDRESS, {"locales": "en-us,../x"}),
        (ADDRESS, {"restricted": "all"}),
        (ADDRESS, {"email": "a@b.c"}),
        (ADDRESS, {"email": "a@b.c", "token": "written-down"}),
        (ADDRESS, {"email": "a@b.c", "token": "env:NO_SUCH_NAME"}),
        (ADDRESS, {"email": "a:b", "token": "env:PATH"}),
        (ADDRESS, {"colour": "red"}),
    ],
)
def test_locations_and_options_that_are_refused(location: str, options: dict[str, str]) -> None:
    with pytest.raises(KnowledgeError) as error:
        Zendesk(location, options)
    assert "written-down" not in str(error.value)
