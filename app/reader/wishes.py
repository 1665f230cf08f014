"""Patterns that tell what somebody wants, and what makes us careful. The words are in `cues.txt`."""

from __future__ import annotations

import re

from app.models import Danger
from app.reader.cues import anywhere, opening

WANT = anywhere("want")
ORDER = anywhere("order")
"""A question that asks us to do it."""
HOLD = anywhere("hold")
HOW = anywhere("how")
PERSON = anywhere("person")
SKIP = anywhere("skip")
FORGED = re.compile(
    r"^\W*(?:system|sistema|admin(?:istrator|istrador)?|developer|supervisor note|assistant|instruc\w+"
    r"|note (?:for|to) (?:ai|the)|nota para)\s*(?:message|note|override|prompt|mensagem|mensaje"
    r"|[a-z ]{0,40})?\s*[:\]>]"
    r"|ignore (?:all |any |your |the )*(?:previous|prior|above) (?:instructions|rules)|<\|?/?system"
    r"|\[system\]"
    r"|all (?:checks|prerequisites|requirements) (?:are |have been )?(?:verified|passed|approved|met)\W*"
    r"(?:proceed|execute|enable|run|$)"
)
"""A message that poses as the system's, or gives orders to it."""
OTHER = anywhere("other")
AGAIN = anywhere("again")
AGAIN_COMPLAINT = anywhere("again_complaint")
PROPOSES = anywhere("proposes")
CONFIRM = opening("confirm")
THANKS = anywhere("thanks")
_HELLO = (
    r"(?:hi+|hello|hey|hiya|good (?:morning|afternoon|evening)|morning|oi+|ola|bom dia|boa (?:tarde"
    r"|noite)|e ai|opa|hola"
    r"|buen(?:os|as)? ?(?:dias|tardes|noches)?|buenas|que tal|tudo bem|como (?:vai|estas?))"
)
GREETING = re.compile(
    rf"^\W*(?:{_HELLO}(?:[ ,!.?]+(?:there|all|team|pessoal|gente|a todos|equipo|everyone|tudo bem"
    rf"|again))*[\s,!.?]*)+$"
)
CLOSED = anywhere("closed")
SWITCH = anywhere("switch")
_KINDS: tuple[Danger, ...] = ("security", "fraud", "legal", "harm", "billing_dispute")
DANGERS: dict[Danger, re.Pattern[str]] = {kind: anywhere(f"dangers.{kind}") for kind in _KINDS}
