"""What a site asks of programs that read it: its robots.txt, and `robots` in a page or its headers."""

from __future__ import annotations

import re
from functools import cached_property

AGENT = "Stepfour"
"""The name that a robots.txt may speak to."""

LARGEST = 512_000
"""Bytes of a robots.txt that count, by the standard; what is behind them does not."""

_DIRECTIVE = re.compile(r"noindex|nofollow|none", re.IGNORECASE)


class Rules:
    """A robots.txt; an empty one allows everything."""

    def __init__(self, text: str) -> None:
        from protego import Protego

        self._parsed = Protego.parse(text)

    def allow(self, url: str) -> bool:
        return self._parsed.can_fetch(url, AGENT)

    @cached_property
    def seconds(self) -> float:
        """Between two requests, as the site asks for it."""
        rate = self._parsed.request_rate(AGENT)
        return max(self._parsed.crawl_delay(AGENT) or 0.0, rate.seconds / rate.requests if rate else 0.0)

    @property
    def sitemaps(self) -> list[str]:
        return list(self._parsed.sitemaps)


def directives(header: str) -> frozenset[str]:
    """`noindex` and `nofollow` of an X-Robots-Tag or a robots meta element, where they are for us."""
    said: set[str] = set()
    ours = True
    for part in header.split(","):
        # A name holds until the next one: "otherbot: noindex, nofollow, stepfour: all".
        who, colon, what = part.partition(":")
        name = who.strip().lower()
        if colon and name != "unavailable_after" and not name.startswith("max-"):
            ours = name in ("*", AGENT.lower())
        if ours:
            said |= {each.lower() for each in _DIRECTIVE.findall(what if colon else who)}
    return frozenset(said - {"none"} | ({"noindex", "nofollow"} if "none" in said else set()))
