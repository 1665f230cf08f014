"""Every setting, with its meaning; read once in a composition root. `.env.example` is this class printed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from app.errors import ConfigError
from app.models import Mode

PREFIX = "STEPFOUR_"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="forbid", frozen=True)

    data_dir: Path = Field(
        Path("data"), description="Folder for everything that is kept. One process owns it."
    )
    host: str = Field("127.0.0.1", description="Address the service listens on.")
    port: int = Field(8080, description="Port the service listens on.", ge=0, le=65535)
    pages: Path = Field(
        Path("knowledge/pages"),
        description="Folder of help pages whose procedures Stepfour may follow. Synced at every start.",
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
            "(JWT, HS256). Without it every visitor is anonymous."
        ),
    )
    audience: str = Field("stepfour", description="The `aud` of customers' tokens.")
    agent_audience: str = Field("stepfour-agents", description="The `aud` of agents' tokens.")

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

    llm_base_url: str | None = Field(
        None,
        description="OpenAI-compatible endpoint of a language model. Without it the built-in reader works.",
    )
    llm_model: str | None = Field(None, description="Name of the model at that endpoint.")
    llm_api_key: SecretStr | None = Field(None, description="Key for that endpoint, where it wants one.")
    llm_seconds: float = Field(45.0, description="Total time one model call may take.", gt=0)

    watch_seconds: tuple[int, ...] = Field(
        (120, 600, 1800),
        description="When to look again at what needs time, in seconds after the last look, as JSON.",
    )
    watch_then_seconds: int = Field(3600, description="After those, look again every so many seconds.", gt=0)
    watch_for_seconds: int = Field(172800, description="Give up watching after so long and hand over.", gt=0)
    approval_seconds: int = Field(
        86400, description="How long a proposed action waits for its approval.", gt=0
    )
    pause_seconds: float = Field(
        0.3,
        description="Messages of a customer that follow each other faster than this are read as one.",
        ge=0,
    )

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
    return json.dumps(default) if isinstance(default, tuple | dict) else str(default)


def _wrapped(text: str, width: int = 100) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)


if __name__ == "__main__":
    print(env_example(), end="")
