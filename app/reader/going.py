"""`Pass shop.example on to marketing`: a host that is to go somewhere, whatever that place is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from app.reader import wishes
from app.reader.cues import listed
from app.reader.heard import Voice, key
from app.reader.spoken import WISHING, is_request
from app.reader.subjects import HOST, HOST_KINDS
from app.reader.text import Sentence
from app.reader.told import Judged
from knowledge.model import Procedure

_NAME = r"(?P<name>[^\W\d_][\w-]{2,40})(?![\w.-]*\w)"
_PLACE = re.compile(
    r"^[^.?!;\n]{0,25}?(?:->|=>|→|(?<!\w)(?:to|into|over in|para|pra|pro|p/|a|al|hacia)(?!\w))" rf" ?{_NAME}"
)
_IN_PLACE = re.compile(rf"(?<!\w)(?:in|into|at|to|em|no|na|en) {_NAME}")
_THERE = re.compile(
    r"^[^.?!;\n]{0,90}?(?<!\w)(?:there|ahi|alli|alla|la)(?= (?:please|pls|por|pf)|\W*$|\W*[,?!.])"
)
"""Folded `lá` is there in one language and an article in the other, where another word follows it."""
_NO_PLACE = frozenset(listed("nameless")) | frozenset(listed("stop"))

WISHES = 0.3
"""As much of a wish makes it worth a question."""


def goes_somewhere(
    voices: Sequence[Voice], procedures: Sequence[Procedure], judged: Mapping[str, Judged]
) -> Procedure | None:
    """The only procedure that takes a host to something else with a name, where the newest message of the
    customer's has a host go somewhere. `judged`: what our own layers make of its clauses, by their text."""
    takes = [one for one in procedures if HOST_KINDS & set(one.subjects) and set(one.subjects) - HOST_KINDS]
    newest = [voice for voice in voices if voice.message.role == "customer"][-1:]
    said = (sentence for voice in newest for sentence in voice.parted.sentences)
    return takes[0] if len(takes) == 1 and any(_goes(one, judged) for one in said) else None


def _goes(sentence: Sentence, judged: Mapping[str, Judged]) -> bool:
    folded = sentence.piece.folded
    asked = is_request(sentence) or wishes.BIDDING.search(folded) or _wished(sentence, judged)
    return bool(asked) and any(_named_place(folded, host) for host in HOST.finditer(folded))


def _named_place(folded: str, host: re.Match[str]) -> bool:
    after = folded[host.end() :]
    places = [_PLACE.search(after)]
    if _THERE.search(after):
        places += _IN_PLACE.finditer(f"{folded[: host.start()]} {after}")
    return any(place is not None and place["name"] not in _NO_PLACE for place in places)


def _wished(sentence: Sentence, judged: Mapping[str, Judged]) -> bool:
    acts = (judged[key(c.piece)] for c in sentence.clauses if key(c.piece) in judged)
    return any(sum(map(one.act, WISHING)) >= WISHES for one in acts)
