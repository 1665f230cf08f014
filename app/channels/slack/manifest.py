"""The Slack app as Slack wants it described: paste it into "Create an app from a manifest"."""

from __future__ import annotations

from typing import Any

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "chat:write",
    "commands",
    "files:read",
    "groups:history",
    "im:history",
    "im:read",
    "im:write",
    "users:read",
    "users:read.email",
)
"""Why each of them is needed says `docs/slack.md`; a test holds the two together."""
EVENTS = (
    "agent_session_stopped",
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "tokens_revoked",
)


def manifest(url: str | None) -> dict[str, Any]:
    """`url`: where Slack reaches us; None for Socket Mode, where we call Slack."""
    request_url = f"{url.rstrip('/')}/slack/events" if url else None
    there = {"request_url": request_url} if request_url else {}
    command = {
        "command": "/stepfour",
        "description": "Your last matter, and linking your account",
        "usage_hint": "help | status | link CODE | person",
        "should_escape": False,
    }
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "Stepfour",
            "description": "Answers with sources, checks your setup, finishes the job, hands over to people",
        },
        "features": {
            "agent_view": {
                "agent_description": "Support that looks at your setup and answers with sources",
                "suggested_prompts": [
                    {
                        "title": "Check my setup",
                        "message": "Could you check what is left to do in my setup?",
                    },
                    {"title": "Talk to a person", "message": "I would like to talk to a person."},
                ],
            },
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "Stepfour", "always_online": True},
            "shortcuts": [
                {
                    "name": "Triage this thread",
                    "type": "message",
                    "callback_id": "triage_thread",
                    "description": "Summary, steps and next action, for agents",
                }
            ],
            "slash_commands": [command | ({"url": request_url} if request_url else {})],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**there, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **there},
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }
