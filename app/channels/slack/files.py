"""Files that come with Slack messages: fetched with our token from Slack alone, looked at like any other."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.ids import id_of
from app.models.conversation import Attachment
from app.texts import clean

if TYPE_CHECKING:
    from app.channels.slack.posting import Wired
    from app.channels.slack.route import Heard
    from app.settings import Settings

log = logging.getLogger(__name__)

SLACKS_OWN = frozenset({"files.slack.com", "slack.com"})
MOST_FILES = 10
SECONDS = 20.0


def most_mb(settings: Settings) -> int:
    return settings.attachment_bytes // 1_000_000


async def attachments_of(
    w: Wired, conversation: str, heard: Heard
) -> tuple[tuple[Attachment, ...], list[str]]:
    """The files of a message, kept; and the names of those that we do not take."""
    from app.attachments import Unfit, take_in

    taken: list[Attachment] = []
    unfit: list[str] = []
    for file in heard.files[:MOST_FILES]:
        id = id_of("f", conversation, heard.ts, file.id)
        known = await w.store.attachment(id)
        if known is not None:
            taken.append(known[1])
            continue
        content = await fetch(w, file.url, file.size)
        found = await asyncio.to_thread(take_in, id, file.name, content) if content is not None else None
        if found is None or isinstance(found, Unfit):
            unfit.append(clean(file.name, 100).replace("`", "'"))
            continue
        await w.store.keep_attachment(conversation, found.attachment, found.content)
        taken.append(found.attachment)
    return tuple(taken), unfit


async def fetch(w: Wired, url: str, size: int) -> bytes | None:
    """The bytes; None where it is too large or not where Slack keeps files. Our token goes nowhere else."""
    import httpx

    most = w.settings.attachment_bytes
    if size > most or not from_slack(url, w.settings.slack_api_url):
        return None
    token = w.api.client.token or ""
    headers = {"Authorization": f"Bearer {token}"}
    content = b""
    async with (
        httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=SECONDS) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.status_code >= 500:
            response.raise_for_status()
        if response.status_code != 200 or response.headers.get("content-type", "").startswith("text/html"):
            log.warning("Slack does not hand out a file: %s", response.status_code)
            return None
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > most:
                return None
    return content


def from_slack(url: str, api_url: str | None) -> bool:
    """Whether an address is where Slack keeps files, or the API that we were told to use instead."""
    found = urlsplit(url)
    if api_url is not None:
        own = urlsplit(api_url)
        return (found.scheme, found.netloc) == (own.scheme, own.netloc)
    return found.scheme == "https" and found.netloc in SLACKS_OWN
