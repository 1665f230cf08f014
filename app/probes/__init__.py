"""Read-only looks at the world: account, DNS, TLS, HTTP. A probe never raises for what it sees.

To add one: a function `Asked -> Seen`, an entry in `_table`, its name in `CHECKS`, its codes in `codes.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.models.steps import Finding
    from app.ports import Accounts, Clock, Look
    from app.probes.asked import Asked
    from app.probes.finding import Seen
    from app.probes.net import Net
    from knowledge.model import Check

log = logging.getLogger(__name__)

CHECKS = frozenset(
    {
        "click_tracking_on",
        "branded_link_set_up",
        "certificate_presented",
        "dns_record",
        "tls_certificate",
        "http_status",
        "account_field",
    }
)
"""Names a page may use; here so that a page is validated without loading a probe."""

AT_ONCE = 8
_ACCOUNT_WIDE = frozenset({"click_tracking_on", "certificate_presented"})
"""They see the same whichever subject is asked: one look serves all subjects of a turn."""


@dataclass(frozen=True)
class Job:
    """One look to take."""

    check: Check
    account: str | None
    subject: str | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)
    """A value for each kind of subject, for the `{kind}` places of the check."""


def _table() -> dict[str, Callable[[Asked], Awaitable[Seen]]]:
    from app.probes import account, dns, http, tls

    return {
        "click_tracking_on": account.click_tracking_on,
        "branded_link_set_up": dns.branded_link_set_up,
        "certificate_presented": tls.certificate_presented,
        "dns_record": dns.dns_record,
        "tls_certificate": tls.tls_certificate,
        "http_status": http.http_status,
        "account_field": account.account_field,
    }


def probes(accounts: Accounts, net: Net, clock: Clock) -> Mapping[str, Look]:
    """Every probe by its name, looking at this world."""
    from app.errors import Unavailable
    from app.probes.asked import Asked
    from app.probes.finding import Seen, found

    def look(probe: Callable[[Asked], Awaitable[Seen]]) -> Look:
        async def take(
            check: Check, *, account: str | None, subject: str | None, subjects: Mapping[str, str]
        ) -> Finding:
            try:
                seen = await probe(Asked(check, account, subject, subjects, accounts, net, clock))
            except Unavailable as error:
                log.warning("%s: %s", check.name, error)
                seen = Seen("account_unavailable")
            return found(seen, check, subject, clock)

        return take

    return {name: look(probe) for name, probe in _table().items()}


async def look_all(
    jobs: Sequence[Job],
    looks: Mapping[str, Look],
    *,
    deadline_s: float,
    clock: Clock,
    seen: Callable[[int, Finding | None], None] | None = None,
) -> list[Finding]:
    """A finding for each job, in order. What has not finished at the deadline is unknown.

    `seen` is told the number of each job as its look ends, and what was seen (None: the look broke).
    """
    turn = asyncio.Semaphore(AT_ONCE)
    tasks: dict[object, asyncio.Task[Finding]] = {}

    async def take(job: Job) -> Finding:
        async with turn:
            return await looks[job.check.name](
                job.check, account=job.account, subject=job.subject, subjects=job.subjects
            )

    for job in jobs:
        if job.check.name in looks and _same(job) not in tasks:
            tasks[_same(job)] = asyncio.create_task(take(job))
    if seen is not None:
        for number, job in enumerate(jobs):
            if _same(job) in tasks:
                tasks[_same(job)].add_done_callback(partial(_tell, seen, number))
    if tasks:
        _, late = await asyncio.wait(tasks.values(), timeout=deadline_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
    return [_outcome(job, tasks.get(_same(job)), clock) for job in jobs]


def _tell(seen: Callable[[int, Finding | None], None], number: int, task: asyncio.Task[Finding]) -> None:
    broke = task.cancelled() or task.exception() is not None
    seen(number, None if broke else task.result())


def _same(job: Job) -> object:
    if job.check.name in _ACCOUNT_WIDE:
        return job.check, job.account
    return job.check, job.account, job.subject, tuple(sorted(job.subjects.items()))


def _outcome(job: Job, task: asyncio.Task[Finding] | None, clock: Clock) -> Finding:
    from app.probes.finding import Seen, found

    if task is None:
        code = "check_unknown"
    elif task.cancelled():
        code = "timed_out"
    elif task.exception() is None:
        return task.result().model_copy(update={"subject": job.subject})
    else:
        # A bug of ours or of a custom look must not pass for an answer, nor stop the other looks.
        log.error("The look %s failed; report it with this trace", job.check.name, exc_info=task.exception())
        code = "look_failed"
    return found(Seen(code, {"check": job.check.name}), job.check, job.subject, clock)
