"""Every setting, with its meaning; read once in a composition root. `.env.example` is this class printed."""

from __future__ import annotations

import json
import re
from datetime import time
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from app.errors import ConfigError
from app.models.conversation import Mode
from app.models.people import AgentRight
from app.spending import Caps

PREFIX = "STEPFOUR_"

_ORIGIN = re.compile(
    r"https?://(?:[a-z0-9_-]+\.)*[a-z0-9_-]+(?::\d{1,5})?|https?://\[[0-9a-f:]+\](?::\d{1,5})?"
)

SlackMode = Literal["off", "mention", "suggest", "auto"]


class Team(BaseModel):
    """People who take over, and when they are there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    zone: str = "UTC"
    """Name of an IANA time zone."""
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Weekdays, Monday is 0."""
    opens: time = time(9)
    closes: time = time(18)
    reasons: tuple[str, ...] = ()
    """Reasons of handoffs that it takes; none takes all."""

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {zone}; write one such as Europe/Lisbon") from error
        return zone


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="forbid", frozen=True)

    data_dir: Path = Field(
        Path("data"), description="Folder for everything that is kept. One process owns it."
    )
    audit_anchor_dir: Path | None = Field(
        None,
        description="Folder that the head of the audit trail is written to at start, hourly and at the end, "
        "so that a cut or restored trail is seen. Take another disk than the data folder's, best one where "
        "this user may only add. Default: the data folder.",
    )
    host: str = Field("127.0.0.1", description="Address the service listens on.")
    port: int = Field(8080, description="Port the service listens on.", ge=0, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "WARNING",
        description="What is logged, to standard error. Personal data and secrets are hidden in every line.",
    )
    pages: Path = Field(
        Path("knowledge/pages"),
        description="Folder of help pages whose procedures Stepfour may follow. Synced at every start.",
    )

    public_url: str | None = Field(
        None,
        description="Address that customers' browsers, Slack and your desk reach the service at. "
        "Default: where it listens.",
    )
    sites: tuple[str, ...] = Field(
        (),
        description="Origins of the pages that may embed the widget, as JSON: "
        '["https://www.example.com"]. Exact: scheme, host and port.',
    )
    help_url: str | None = Field(
        None,
        description="Where your help pages are published; citations link there. Default: our own /help/. "
        "Pages of a synced website or Zendesk help centre are opened where they are.",
    )

    modes: dict[str, Mode] = Field(
        default_factory=dict,
        description=(
            'How much it may do by itself, per channel and action, as JSON: {"web": "auto", '
            '"enable_https": "suggest"}. shadow = decide and record only; suggest = propose to agents; '
            "auto = do it. What is not named is `suggest`."
        ),
    )

    site_secret: SecretStr | None = Field(
        None,
        description=(
            "Secret (32 characters or more) with which your site signs the tokens of signed-in customers "
            "(JWT, HS256). Without it, and without STEPFOUR_SITE_KEYS, every visitor is anonymous."
        ),
    )
    site_keys: Path | None = Field(
        None,
        description=(
            "Public keys (EdDSA, RS256) with which your site signs those tokens instead: a folder of KID.pem "
            "files, or a JWKS file. Read again when it changes."
        ),
    )
    audience: str = Field("stepfour", description="The `aud` of customers' tokens.")
    agent_audience: str = Field("stepfour-agents", description="The `aud` of agents' tokens.")

    connectors: Path | None = Field(
        None,
        description="Folder of files that declare your platform and the actions on it (docs/actions.md). "
        "Default: the platform of the demo, at STEPFOUR_PLATFORM_URL.",
    )
    platform_url: str | None = Field(
        None,
        description="Address of your account API. Without it nothing of an account can be checked or done.",
    )
    platform_token: SecretStr | None = Field(None, description="Service token for the account API.")
    tracking_target: str = Field(
        "track.heron.example", description="Host name that your customers' branded links point at by CNAME."
    )
    resolvers: tuple[str, ...] = Field(
        ("9.9.9.9", "1.1.1.1"),
        description="DNS resolvers that probes ask, as JSON: `address` or `address:port`, two or more.",
    )
    ca_file: Path | None = Field(
        None, description="PEM file of certificate authorities that probes trust. Default: the system's."
    )
    probe_seconds: float = Field(8.0, description="Total time that the checks of one message may take.", gt=0)

    slack_bot_token: SecretStr | None = Field(
        None, description="Token of your Slack app (xoxb-...). With it the Slack channel is on."
    )
    slack_signing_secret: SecretStr | None = Field(
        None, description="Signing secret of your Slack app; needed where Slack calls us over HTTP."
    )
    slack_app_token: SecretStr | None = Field(
        None, description="App-level token (xapp-...). With it we call Slack (Socket Mode): no open port."
    )
    slack_api_url: str | None = Field(
        None, description="Address of Slack's API, where it is not Slack's own."
    )
    slack_team: str | None = Field(
        None,
        description="Id of your workspace (T...). People of other workspaces are customers, never agents.",
    )
    slack_channels: dict[str, SlackMode] = Field(
        {"*": "mention"},
        description="What it does per Slack channel, as JSON: off, mention (answers when mentioned), suggest "
        '(to the agents\' channel) or auto. {"*": "mention", "C0123": "auto"}; direct messages are "auto".',
    )
    slack_agents_channel: str | None = Field(
        None, description="Closed channel (C...) where agents get suggestions, approvals and handoffs."
    )
    slack_agents: tuple[str, ...] = Field(
        (),
        description="User ids (U...) of agents in your workspace, as JSON: who may approve and take over.",
    )

    chatwoot_url: str | None = Field(None, description="Address of your Chatwoot. With it the adapter is on.")
    chatwoot_account: int | None = Field(None, description="Number of the Chatwoot account.")
    chatwoot_token: SecretStr | None = Field(
        None, description="API token of a Chatwoot agent: reads conversations, writes notes."
    )
    chatwoot_bot_token: SecretStr | None = Field(
        None, description="Token of the Chatwoot agent bot: replies."
    )
    chatwoot_secret: SecretStr | None = Field(
        None,
        description="Last part of the webhook's address, so that nobody else can call it: 32+ characters.",
    )

    assist_hosts: tuple[str, ...] = Field(
        (), description="Origins of the desks that may show the agents' page in a frame, as JSON."
    )
    oidc_issuer: str | None = Field(None, description="OpenID Connect issuer by which agents sign in.")
    oidc_client_id: str | None = Field(None, description="Our client id there.")
    oidc_client_secret: SecretStr | None = Field(None, description="Our client secret there.")
    oidc_agents: tuple[str, ...] = Field(
        (),
        description="Verified e-mail addresses, or @domain, of those who are agents, as JSON. "
        "Nobody else gets in.",
    )

    oidc_roles_claim: str = Field(
        "groups",
        description="Claim in which the provider names an agent's groups or roles: a text or a list, at any "
        "depth (`realm_access.roles`).",
    )
    oidc_scopes: tuple[str, ...] = Field(
        ("openid", "email"),
        description="Scopes asked of the provider, as JSON; some tell groups only for `groups` or `profile`.",
    )
    oidc_roles: dict[str, tuple[AgentRight, ...]] = Field(
        default_factory=dict,
        description="What a group or role of that claim may do beside the lists here, as JSON: "
        '{"support": ["agent"], "support-leads": ["agent", "approver"]}. agent = come in; approver = approve '
        "changed procedures, too.",
    )

    approvers: tuple[str, ...] = Field(
        (),
        description="Who may approve changed procedures and switch models and actions off, as JSON: agents "
        "as they sign in (an e-mail address, or the NAME of `stepfour agent-link`), or @domain. "
        '["rita@example.com"]. Empty: nobody may.',
    )
    agents_language: Literal["en", "pt", "es"] = Field(
        "en",
        description="Language of what agents read: dossiers, cards in Slack, notes, `stepfour health`.",
    )
    teams: tuple[Team, ...] = Field(
        (),
        description='Teams that take over, with their hours, as JSON: [{"name": "Support", "zone": '
        '"America/Sao_Paulo", "days": [0,1,2,3,4], "opens": "09:00", "closes": "18:00", '
        '"reasons": ["danger"]}]. The first whose reasons fit gets it; no reasons fits all.',
    )
    webhook_url: str | None = Field(
        None, description="Address that gets every handoff with its dossier, signed, as JSON."
    )
    webhook_secret: SecretStr | None = Field(
        None, description="Secret (32 characters or more) that the webhook is signed with."
    )
    solved_after_days: float = Field(
        3.0,
        description="A customer who does not answer whether it is solved: silent after so many days.",
        gt=0,
    )
    keep_days: float | None = Field(
        None,
        description="Conversations in which nothing was said or done for so many days are erased, with their "
        "files, cases and requests, every day; not while a case of them is open. Default: they are kept.",
        gt=0,
    )
    keep_open_days: float | None = Field(
        None,
        description="A case that is open and in which nothing happened for so many days counts as ended for "
        "STEPFOUR_KEEP_DAYS. Default: it never does, and keeps its conversations.",
        gt=0,
    )
    backup_dir: Path | None = Field(
        None,
        description="Folder of the backups, one for each installation, and of the list of what was erased. "
        "Take another disk. Default: beside the data folder, with `-backups` after its name.",
    )
    backup_every_hours: float | None = Field(
        None,
        description="The running service makes a backup when the newest is so many hours old (24: daily). "
        "Default: it makes none. A copy holds all that customers wrote, and on which disk is yours to say.",
        gt=0,
    )
    backup_most: int | None = Field(
        None,
        description="Of the backups that the service makes by itself at most so many are kept, the newest. "
        "Default: all that are not too old.",
        gt=0,
    )
    backup_days: float = Field(
        30.0,
        description="Backups older than so many days are deleted: what was erased is in none of them then.",
        gt=0,
    )
    link_minutes: int = Field(10, description="How long one-time links and codes hold.", gt=0)
    attachment_bytes: int = Field(10_000_000, description="The largest file a customer may send.", gt=0)

    llm_base_url: str | None = Field(
        None,
        description="OpenAI-compatible endpoint of a language model. Without it the built-in reader works.",
    )
    llm_model: str | None = Field(None, description="Name of the model at that endpoint.")
    llm_api_key: SecretStr | None = Field(None, description="Key for that endpoint, where it wants one.")
    llm_seconds: float = Field(45.0, description="Total time one model call may take.", gt=0)
    llm_first_seconds: float = Field(
        10.0, description="Time until a model's first token. A model on a processor may need more.", gt=0
    )
    llm_stall_seconds: float = Field(
        10.0, description="Time between two tokens, after which a model is taken for stuck.", gt=0
    )

    embeddings_url: str | None = Field(
        None,
        description="OpenAI-compatible endpoint that embeds pages and what customers write, for search. "
        "Without it a model inside this process does.",
    )
    embeddings_model: str | None = Field(None, description="Name of the embedding model there.")
    embeddings_key: SecretStr | None = Field(None, description="Key for that endpoint, where it wants one.")
    embeddings_prefixes: bool = Field(
        False, description="Write `query: ` and `passage: ` before texts, as models of the E5 family want it."
    )
    rerank_url: str | None = Field(
        None, description="Endpoint with `/rerank` that orders what search found. Without it there is none."
    )
    rerank_model: str | None = Field(None, description="Name of the reranking model there.")
    rerank_key: SecretStr | None = Field(None, description="Key for that endpoint, where it wants one.")

    llm_price_in: float | None = Field(
        None,
        description="Price of a million tokens that the model is sent, for budgets and `stepfour usage`.",
        ge=0,
    )
    llm_price_out: float | None = Field(
        None,
        description="Price of a million tokens that the model writes, for budgets and `stepfour usage`.",
        ge=0,
    )

    llm_tokens: Caps = Field(
        Caps(visitor=200_000, account=2_000_000, day=20_000_000),
        description="Tokens that the model may take in a day (UTC), as JSON: of one visitor, of one account, "
        "and in all; what is left out has no limit. What goes beyond is read and written without a model.",
    )
    llm_money: Caps = Field(
        Caps(),
        description='The same in money, by the prices above: {"visitor": 0.05, "account": 1, "day": 20}.',
    )

    judge_most: int = Field(
        20,
        description="At most so many findings a look at all pages asks the model, where one is set: the "
        "strongest and the doubtful that it has not judged yet. 0: none; all is judged without it.",
        ge=0,
    )
    judge_tokens: int = Field(
        40_000, description="Tokens that it may take for one look, beside STEPFOUR_LLM_TOKENS of a day.", ge=0
    )
    judge_seconds: float = Field(300.0, description="Total time that it may take for one look.", gt=0)

    watch_seconds: tuple[int, ...] = Field(
        (120, 600, 1800),
        description="When to look again at what needs time, in seconds after the last look, as JSON.",
    )
    watch_then_seconds: int = Field(3600, description="After those, look again every so many seconds.", gt=0)
    watch_for_seconds: int = Field(172800, description="Give up watching after so long and hand over.", gt=0)
    after_seconds: tuple[int, ...] = Field(
        (300, 86400),
        description="When to look whether a change that was done still holds, in seconds after it, as JSON.",
    )
    approval_seconds: int = Field(
        86400, description="How long a proposed action waits for its approval.", gt=0
    )
    most_waiting: int = Field(
        200,
        description="So many messages may wait to be read; then customers are told to send theirs again in a "
        "few seconds. What was accepted is kept and read.",
        ge=1,
    )
    pause_seconds: float = Field(
        0.3,
        description="Messages of a customer that follow each other faster than this are read as one.",
        ge=0,
    )

    @field_validator("sites", "assist_hosts")
    @classmethod
    def _exact(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        """They are compared as browsers send them: a near miss would let nobody in, `*` everybody."""
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin such as https://www.example.com, without a path")
        return origins

    def mode(self, *names: str) -> Mode:
        """The most careful mode of the channel and the action named."""
        order: tuple[Mode, ...] = ("shadow", "suggest", "auto")
        return min((self.modes.get(name, "suggest") for name in names), key=order.index)


def load(**overrides: Any) -> Settings:
    """Settings from the environment and `.env`. Raises `ConfigError` naming the setting and the fix."""
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"][:1]).upper().removeprefix(PREFIX)
        raise ConfigError(f"{name}: {first['msg']}. See .env.example for what it takes.") from error
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        name = f"{PREFIX}{field[1].upper()}" if field else "a setting"
        raise ConfigError(f"{name} is not JSON, as lists and maps are. See .env.example.") from error
    secret = settings.site_secret
    if secret is not None and len(secret.get_secret_value()) < 32:
        raise ConfigError(
            f"{PREFIX}SITE_SECRET is shorter than 32 characters. Make one: openssl rand -hex 32"
        )
    if settings.llm_money != Caps() and None in (settings.llm_price_in, settings.llm_price_out):
        raise ConfigError(
            f"{PREFIX}LLM_MONEY is in money: set {PREFIX}LLM_PRICE_IN and {PREFIX}LLM_PRICE_OUT, too."
        )
    if settings.site_keys is not None:
        from app.site_keys import current  # what it needs is slow to load, and most commands do without

        try:
            current(settings.site_keys)
        except ConfigError as error:
            raise ConfigError(f"{PREFIX}SITE_KEYS: {error}") from error
    return settings


def env_example() -> str:
    """The text of `.env.example`: every setting commented out with its meaning and default."""
    lines = ["# Settings of Stepfour. Copy to .env and change what you need; every line is optional.", ""]
    for name, field in Settings.model_fields.items():
        lines += [f"# {part}" for part in _wrapped(field.description or "")]
        lines += [f"#{PREFIX}{name.upper()}={_printed(field.get_default(call_default_factory=True))}", ""]
    return "\n".join(lines)


def _printed(default: object) -> str:
    if default is None:
        return ""
    if isinstance(default, BaseModel):
        return default.model_dump_json(exclude_none=True)
    return json.dumps(default) if isinstance(default, tuple | dict) else str(default)


def _wrapped(text: str, width: int = 100) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)


if __name__ == "__main__":
    print(env_example(), end="")
