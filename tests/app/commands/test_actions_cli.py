"""`stepfour actions`: what is declared, and exactly what would be sent, without secrets and writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from app.commands.actions_cli import KEY, app, as_text, inputs_of, listed, tried
from app.connectors.heron import ACTIONS
from app.connectors.read import load, shipped
from app.demo import demo_net, demo_settings
from app.errors import BadInput, ConfigError
from app.settings import Settings
from evals.world import scenarios
from evals.world.world import World
from tests.app.connectors.test_read import MORE


@pytest.fixture
def world(fresh_world: World) -> World:
    return fresh_world


def test_the_list_names_credentials_and_never_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        _env_file=None, platform_url="https://api.heron.example", platform_token=SecretStr("the-secret")
    )
    rows = listed(shipped(), settings)
    assert [row["action"] for row in rows] == list(ACTIONS)
    (row,) = (row for row in rows if row["action"] == "move_domain")
    assert row["as"] == "Authorization: Bearer env:STEPFOUR_PLATFORM_TOKEN (set); key in Idempotency-Key"
    assert row["sends"].endswith('/domains/{domain}/workspace {"workspace":"{workspace}"}')
    assert row["undo"] == "by a person"
    assert row["needs"][1].startswith("account_field {path:")
    assert "the-secret" not in repr(rows)
    unset = listed(shipped(), Settings(_env_file=None))
    assert all("(not set)" in row["as"] for row in unset)


def test_the_list_tells_webhooks_and_tickets_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_SECRET", "w" * 40)
    (tmp_path / "sendgrid.yaml").write_text((MORE / "sendgrid.yaml").read_text())
    (tmp_path / "warehouse.yaml").write_text(
        (MORE / "webhook.yaml").read_text() + "reads:\n  parcels: {python: 'app.ids:new_id'}\n"
    )
    ticket, webhook = listed(load(tmp_path), Settings(_env_file=None))
    assert ticket["sends"] == "a ticket to Twilio SendGrid support: kept in the case, a person sends it"
    assert webhook["as"] == "signed with env:WAREHOUSE_SECRET (set); key in Stepfour-Delivery"
    assert webhook["read back"] == "nothing; it ends as sent"
    assert "w" * 40 not in repr(webhook)


async def test_a_dry_run_shows_what_would_be_sent_and_changes_nothing(world: World, tmp_path: Path) -> None:
    spec = world.load(scenarios.all_ready())
    settings, net = demo_settings(world.addresses, tmp_path, 0), demo_net(world.addresses)
    found = await tried(settings, "enable_https", spec.account, {}, net=net)
    assert found["sends"] == {
        "method": "PATCH",
        "url": f"{world.addresses.api}/v1/accounts/{spec.account}/settings",
        "headers": {
            "authorization": "Bearer (env:STEPFOUR_PLATFORM_TOKEN)",
            "content-type": "application/json",
            "idempotency-key": KEY,
        },
        "body": '{"https_tracking":true}',
    }
    assert [(each["check"], each["met"]) for each in found["prerequisites"]] == [
        ("certificate_presented", True)
    ]
    assert found["would_run"]
    assert found["read_back"]["met"] is False
    text = as_text(found)
    assert "nothing was sent" in text
    assert "It would run, with nobody's approval" in text
    assert world.addresses.token not in text
    assert world.effects() == ()
    assert not tmp_path.joinpath("stepfour.db").exists()


async def test_a_dry_run_says_what_does_not_hold(world: World, tmp_path: Path) -> None:
    spec = world.load(scenarios.all_ready())
    settings, net = demo_settings(world.addresses, tmp_path, 0), demo_net(world.addresses)
    inputs = {"domain": spec.hosts[0].partition(".")[2], "workspace": "moon"}
    found = await tried(settings, "move_domain", spec.account, inputs, net=net)
    assert not found["would_run"]
    assert "It would be refused" in as_text(found)
    assert world.effects() == ()


@pytest.mark.parametrize(
    ("name", "account", "inputs", "words"),
    [
        ("enable_htps", "a", {}, "Did you mean `enable_https`?"),
        ("enable_https", None, {}, "--account ID"),
        ("enable_https", "a", {"domain": "x"}, "has no input domain. It takes no input."),
        ("move_domain", "a", {"domain": "x"}, "--input workspace=VALUE"),
    ],
)
async def test_what_is_missing_is_named(
    name: str, account: str | None, inputs: dict[str, str], words: str
) -> None:
    with pytest.raises(BadInput) as raised:
        await tried(Settings(_env_file=None), name, account, inputs)
    assert words in str(raised.value)


async def test_without_a_platform_it_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match="STEPFOUR_PLATFORM_URL"):
        await tried(Settings(_env_file=None), "enable_https", "a", {})


async def test_the_command_reaches_no_platform_without_tls(world: World, tmp_path: Path) -> None:
    """A closed world is for code to open: what a person types goes to https addresses alone."""
    settings = demo_settings(world.addresses, tmp_path, 0)
    with pytest.raises(ConfigError, match="is no https address"):
        await tried(settings, "enable_https", "a", {})


def test_only_a_dry_run_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["test", "enable_https", "--account", "a"])
    assert isinstance(result.exception, BadInput)
    assert "--dry-run" in str(result.exception)


def test_inputs_are_pairs() -> None:
    assert inputs_of(["domain=a.example", "workspace=a=b"]) == {"domain": "a.example", "workspace": "a=b"}
    with pytest.raises(BadInput, match="kind=value"):
        inputs_of(["domain"])
