"""The world of one labelled case, in memory: all that it knows is the case's identity, world and outcome."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from app.action import Action
from app.connectors.heron import ACTIONS
from app.models.conversation import Message
from app.models.people import Principal, Standing
from app.models.steps import Finding
from app.ports import NO_SUBJECTS, Library, Look
from evals.case import LabelledCase
from knowledge.model import Address, Check, Citation, Cited, Fate, Hit, Procedure, Step

OUTCOME = "case_outcome"
STANDING: Mapping[str, Standing] = {
    "owner": "owner",
    "member": "member",
    "anonymous": "anonymous",
    "other": "stranger",
}


def principal(case: LabelledCase) -> Principal:
    if case.identity == "anonymous":
        return Principal(kind="anonymous", id=case.id)
    return Principal(kind="customer", id=case.id, account=f"account-of-{case.id}")


class CaseAccounts:
    """The account system of one case, with a ledger of every write."""

    def __init__(self, case: LabelledCase) -> None:
        self._case = case
        self.effects: list[str] = []

    @property
    def outcome(self) -> bool:
        return self._case.outcome == "on" or bool(self.effects)

    async def standing(self, principal: Principal) -> Standing:
        return STANDING[self._case.identity]

    async def field(self, account: str, path: str, subjects: Mapping[str, str] = NO_SUBJECTS) -> object:
        return None

    async def subjects(self, account: str, kind: str) -> tuple[str, ...]:
        return ()

    async def person_by_email(self, email: str) -> Principal | None:
        return None

    async def change(
        self,
        account: str,
        effect: str,
        inputs: Mapping[str, str],
        key: str,
        evidence: Sequence[Finding] = (),
    ) -> None:
        self.effects.append(effect)


class CaseLibrary:
    """What is known in one case: the procedures, and the case's article if it has one."""

    def __init__(self, library: Library, case: LabelledCase) -> None:
        self._library = library
        self._case = case

    async def candidates(self, messages: Sequence[Message]) -> tuple[Procedure, ...]:
        return await self._library.candidates(messages)

    async def procedure(self, id: str, lang: str) -> Procedure | None:
        found = await self._library.procedure(id, lang)
        return None if found is None else checkable(found, self._case)

    async def search(self, query: Sequence[tuple[str, float]], *, lang: str) -> list[Hit]:
        return await self._library.search(query, lang=lang)

    async def section(self, procedure: Procedure, step: str) -> Citation | None:
        return await self._library.section(procedure, step)

    async def became(self, cited: Collection[Cited]) -> Mapping[Cited, Fate]:
        return await self._library.became(cited)

    async def addresses(self) -> Mapping[str, Address]:
        return await self._library.addresses()


def checkable(procedure: Procedure, case: LabelledCase) -> Procedure:
    """A step that the case's world knows can be looked at there, whether our page has a check or not."""
    steps = tuple(
        step if step.check or case.world.get(step.id, "unknown") == "unknown" else _with_check(step)
        for step in procedure.steps
    )
    return procedure.model_copy(update={"steps": steps})


def _with_check(step: Step) -> Step:
    return step.model_copy(update={"check": Check(name=f"case:{step.id}")})


def actions_for(procedures: Sequence[Procedure]) -> dict[str, Action]:
    """Every action that a page names, done in the case itself; one we lack needs what its page must check."""
    found = {}
    for procedure in procedures:
        if procedure.action is None:
            continue
        known = ACTIONS.get(procedure.action)
        must = tuple(step.check for step in procedure.steps if step.must_check and step.check)
        found[procedure.action] = Action(
            name=procedure.action,
            describe=known.describe if known else procedure.title,
            effect=procedure.action,
            undo=f"undo-{procedure.action}",
            prerequisites=known.prerequisites if known else must,
            read_back=Check(name=OUTCOME),
            approval=known.approval if known else "none",
        )
    return found


def looks_for(case: LabelledCase, procedures: Sequence[Procedure], accounts: CaseAccounts) -> dict[str, Look]:
    """A look for every check that a page names, answered by the world of the case; all else is unknown.

    What the action of the case's own procedure needs beyond its steps is met: a label speaks of steps alone.
    """
    world: dict[Check, str] = {}
    beyond: set[Check] = set()
    for procedure in procedures:
        if procedure.id == (case.procedure or case.expect.procedure):
            for step in checkable(procedure, case).steps:
                if step.check is not None:
                    world[step.check] = step.id
            beyond = {check for action in actions_for([procedure]).values() for check in action.prerequisites}

    async def look(
        check: Check, *, account: str | None, subject: str | None, subjects: Mapping[str, str]
    ) -> Finding:
        if check.name == OUTCOME:
            return _finding(check, "met" if accounts.outcome else "not_met", waits=False)
        step = world.get(check)
        unnamed = "met" if check in beyond else "unknown"
        value = case.world.get(step, "unknown") if step else unnamed
        return _finding(check, value, waits=step in case.waits)

    names = {step.check.name for p in procedures for step in checkable(p, case).steps if step.check}
    names |= {check.name for action in ACTIONS.values() for check in action.prerequisites}
    return dict.fromkeys((*names, OUTCOME), look)


def _finding(check: Check, value: str, *, waits: bool) -> Finding:
    now = datetime.now(UTC)
    return Finding(
        check=check.name,
        met={"met": True, "not_met": False}.get(value),
        code=f"simulated_{value}",
        at=now,
        until=now + timedelta(minutes=10),
        needs_time=waits and value == "not_met",
    )
