"""What Chatwoot accepts and how it says no, each rule with the place it was read from. Pure.

Places are files of github.com/chatwoot/chatwoot (`app/...`) or its issues and pull requests (`#n`);
"(unconfirmed)" marks what no place says firmly.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

Json = dict[str, Any]

HELPER = "app/controllers/concerns/access_token_auth_helper.rb"
ERRORS = "app/controllers/concerns/request_exception_handler.rb"
BUILDER = "app/builders/messages/message_builder.rb"
MESSAGE = "app/models/message.rb"

SOURCES: Final[Mapping[str, str]] = {
    "token": HELPER,
    "bot_may_not": f"{HELPER} (BOT_ACCESSIBLE_ENDPOINTS); #14655 lets bots read a conversation",
    "account": "app/controllers/concerns/ensure_current_account_helper.rb",
    "no_such_thing": ERRORS,
    "unknown_route": "config/routes.rb",
    "incoming_only_in_api_inboxes": BUILDER,
    "lost_attribute": f"{BUILDER} (keeps items, in_reply_to, external_created_at, ...; drops all else)",
    "source_id_stops_sending": "app/services/base/send_on_channel_service.rb",
    "select_items": "app/models/concerns/content_attribute_validator.rb",
    "content_type": f"{MESSAGE} (enum content_type)",
    "content_length": f"{MESSAGE} (150,000 characters)",
    "nothing_said": f"{MESSAGE} (content may be nil; such a message shows nothing) (unconfirmed)",
    "too_many_messages": f"{MESSAGE} (prevent_message_flooding); the limit is a setting (unconfirmed)",
    "status": "app/models/conversation.rb (enum status)",
    "late_answer": "lib/webhooks/trigger.rb (5 seconds), #12754",
    "webhook_refused": "lib/webhooks/trigger.rb, #12379",
}
"""Rules by name: where each was read."""

BOT_MAY: Final = frozenset(
    {
        ("conversations", "show"),
        ("conversations", "toggle_status"),
        ("conversations", "toggle_typing_status"),
        ("conversations", "toggle_priority"),
        ("conversations", "custom_attributes"),
        ("messages", "create"),
        ("assignments", "create"),
    }
)
STATUSES: Final = ("open", "resolved", "pending", "snoozed")
CONTENT_TYPES: Final = (
    "text",
    "input_text",
    "input_textarea",
    "input_email",
    "input_select",
    "cards",
    "form",
    "article",
    "incoming_email",
    "input_csat",
    "integrations",
    "sticker",
)
MESSAGE_TYPES: Final = ("incoming", "outgoing", "activity", "template")
KEPT_ATTRIBUTES: Final = frozenset({"items", "in_reply_to", "automation_rule_id"})
"""Keys of `content_attributes` that a new message keeps; `external_created_at` is an argument of its own."""
LONGEST_CONTENT: Final = 150_000
MESSAGES_A_MINUTE: Final = 200
SELECT_KEYS: Final = frozenset({"title", "value"})


class Refused(NamedTuple):
    """What a call breaks, and what Chatwoot answers to it."""

    rule: str
    status: int
    body: Json


def unauthorised(rule: str, message: str) -> Refused:
    return Refused(rule, 401, {"error": message})


def not_found() -> Refused:
    return Refused("no_such_thing", 404, {"error": "Resource could not be found"})


def unprocessable(rule: str, message: str) -> Refused:
    return Refused(rule, 422, {"error": message})


def refused_message(params: Json, channel: str) -> Refused | None:
    """Why a new message is refused; None where it is taken."""
    kind, content_type = params.get("message_type", "outgoing"), params.get("content_type") or "text"
    if kind == "incoming" and channel != "Channel::Api":
        return unprocessable(
            "incoming_only_in_api_inboxes", "Incoming messages are only allowed in Api inboxes"
        )
    if kind not in MESSAGE_TYPES:
        return unprocessable("content_type", f"'{kind}' is not a valid message_type")
    if content_type not in CONTENT_TYPES:
        return unprocessable("content_type", f"'{content_type}' is not a valid content_type")
    if len(params.get("content") or "") > LONGEST_CONTENT:
        return unprocessable(
            "content_length", "Validation failed: Content is too long (maximum is 150000 characters)"
        )
    if content_type == "input_select":
        return _refused_items((params.get("content_attributes") or {}).get("items"))
    return None


def _refused_items(items: Any) -> Refused | None:
    if not items:
        return unprocessable(
            "select_items", "Validation failed: Content attributes At least one item is required."
        )
    wrong = sorted({key for item in items for key in item} - SELECT_KEYS)
    if wrong:
        listed = ", ".join(f":{key}" for key in wrong)
        return unprocessable(
            "select_items",
            f"Validation failed: Content attributes contains invalid keys for items : [{listed}]",
        )
    return None


def doubtful_message(params: Json, channel: str) -> list[tuple[str, str]]:
    """What Chatwoot takes without a word, and what is not done as its sender means it: (rule, detail)."""
    found = []
    lost = sorted(set(params.get("content_attributes") or {}) - KEPT_ATTRIBUTES)
    if lost:
        found.append(("lost_attribute", f"content_attributes {', '.join(lost)} are dropped"))
    if params.get("source_id") and channel not in ("Channel::WebWidget", "Channel::Api"):
        found.append(("source_id_stops_sending", f"a {channel} message with a source_id is never sent"))
    if not (params.get("content") or "").strip() and not params.get("attachments"):
        found.append(("nothing_said", "a message without content"))
    return found


def identifier_hash(hmac_token: str, identifier: str) -> str:
    """What the host site's server signs: docs "Identity validation", widget/contacts_controller.rb."""
    return hmac.new(hmac_token.encode(), identifier.encode(), hashlib.sha256).hexdigest()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Header X-Chatwoot-Signature of a webhook: lib/webhooks/trigger.rb of 4.11 and later (unconfirmed)."""
    return "sha256=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
