"""The HTTP client for reading other people's sites: slow enough, bounded in time and size, patient once.

One answer at a time, redirects are the caller's to judge. Proxies of the environment are not used: they
would connect for us to addresses that nobody checked.
"""

from __future__ import annotations

import ssl
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import httpcore

from ingest.sources.packed import unpacked
from ingest.sources.pinned import Barred, Deadline, Pinned, Resolve, TooSlow, addresses_of, trust
from ingest.sources.robots import AGENT
from ingest.sources.source import Failed
from knowledge.addresses import AddressPolicy

BACKOFF = (1.0, 4.0)
"""Seconds before the second and the third try, where the server does not say how long."""
PATIENCE = 60.0
"""The longest wait that a server can ask for: after it the next sync is early enough."""
PATIENCE_IN_ALL = 600.0
"""Seconds waited for by all answers of one run together."""
SILENT = 5
"""Addresses in a row that gave no answer at all: the site is down, and the rest is not tried."""
UNWELL = 3
"""Addresses in a row with a server error: from there on each is asked once."""


def _today() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Net:
    """What of the machine is used, and limits. Tests replace clock and resolver; no setting does."""

    resolve: Resolve = addresses_of
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    today: Callable[[], datetime] = _today
    ca_file: Path | None = None
    """Certificate authorities to trust; None = the system's."""
    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    whole_seconds: float = 60.0
    """For an answer from the first byte to the last."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case; what came several times is one text with commas."""
    body: bytes
    """Unpacked; empty where the status is not 200."""


class Client:
    """For one site."""

    def __init__(self, policy: AddressPolicy, net: Net, rate: float) -> None:
        self.interval = 1 / rate
        """Seconds from one request to the next."""
        self._net = net
        self._deadline = Deadline()
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust(net.ca_file),
            max_connections=2,
            keepalive_expiry=30,
            network_backend=Pinned(policy, net.resolve, self._deadline),
        )
        weakref.finalize(self, self._pool.close)
        self._next = net.now()
        self._waited = 0.0
        self._asked_away: float | None = None
        """Until when the site wants to be left alone."""
        self._silent = 0
        self._unwell = 0

    def get(self, url: str, headers: Mapping[str, str], largest: int) -> Answer | Failed:
        """Never raises for what a server does. `Failed` is the end of all tries."""
        if self._silent >= SILENT:
            return Failed(f"{url}: not asked for, the site gave no answer {SILENT} times. Sync again later.")
        if self._asked_away is not None and self._net.now() < self._asked_away:
            return Failed(f"{url}: not asked for, the site asks to be left alone. Sync again later.")
        for wait in (*BACKOFF, None):
            self._take_turn()
            answer = self.once(url, headers, largest)
            if isinstance(answer, Failed) or (isinstance(answer, Answer) and not _again(answer)):
                self._silent = self._unwell = 0
                return answer
            asked = _retry_after(answer, self._net.today()) if isinstance(answer, Answer) else None
            if asked is not None and (asked > PATIENCE or self._waited + asked > PATIENCE_IN_ALL):
                self._asked_away = self._net.now() + asked
                what = f"answers {answer.status}" if isinstance(answer, Answer) else ""
                return Failed(f"{url}: {what} and asks to come back in {asked:.0f} s. Sync again later.")
            if wait is None or self._unwell >= UNWELL:
                break
            delay = wait if asked is None else max(asked, self.interval)
            self._waited += delay
            self._net.sleep(delay)
        self._unwell += 1
        if isinstance(answer, Answer):
            self._silent = 0
            return Failed(f"{url}: answers {answer.status}. See the site's log, then sync again.")
        self._silent += 1
        return Failed(f"{url}: {answer}. Check that the site can be reached from here, then sync again.")

    def _take_turn(self) -> None:
        now = self._net.now()
        if now < self._next:
            self._net.sleep(self._next - now)
        self._next = max(now, self._next) + self.interval

    def once(self, url: str, headers: Mapping[str, str], largest: int) -> Answer | Failed | str:
        """One try: an answer; `Failed` where another changes nothing; else what went wrong."""
        net = self._net
        timeouts = {"connect": net.connect_seconds, "read": net.read_seconds, "write": net.read_seconds}
        ours = {"User-Agent": f"{AGENT}/{version('stepfour')}", "Accept-Encoding": "gzip"}
        sent: list[tuple[bytes | str, bytes | str]] = [*ours.items(), *headers.items()]
        self._deadline.begin(net.whole_seconds)
        try:
            with self._pool.stream(
                "GET", url, headers=sent, extensions={"timeout": {**timeouts, "pool": 1.0}}
            ) as response:
                got = _joined(response.headers)
                if response.status != 200:
                    return Answer(response.status, got, b"")
                body = _body(response.iter_stream(), got.get("content-encoding", ""), largest)
                return Failed(f"{url}: {body}") if isinstance(body, str) else Answer(200, got, body)
        except Barred as barred:
            return Failed(f"{url}: {barred}")
        except httpcore.ConnectError as error:
            why = _certificate(error)
            return Failed(f"{url}: its certificate does not hold ({why}). Renew it.") if why else str(error)
        except (TooSlow, httpcore.TimeoutException):
            if self._deadline.over:
                why = f"not complete after {net.whole_seconds:.0f} s. Make the page smaller, or exclude it."
                return Failed(f"{url}: {why}")
            return "no answer in time"
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return f"the connection broke ({error})"
        except (OSError, ValueError) as error:
            return f"the answer is not HTTP ({error})"


def _again(answer: Answer) -> bool:
    """Whether the same request may have another answer soon."""
    return answer.status == 429 or answer.status >= 500


def _retry_after(answer: Answer, today: datetime) -> float | None:
    """Seconds, from seconds or a date."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, ((until if until.tzinfo else until.replace(tzinfo=UTC)) - today).total_seconds())


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw, value in headers:
        name, text = raw.decode("latin-1").lower(), value.decode("utf-8", "replace")
        joined[name] = f"{joined[name]}, {text}" if name in joined else text
    return joined


def _body(pieces: Iterable[bytes], encoding: str, largest: int) -> bytes | str:
    """The bytes, or why not. Never more than `largest` of them, however little was sent."""
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        return f"packed as {encoding}, which was not asked for. Set the server to honour Accept-Encoding."
    whole = bytearray()
    for piece in pieces if encoding in ("", "identity") else unpacked(pieces):
        if isinstance(piece, str):
            return piece
        whole += piece
        if len(whole) > largest:
            return f"larger than {largest // 1_000_000} MB. Split the page, or exclude it."
    return bytes(whole)


def _certificate(error: BaseException) -> str:
    """Why a certificate does not hold, where that is what went wrong."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        cause = cause.__cause__ or cause.__context__
    return ""
