"""What Chatwoot's API says, as frozen values: parsed once, where it enters."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Status = Literal["open", "resolved", "pending", "snoozed"]
INCOMING, OUTGOING = 0, 1
"""Of `message_type` in the API: 2 is an activity, 3 a template; webhooks say it in words."""
CHOICE_CHANNELS = ("Channel::WebWidget", "Channel::Api")
"""Where customers can press an option of `input_select`."""


class Theirs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Person(Theirs):
    id: int
    name: str | None = None
    type: str | None = None
    """`contact`, `user` (an agent) or `agent_bot`."""
    identifier: str | None = None
    """Of a contact: what the host site called them."""


class File(Theirs):
    data_url: str | None = None

    @property
    def name(self) -> str:
        return (self.data_url or "").partition("?")[0].rpartition("/")[2]


class TheirMessage(Theirs):
    id: int
    content: str | None = None
    message_type: int
    private: bool = False
    content_type: str | None = "text"
    content_attributes: dict[str, Any] = Field(default_factory=dict)
    sender: Person | None = None
    attachments: tuple[File, ...] = ()

    @field_validator("content_attributes", mode="before")
    @classmethod
    def _attributes(cls, given: object) -> object:
        return given if isinstance(given, dict) else {}  # old rows hold null

    @property
    def said(self) -> bool:
        """The customer sees it: no note, and no activity."""
        return not self.private and self.message_type in (INCOMING, OUTGOING)

    @property
    def by_bot(self) -> bool:
        return self.sender is not None and self.sender.type == "agent_bot"

    @property
    def by_agent(self) -> bool:
        """A person on our side wrote it to the customer: no bot, rule or campaign, and no note."""
        person = self.sender is not None and self.sender.type == "user"
        automatic = self.content_attributes.get("automation_rule_id")
        return person and self.said and self.message_type == OUTGOING and not automatic


class Meta(Theirs):
    sender: Person
    assignee: Person | None = None
    channel: str | None = None
    hmac_verified: bool | None = None


class TheirConversation(Theirs):
    id: int
    inbox_id: int
    status: Status
    meta: Meta
    additional_attributes: dict[str, Any] = Field(default_factory=dict)

    @property
    def context(self) -> dict[str, str]:
        """What the widget showed without being asked."""
        browser = self.additional_attributes.get("browser") or {}
        parts = [
            str(browser[key])
            for key in ("browser_name", "browser_version", "platform_name")
            if browser.get(key)
        ]
        shown = {
            "user_agent": " ".join(parts),
            "page": self.additional_attributes.get("referer"),
            "language": self.additional_attributes.get("browser_language"),
        }
        return {key: str(value)[:500] for key, value in shown.items() if value}


class Inbox(Theirs):
    hmac_mandatory: bool | None = None
