"""`Pass shop.example on to marketing`: a host that is to go somewhere, whatever that place is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.reader import wishes
from app.reader.cues import listed
from app.reader.spoken import Spoken, is_request
from app.reader.subjects import HOST, HOST_KINDS
from knowledge.model import Procedure

_PLACE = re.compile(
    r"^[^.?!;\n]{0,25}?(?:->|=>|→|(?<!\w)(?:to|into|over in|para|pra|pro|p/|a|al|hacia)(?!\w))"
    r" ?(?P<name>[^\W\d_][\w-]{2,40})(?![\w.-]*\w)"
)
_NO_PLACE = frozenset(listed("nameless")) | frozenset(listed("stop"))

WISHES = 0.3
"""As much of a wish makes it worth a question."""


def goes_somewhere(spoken: Sequence[Spoken], procedures: Sequence[Procedure]) -> Procedure | None:
    """The only procedure that takes a host to something else with a name, where a host is to go somewhere."""
    takes = [one for one in procedures if HOST_KINDS & set(one.subjects) and set(one.subjects) - HOST_KINDS]
    return takes[0] if len(takes) == 1 and any(map(_goes, spoken)) else None


def _goes(one: Spoken) -> bool:
    asked = is_request(one.sentence) or wishes.BIDDING.search(one.folded) or one.wish >= WISHES
    return bool(asked) and any(
        place is not None and place["name"] not in _NO_PLACE
        for host in HOST.finditer(one.folded)
        for place in [_PLACE.search(one.folded[host.end() :])]
    )
