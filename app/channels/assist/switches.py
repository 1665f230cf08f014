"""What can be switched off at once, for those who may: the language models, and every action."""

from __future__ import annotations

from fastapi import APIRouter, Request

from app.channels.assist.core import Core
from app.channels.assist.session import NO, Here, Proof, Signed, note_access
from app.channels.assist.wire import SwitchedOut, SwitchIn, SwitchOut
from app.channels.edge import Edge, Refusal, sentence
from app.identity import not_approver
from app.switches import SWITCHES, Switch, SwitchName

routes = APIRouter(prefix="/v1/agent", route_class=Edge, responses=NO, tags=["Agents"])


@routes.get("/switches")
async def see_switches(core: Here, signed: Proof) -> SwitchedOut:
    """What is off. Every agent may see it."""
    return await _stand(core, may_switch=_refused(core, signed) is None)


@routes.post("/switches")
async def switch(core: Here, signed: Proof, request: Request, body: SwitchIn) -> SwitchedOut:
    """Switches something off or on, at once. Those may who may approve procedures."""
    agent, refused = signed.agent, _refused(core, signed)
    if refused is not None:
        note_access(request, agent, f"may not switch {body.switch}")
        raise Refusal(403, "not_approver", sentence(refused[0]), refused[1])
    if body.off:
        off = Switch(name=body.switch, since=core.clock(), by=agent.id, because=body.because)
        await core.store.switch_off(off, agent.party)
    else:
        await core.store.switch_on(body.switch, agent.party, by=agent.id)
    note_access(request, agent, f"switched {body.switch} {'off' if body.off else 'on'}")
    return await _stand(core, may_switch=True)


async def _stand(core: Core, *, may_switch: bool) -> SwitchedOut:
    last = {each.name: each for each in await core.store.last_switched()}
    return SwitchedOut(
        switches=tuple(_shown(name, last.get(name)) for name in SWITCHES),
        off=tuple(await core.off()),
        may_switch=may_switch,
    )


def _shown(name: SwitchName, last: Switch | None) -> SwitchOut:
    if last is None:
        return SwitchOut(name=name, off=False, since=None, by=None, because="")
    return SwitchOut(name=name, off=last.off, since=last.since, by=last.by, because=last.because)


def _refused(core: Here, signed: Signed) -> tuple[str, str] | None:
    return not_approver(
        signed.agent.id, core.settings.approvers, signed.rights, to="switch anything off or on"
    )
