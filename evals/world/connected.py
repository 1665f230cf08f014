"""The platform of a running world behind its connector, as the demo and the tests reach it."""

from __future__ import annotations

from app.adapters.platform import Platform
from app.connectors.model import Connectors
from app.connectors.read import shipped


def platform_at(api: str, token: str, *, connectors: Connectors | None = None) -> Platform:
    """On this machine, without TLS: what only a closed world may."""
    values = {"env:STEPFOUR_PLATFORM_URL": api, "env:STEPFOUR_PLATFORM_TOKEN": token}
    return Platform(connectors or shipped(), lambda name: values.get(name, name), loopback=True)
