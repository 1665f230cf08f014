"""One site over HTTP: which addresses belong to it, what its robots.txt allows, where a redirect ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ingest.sources import robots
from ingest.sources.places import Place, place
from ingest.sources.polite import Answer, Client, Net
from ingest.sources.source import Failed
from knowledge.addresses import AddressPolicy

HOPS = 5
"""Redirects followed from one address."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

LARGEST = 20_000_000
"""Bytes of a page, unpacked."""


class Loaded(NamedTuple):
    """What the server said at the end of all redirects."""

    answer: Answer
    at: Place


class Refused(NamedTuple):
    """It is there and is not taken."""

    reason: str
    perhaps: bool = False
    """It may be a fault of the site, so a page that was known before stays."""


class Site:
    def __init__(self, start: Place, policy: AddressPolicy, net: Net, rate: float) -> None:
        self._origin = start.origin
        self._client = Client(policy, net, rate)
        self._rules: robots.Rules | Failed | None = None
        self._twins: bool | None = None

    @property
    def origin(self) -> str:
        """Where it is asked, after what its redirects have told."""
        return self._origin

    @property
    def _host(self) -> str:
        return self._origin.partition("://")[2]

    def rules(self) -> robots.Rules | Failed:
        """Its robots.txt. One that cannot be had is `Failed`: then nothing may be read (RFC 9309)."""
        if self._rules is None:
            self._rules = self._load_rules()
            if isinstance(self._rules, robots.Rules):
                self._client.interval = max(self._client.interval, self._rules.seconds)
        return self._rules

    def _load_rules(self) -> robots.Rules | Failed:
        got = self._follow(f"{self._origin}/robots.txt", {}, robots.LARGEST * 4, guarded=False)
        if isinstance(got, Refused):
            return Failed(got.reason)
        if isinstance(got, Failed):
            return got
        # Any other answer below 500 says that there is none.
        text = got.answer.body[: robots.LARGEST].decode("utf-8", "replace")
        return robots.Rules(text if got.answer.status == 200 else "")

    def belongs(self, there: Place) -> bool:
        """Whether an address is one of this site: the same host, or its www twin where the two are one."""
        if there.host == self._host:
            return True
        return there.host.removeprefix("www.") == self._host.removeprefix("www.") and self._one(there)

    def barred(self, there: Place) -> str | None:
        """Why an address may not be asked for."""
        if not self.belongs(there):
            return f"{there.url}: another host than {self._origin}. Add it as a source of its own."
        rules = self.rules()
        if isinstance(rules, Failed):
            return f"{there.url}: not asked for, as robots.txt could not be read ({rules.reason})"
        if not rules.allow(self.url(there)):
            return f"{there.url}: robots.txt disallows it. Allow {robots.AGENT} there, or leave it out."
        return None

    def url(self, there: Place) -> str:
        return self._origin + there.ask

    def load(
        self, there: Place, headers: Mapping[str, str] | None = None, largest: int = LARGEST
    ) -> Loaded | Refused | Failed:
        reason = self.barred(there)
        if reason:
            return Refused(reason)
        return self._follow(self.url(there), headers or {}, largest, guarded=True)

    def _follow(
        self, url: str, headers: Mapping[str, str], largest: int, *, guarded: bool
    ) -> Loaded | Refused | Failed:
        """`guarded`: robots.txt has a say where a redirect leads to."""
        first, seen = url, set[str]()
        while True:
            at = place(url)
            if at is None or url in seen or len(seen) > HOPS:
                why = f"leads in a circle, or over more than {HOPS} redirects"
                return Refused(f"{first}: {why}. Mend the redirects of the site.", perhaps=True)
            seen.add(url)
            answer = self._client.get(url, headers, largest)
            if isinstance(answer, Failed):
                return answer
            if answer.status not in _REDIRECTS:
                return Loaded(answer, at)
            target = place(answer.headers.get("location", ""), url)
            if target is None or not answer.headers.get("location"):
                why = "redirects to no address that can be asked for. Mend the redirect."
                return Refused(f"{first}: {why}", perhaps=True)
            if at.scheme == "https" and target.scheme == "http":
                return Refused(
                    f"{first}: redirects to http, where anybody on the way may change what is read."
                )
            if not self.belongs(target):
                return Refused(f"{first}: redirects to another host, {target.url}. Add it as its own source.")
            if target.origin == self._origin.replace("http://", "https://", 1):
                self._origin = target.origin  # it has moved to https as a whole
            reason = self.barred(target) if guarded else None
            if reason:
                return Refused(f"{first}: redirects on. {reason}")
            url = target.url

    def _one(self, twin: Place) -> bool:
        """Whether a host and its www twin are one site: the front page of one leads to the other."""
        if self._twins is None:
            to_twin = self._front_leads(self._origin, twin.host)
            if to_twin:
                self._origin = to_twin.origin
            self._twins = bool(to_twin or self._front_leads(twin.origin, self._host))
        return self._twins

    def _front_leads(self, origin: str, host: str) -> Place | None:
        answer = self._client.get(f"{origin}/", {}, LARGEST)
        if isinstance(answer, Failed) or answer.status not in _REDIRECTS:
            return None
        target = place(answer.headers.get("location", ""), f"{origin}/")
        return target if target and target.host == host else None
