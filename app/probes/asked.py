"""What a probe is asked, and filling `{domain}`-style places of its parameters from the subjects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from app.ports import Accounts, Clock
from app.probes.finding import Seen
from app.probes.net import Net
from knowledge.model import Check

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Asked:
    """One look to take, with the world it looks at."""

    check: Check
    account: str | None
    subject: str | None
    subjects: Mapping[str, str]
    accounts: Accounts
    net: Net
    clock: Clock

    def fill(self, param: str, default: str | None = None) -> Filled | Seen:
        """A parameter with its places filled, or what is missing."""
        template = self.check.param(param)
        return fill(default if template is None else template, self.subjects, missing=param)


class Filled(NamedTuple):
    text: str
    from_customer: bool
    """A subject's value is in it: the name may be anybody's."""


def fill(template: object, subjects: Mapping[str, str], *, missing: str) -> Filled | Seen:
    if template is None:
        return Seen("subject_missing", {"kind": missing})
    kinds = _PLACE.findall(str(template))
    for kind in kinds:
        if not subjects.get(kind):
            return Seen("subject_missing", {"kind": kind})
    text = _PLACE.sub(lambda place: subjects[place[1]], str(template))
    return Filled(text, bool(kinds))


def under(name: str, parent: str) -> bool:
    """Whether a name is the other one or below it."""
    name, parent = name.lower().rstrip("."), parent.lower().rstrip(".")
    return bool(parent) and (name == parent or name.endswith(f".{parent}"))
