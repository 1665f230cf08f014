"""Patterns that tell what somebody wants, and what makes us careful. The words are in `cues.txt`."""

from __future__ import annotations

import re

from app.models.reading import Danger
from app.reader import words
from app.reader.cues import anywhere, either, opening

WANT = anywhere("want")
ORDER = anywhere("order")
"""A question that asks us to do it."""
SELF = anywhere("self")
"""In a question: whether they have to, or can do it without us."""
ELSEWHERE = anywhere("elsewhere")
"""Sends us somewhere on the web: whatever the address looks like, nothing of an account is wanted by it."""
REVERSE = anywhere("reverse")
"""An order to take away what a procedure brings, unless that is what the procedure is for."""
HOLD = anywhere("hold")
HOW = anywhere("how")
PERSON = anywhere("person")
SKIP = anywhere("skip")
CHECKING = anywhere("checking")
"""Words for what a demand to look at nothing would leave out."""
FORGED = re.compile(
    r"^\W*(?:system|sistema|admin(?:istrator|istrador)?|developer|supervisor note|assistant|instruc\w+"
    r"|note (?:for|to) (?:ai|the)|nota para)\s*(?:message|note|override|prompt|mensagem|mensaje"
    r"|[a-z ]{0,40})?\s*[:\]>]"
    r"|ignore (?:all |any |your |the )*(?:previous|prior|above) (?:instructions|rules)|<\|?/?system"
    r"|\[system\]|^\W*system[ _-](?:message|prompt|note|instructions?)(?!\w)"
    r"|(?:to|for) you, (?:the |an |our )?(?:ai|llm|assistant|bot)(?!\w)"
    r"|all (?:checks|prerequisites|requirements) (?:are |have been )?(?:verified|passed|approved|met)\W*"
    r"(?:proceed|execute|enable|run|$)"
)
"""A message that poses as the system's, or gives orders to it."""
FORGED_BLOCK = re.compile(
    r"^\s*[<\[{]\|?/?\s*(?:system|sistema|admin\w*|operator|operador|assistant|developer|instruc\w+|informa\w+|important\w*)\b[^>\]}\n]{0,40}[>\]}]"
)
"""A whole block of it, as if our own machinery had written it into the conversation."""
OTHER = anywhere("other")
MOVES_TO = anywhere("moves_to")
AGAIN = anywhere("again")
AGAIN_COMPLAINT = anywhere("again_complaint")
WHERE_WERE_WE = anywhere("where_were_we")
ONWARD = anywhere("onward")
"""Asks how the matter goes on, whatever it is called beside."""
ASIDE = opening("switch", "aside")
"""Announces that what comes is about something else."""
NO_HELP = anywhere("no_help")
"""Judges what we sent: `that link was of no use` speaks of our page, and of none of their links."""
PROPOSES = anywhere("proposes")
ASKS_WHAT = anywhere("asks_what")
"""We ask what they want."""
IS_IT_THIS = anywhere("is_it_this")
"""We ask which matter is meant."""
EXCEPT = anywhere("except")
"""`But not for that one`: what is wanted is less than an action may do."""
WHETHER = anywhere("whether")
"""Asks whether it is so: a look tells."""
BIDDING = opening("bidding")
"""`Turn it on`, said to us."""
CONFIRM = opening("confirm")
THANKS = anywhere("thanks")
FAREWELL = anywhere("farewell")
PRESENCE = anywhere("presence")
AGREES = re.compile(rf"\W*(?:{either('agrees')})\W*")
"""The whole of a sentence: it says yes to something, and not to what."""
AGREED = opening("agrees")
"""And the beginning of one, where nothing but a yes is asked for."""
REACH = anywhere("reach")
"""Words without which hardly anybody asks to be passed on."""
_HELLO = (
    r"(?:hi+|hello|he+y+|hiya|good (?:morning|afternoon|evening|day)|morning|evening|oi+e*|ola|bom dia"
    r"|boa (?:tarde|noite)|e ai|opa|hola|(?:muy )?buen(?:os|as)? ?(?:dias|tardes|noches)?|(?:muy )?buenas)"
)
_WELL = (
    r"(?:how(?: are|'re| r)? (?:you|u|things|it going|is everything|everyone)"
    r"(?: all)?(?: doing| going)?(?: today)?"
    r"|(?:tudo|td) (?:bem|bom|certo|joia)|como (?:vai|vao|estas?|estao|estan|va todo)"
    r"(?: (?:voce|voces|vc|vcs|usted|ustedes|tudo))?"
    r"|que tal(?: (?:estan?|estas|va(?: todo)?|todo))?|todo bien)"
    r"(?: (?:por ai|ai|com (?:voces|vcs|voce|vc)|with you|over there|por alli?|por ahi|contigo|con ustedes))?"
)
GREETING = re.compile(
    rf"^\W*(?:(?:{_HELLO}|{_WELL})(?:[ ,!.?]+(?:there|all|team|pessoal|gente|a todos|equipo|everyone|again))*"
    rf"[\s,!.?¿¡]*)+\W*$"
)


def is_polite(folded: str) -> bool:
    """A greeting, a please or a thanks and nothing else: no word of what a sentence is about."""
    return bool(words.POLITE.fullmatch(folded) or GREETING.match(folded))


def plain(folded: str) -> str:
    """Letters drawn out for warmth are one letter: `obrigadooo`, `holaa`, `graciass`."""
    return _ENDLESS.sub(r"\1", re.sub(r"([a-z])\1{2,}", r"\1", folded))


_ENDLESS = re.compile(r"(?<=\w)([aiousy])\1+(?!\w)")
CLOSED = anywhere("closed")
SWITCH = anywhere("switch")
_KINDS: tuple[Danger, ...] = ("security", "fraud", "legal", "harm", "billing_dispute")
DANGERS: dict[Danger, re.Pattern[str]] = {kind: anywhere(f"dangers.{kind}") for kind in _KINDS}
