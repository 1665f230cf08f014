"""Who speaks: a principal, what was proven of them, and the keys of machines."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from knowledge.model import Value

PrincipalKind = Literal["anonymous", "customer", "agent", "machine"]
"""A machine came with an API key: it is never the owner of an account and approves nothing."""

Standing = Literal["owner", "member", "stranger", "anonymous", "unknown"]
"""What the account system says of a principal, asked at that moment."""


class Principal(Value):
    """Who has been proven to speak. Made by a channel from a proof, never from text or a body field."""

    kind: PrincipalKind
    id: str
    """User id of the host site, the digest of an anonymous visitor's token, or an API key's name."""
    account: str | None = None

    @property
    def party(self) -> str:
        return f"{self.kind}:{self.account or ''}:{self.id}"


Scope = Literal["conversations:read", "conversations:write", "notes:write", "customers:export"]
"""What an API key may do; docs/identity.md says which routes each opens."""

Way = Literal["link", "oidc", "desk"]
"""How an agent signed in: by a one-time link, with the company's account, by a desk's signed token."""

AgentRight = Literal["agent", "approver"]
"""What the company's identity provider may say of an agent, by a group or role that the settings name."""


class ApiKey(Value):
    """A key for a machine, without the key: only a digest of that is kept."""

    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    until: datetime | None = None
    revoked_at: datetime | None = None
