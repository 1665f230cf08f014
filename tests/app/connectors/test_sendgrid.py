"""The shipped SendGrid connector against a double of its API: what it reads, and that it never validates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.connectors.read import SHIPPED
from app.errors import BadInput, Unavailable
from app.probes.account import BrandedLink, branded_links, sending_domains
from evals.world.sendgrid import KEY, TARGET, Link, SendGrid, Subuser
from tests.app.connectors.own import SECRETS, Played, played

FILE = (SHIPPED.parent / "more" / "sendgrid.yaml").read_text(encoding="utf-8")
OWN = """\
connector: own
address: env:OWN
credential: env:OWN_KEY
standing:
  get: /people/{account}/{user}
  owner: {field: role, equals: owner}
"""


@pytest.fixture
def sendgrid() -> SendGrid:
    made = SendGrid()
    links = [Link(1, "acme.example", "links", 7, proxied=True), Link(2, "acme.example", "go", 7, valid=False)]
    made.subusers = {
        "acme": Subuser(links, ("acme.example",)),
        "other": Subuser([Link(3, "o.example", "l", 8)]),
    }
    return made


@pytest.fixture
async def play(sendgrid: SendGrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Played]:
    monkeypatch.setitem(SECRETS, "env:SENDGRID_API_KEY", KEY)
    async with sendgrid.serve() as url:
        files = {
            "sendgrid.yaml": FILE.replace("https://api.sendgrid.com\n", "env:SENDGRID\n"),
            "own.yaml": OWN,
        }
        async with played(tmp_path, files, SENDGRID=url) as made:
            yield made


async def test_reads_links_domains_and_the_click_setting_of_one_subuser(
    play: Played, sendgrid: SendGrid
) -> None:
    links = await branded_links(play.platform, "acme")
    assert links[0] == BrandedLink(
        host="links.acme.example",
        validated=True,
        target=TARGET,
        token_host="7.acme.example",
        token_target=TARGET,
    )
    assert [link.validated for link in links] == [True, False]
    assert await sending_domains(play.platform, "acme") == ("acme.example",)
    assert await play.platform.subjects("acme", "domain") == ("links.acme.example", "go.acme.example")
    assert await play.platform.field("acme", "settings.click_tracking") is True
    sendgrid.subusers["acme"].click = False
    assert await play.platform.field("acme", "settings.click_tracking") is False
    assert {call.on_behalf_of for call in sendgrid.calls} == {"acme"}, "never the parent, never another's"


async def test_a_key_without_the_scope_and_a_stranger_are_no_answer(play: Played, sendgrid: SendGrid) -> None:
    with pytest.raises(Unavailable, match="SENDGRID_API_KEY"):
        await play.platform.field("nobody", "branded_links")
    sendgrid.keys[KEY] = frozenset()
    with pytest.raises(Unavailable, match="SENDGRID_API_KEY"):
        await branded_links(play.platform, "acme")


async def test_the_switch_is_a_ticket_with_the_evidence_that_a_person_sends(
    play: Played, sendgrid: SendGrid
) -> None:
    done = await play.perform("sendgrid_https")
    assert (done.state, done.by_hand) == ("needs_person", True)
    assert done.detail.startswith("To: Twilio SendGrid support\nSubject: Please switch on SSL click tracking")
    assert "account or subuser acme" in done.detail
    assert done.detail.count("\n- ") == 2, "a line for each thing that was seen"
    assert "click tracking" in done.detail.lower()
    assert "{" not in done.detail
    assert {call.method for call in sendgrid.calls} == {"GET"}
    assert sendgrid.subusers["acme"].links[0].valid


async def test_the_ticket_goes_by_webhook_where_one_is_declared(
    sendgrid: SendGrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SECRETS, "env:SENDGRID_API_KEY", KEY)
    text = FILE.replace("https://api.sendgrid.com\n", "env:SENDGRID\n")
    text = text.replace(
        "    approval: agent", "    webhook: env:OWN\n    secret: env:HOOK_SECRET\n    approval: agent"
    )
    async with (
        sendgrid.serve() as url,
        played(tmp_path, {"sendgrid.yaml": text, "own.yaml": OWN}, SENDGRID=url) as play,
    ):
        play.own.says["/"] = {}
        done = await play.perform("sendgrid_https")
        assert (done.state, done.by_hand) == ("sent", False)
        told = play.own.told()
        assert (told["type"], told["to"], told["account"]) == ("ticket", "Twilio SendGrid support", "acme")
        assert [each["check"] for each in told["evidence"]] == ["click_tracking_on", "certificate_presented"]
        assert {call.method for call in sendgrid.calls} == {"GET"}


async def test_what_does_not_hold_is_no_ticket(play: Played, sendgrid: SendGrid) -> None:
    sendgrid.subusers["acme"].click = False
    done = await play.perform("sendgrid_https")
    assert done.state == "refused"
    assert done.detail.endswith("tracking_off")


async def test_why_nothing_may_validate(sendgrid: SendGrid) -> None:
    """The double does what SendGrid does: a link whose record points at a proxy is found invalid."""
    sendgrid.keys["full"] = frozenset({"whitelabel.update"})
    headers = {"authorization": "Bearer full", "on-behalf-of": "acme"}
    async with sendgrid.serve() as url, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{url}/v3/whitelabel/links/1/validate", headers=headers)
    assert answer.json()["validation_results"]["domain_cname"]["valid"] is False
    assert not sendgrid.subusers["acme"].links[0].valid


async def test_no_value_can_turn_another_call_into_a_validation(tmp_path: Path) -> None:
    text = OWN + (
        "subjects: {link: [], verb: []}\n"
        "reads:\n  seen: {get: '/{link}/{verb}'}\n"
        "actions:\n  touch:\n    describe: Anything\n    inputs: [link, verb]\n"
        "    request: POST /v3/whitelabel/links/{link}/{verb}\n"
        "    prerequisites: [account_field: {path: seen.ok, equals: true}]\n"
        "    read_back: {field: seen.done, equals: true}\n"
    )
    async with played(tmp_path, {"own.yaml": text}) as play:
        for verb in ("validate", "%76alidate"):
            with pytest.raises(BadInput, match="is never called"):
                await play.platform.change("acme", "touch", {"link": "1", "verb": verb}, "k")
        assert play.own.got == []
