"""The account system of an installation that has none yet: nothing is known, nothing can be changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.errors import Unavailable
from app.models.people import Principal, Standing
from app.models.steps import Finding
from app.ports import NO_SUBJECTS

_WHY = "no account API is configured; set STEPFOUR_PLATFORM_URL"


class NoPlatform:
    async def standing(self, principal: Principal) -> Standing:
        return "unknown"

    async def field(self, account: str, path: str, subjects: Mapping[str, str] = NO_SUBJECTS) -> object:
        raise Unavailable(_WHY)

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
        raise Unavailable(_WHY)
