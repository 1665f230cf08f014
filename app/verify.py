"""Runs the looks of a procedure for every subject, all at once, within one deadline."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from app.action import Action
from app.errors import Unavailable
from app.events import Task, TaskState, event_of
from app.models.case import Case
from app.models.conversation import Conversation, Message
from app.models.reading import Reading
from app.models.steps import Finding, LedgerFact
from app.ports import Progress, Services
from knowledge.model import Check, Procedure, Value

log = logging.getLogger(__name__)

PUBLIC_SUFFIX = re.compile(r"(?:ac|co|com|edu|gob|gov|net|nom|org)\.[a-z]{2}")
"""Names such as `com.br`, below which anybody has a name: sharing one makes nobody related."""


Telling = Callable[[Mapping[str, TaskState]], Awaitable[None]]
"""Shows how far the look at each step is."""
MOMENT_S = 0.25
"""What ends within a moment is shown together: most looks are over before anybody could read of them."""


class Job(Value):
    """One look to take: a check for one subject, on behalf of a step (or of the read-back: None)."""

    step: str | None
    check: Check
    subject: str | None
    subjects: tuple[tuple[str, str], ...]


class Seen(Value):
    """What a turn saw of the world."""

    by_step: tuple[tuple[str, Finding], ...] = ()
    read_back: Finding | None = None

    def ledger(self, case: Case, procedure: Procedure, at: datetime) -> tuple[LedgerFact, ...]:
        return tuple(
            LedgerFact(
                case=case.id,
                procedure=procedure.id,
                step=step,
                subject=finding.subject or "",
                kind="finding",
                finding=finding,
                at=at,
            )
            for step, finding in self.by_step
        )


class Subjects(Value):
    """The subjects a turn is about, by kind."""

    of: tuple[tuple[str, tuple[str, ...]], ...] = ()
    foreign: str | None = None
    """A named one that is not the account's."""
    missing: str | None = None
    """A kind that the action needs and that is neither named nor the account's only one."""
    among: tuple[str, ...] = ()
    """What the account has of that kind."""

    def values(self, kind: str) -> tuple[str, ...]:
        return dict(self.of).get(kind, ())

    def first(self) -> dict[str, str]:
        return {kind: values[0] for kind, values in self.of if values}


async def subjects_of(
    procedure: Procedure,
    action: Action | None,
    reading: Reading,
    conversation: Conversation,
    services: Services,
    *,
    said: Sequence[Message] = (),
) -> Subjects:
    """Named subjects that are the account's own; where none is named, all that the account has.

    `said`: the conversation, in which names of the account are found that nothing else marks as names.
    """
    account = conversation.principal.account
    found: list[tuple[str, tuple[str, ...]]] = []
    foreign = missing = None
    among: tuple[str, ...] = ()
    for kind in dict.fromkeys((*procedure.subjects, *(action.inputs if action else ()))):
        own = await _own(services, account, kind)
        named = as_the_account_writes([i.value for i in reading.subjects if i.name == kind], own)
        if kind != "domain" and own and not any(name in own for name in named):
            named = services.named(own, said, kind) or named
        if kind == "domain" and named and own and not any(related(n, mine) for n in named for mine in own):
            foreign = named[0]
        if action is not None and kind in action.inputs:
            mine = tuple(name for name in named if name in own) or named or (own if len(own) == 1 else ())
            if len(mine) != 1:  # an action is for one value, and never for a guessed one
                among = among if missing else own
                missing = missing or kind
        elif kind == "domain":
            mine = tuple(name for name in named if name in own) or own or named
        else:
            mine = named or (own if len(own) == 1 else ())
        found.append((kind, mine))
    return Subjects(
        of=tuple(found), foreign=foreign, missing=missing if account else None, among=among if account else ()
    )


def as_the_account_writes(named: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """Names as the account has them, however somebody writes them: `Brand Two` is its `brand-two`."""
    written = {_plain(name): name for name in own}
    return tuple(dict.fromkeys(written.get(_plain(name), name) for name in named))


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "-", name.casefold().strip(" ."))


async def _own(services: Services, account: str | None, kind: str) -> tuple[str, ...]:
    """What the account has of a kind; none where the account system does not answer: then no probe will."""
    if account is None:
        return ()
    try:
        return await services.accounts.subjects(account, kind)
    except Unavailable as error:
        log.warning("the subjects of account %s are not known: %s", account, error)
        return ()


def related(name: str, mine: str) -> bool:
    """Names of one owner: the same, one below the other, or siblings below one registrable name."""
    if name == mine or name.endswith(f".{mine}") or mine.endswith(f".{name}"):
        return True
    parent = name.partition(".")[2]
    return parent == mine.partition(".")[2] and "." in parent and not PUBLIC_SUFFIX.fullmatch(parent)


def jobs_for(procedure: Procedure, action: Action | None, subjects: Subjects) -> list[Job]:
    """Every look that this turn needs, the same look for the same subject once."""
    first = subjects.first()
    jobs: dict[tuple[str | None, Check, str | None], Job] = {}
    for step in procedure.steps:
        if step.check is None:
            continue
        for subject in subjects.values(step.subject) or (None,):
            filled = {**first, **({step.subject: subject} if subject else {})}
            job = Job(step=step.id, check=step.check, subject=subject, subjects=tuple(filled.items()))
            jobs[step.id, job.check, subject] = job
    read_back = action.read_back if action is not None else None
    if read_back is not None and subjects.missing is None:  # else it would read back some other value
        subject = first.get(procedure.subjects[0]) if procedure.subjects else None
        jobs[None, read_back, subject] = Job(
            step=None, check=read_back, subject=subject, subjects=tuple(first.items())
        )
    return list(jobs.values())


async def verify(
    procedure: Procedure,
    action: Action | None,
    subjects: Subjects,
    conversation: Conversation,
    services: Services,
    *,
    telling: Telling | None = None,
) -> Seen:
    """Looks at everything, concurrently; what has not answered by the deadline is unknown."""
    from app.probes import Job as Looking
    from app.probes import look_all

    jobs = jobs_for(procedure, action, subjects)
    if not jobs:
        return Seen()
    steps = tuple(dict.fromkeys(job.step for job in jobs if job.step is not None))
    seen = _Told(jobs)
    if telling is not None and steps:
        await telling(dict.fromkeys(steps, "in_progress"))
        seen.start(telling)
    findings = await look_all(
        [
            Looking(
                check=job.check,
                account=conversation.principal.account,
                subject=job.subject,
                subjects=dict(job.subjects),
            )
            for job in jobs
        ],
        services.looks,
        deadline_s=services.settings.probe_seconds,
        clock=services.clock,
        seen=seen,
    )
    await seen.end()
    pairs = list(zip(jobs, findings, strict=True))
    return Seen(
        by_step=tuple((job.step, finding) for job, finding in pairs if job.step is not None),
        read_back=next((finding for job, finding in pairs if job.step is None), None),
    )


def tell_tasks(progress: Progress, turn: str, procedure: Procedure, lang: str) -> Telling:
    """Shows a look at a step as a task of the turn, named by the step."""

    async def tell(states: Mapping[str, TaskState]) -> None:
        tasks = [
            Task(turn=turn, task=step, title=procedure.step(step).title_in(lang), state=state)
            for step, state in states.items()
        ]
        await progress(*(event_of(task) for task in tasks))

    return tell


class _Told:
    """Collects which looks are over, and tells of them from time to time until the last is."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._steps = [job.step for job in jobs]
        self._left = {step: self._steps.count(step) for step in self._steps if step is not None}
        self._over: dict[str, TaskState] = {}
        self._end = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, telling: Telling) -> None:
        self._task = asyncio.create_task(self._tell(telling))

    def __call__(self, job: int, finding: Finding | None) -> None:
        step = self._steps[job]
        if step is None:
            return
        self._left[step] -= 1
        if self._left[step] == 0:
            self._over[step] = "error" if finding is None or finding.met is None else "complete"

    async def _tell(self, telling: Telling) -> None:
        while not self._end.is_set():
            try:
                async with asyncio.timeout(MOMENT_S):
                    await self._end.wait()
            except TimeoutError:
                over, self._over = self._over, {}
                if over:
                    await telling(over)

    async def end(self) -> None:
        """The rest is told with the turn, which says how every look ended."""
        self._end.set()
        if self._task is not None:
            await self._task
