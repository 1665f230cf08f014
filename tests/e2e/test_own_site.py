"""A company's website as a source: what is quoted from it leads to the website, in the widget."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from playwright.sync_api import expect

from evals.world.world import World
from ingest.sync import sync
from knowledge.embedding import CachedEncoder, default_encoder
from knowledge.model import Source
from knowledge.store import Knowledge
from tests.app.web.browsing import Opened, needs_chromium
from tests.e2e.conftest import Site, quick_settings
from tests.e2e.surfaces.pages import Browse
from tests.ingest.sources import web_double

pytest_plugins = ["tests.e2e.surfaces.fixtures"]
pytestmark = [needs_chromium, pytest.mark.slow]

BALLOONS = """<!doctype html><html lang=en><head><title>Balloon parcels</title></head><body><main>
<h1 id=balloon-parcels>Balloon parcels</h1><p>Parcels by balloon.</p>
<h2 id=weight-limit>Weight limit of a balloon parcel</h2>
<p>The weight limit of a balloon parcel is 4 kg; see <a href="/docs/prices">the prices of balloons</a>,
<a href="/go?next=https://evil.example/">the form</a> and <a href="https://evil.example/">the weather</a>.</p>
</main></body></html>"""
PRICES = web_double.page("Prices of balloons", text="A balloon costs 12 coins a day.")


@pytest.fixture
def website(tmp_path: Path) -> Iterator[web_double.Site]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(web_double.HOST).configure_cert(tls)
    with web_double.served(tls) as site:
        site.scheme, site.net = "https", {"ca_file": tmp_path / "ca.pem"}
        site.routes |= {
            "/sitemap.xml": web_double.urlset(site.url("/docs/balloons"), site.url("/docs/prices")),
            "/docs/balloons": web_double.Reply(BALLOONS),
            "/docs/prices": PRICES,
        }
        yield site


def test_an_answer_from_the_website_leads_to_its_pages_alone(
    world: World,
    filled: Callable[[Path], Path],
    website: web_double.Site,
    browse: Browse,
    tmp_path: Path,
) -> None:
    data = filled(tmp_path / "data")
    knowledge = Knowledge.open(data, encoder=CachedEncoder(default_encoder(data)))
    source = Source(id="site", location=website.url("/"), kind="website")
    sync(knowledge, source, checks=None, actions=None, connector=website.open("/"))
    knowledge.close()
    own = Site(quick_settings(world.addresses, data), world.addresses)
    own.start()
    try:
        here = Opened(browse(), own.url)
        here.send("What is the weight limit of a balloon parcel?")
        reply = here.log.locator(".bot .bubble")
        expect(reply).to_contain_text("4 kg")
        page = website.url("/docs/balloons")
        led = {str(link.get_attribute("href")) for link in reply.locator("a").all()}
        assert led == {website.url("/docs/prices"), f"{page}#balloon-parcels"}, led
        here.log.locator(".bot button.mark").first.click()
        card = here.log.locator(".bot .source-title a")
        expect(card).to_have_attribute("href", f"{page}#balloon-parcels")
        assert here.complaints == []
    finally:
        own.stop()
