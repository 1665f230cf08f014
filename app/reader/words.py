"""Patterns that tell how something is meant: done, failed, planned, asked. The words are in `cues.txt`.

All run on folded text (lower case, no accents) unless it says otherwise.
"""

from __future__ import annotations

import re

from app.reader.cues import anywhere, by_language, either, opening

# --- negation, completion -----------------------------------------------------------------------

NEGATION = by_language("negation")
NEUTRAL = anywhere("neutral")
"""Negations that say that all is well, or that negate nothing."""
_AUXILIARY = r"(?:is|are|was|were|been|got|gets|has|have|had|having|'ve|'s|'re|be)(?:n't| not)?"
_BETWEEN = r"(?:\w+ly\s+|already\s+|now\s+|all\s+|just\s+|been\s+|both\s+|since\s+)*"
_LATIN_PARTICIPLE = re.compile(rf"(?<!\w)(?!{either('no_participle')})\w{{2,}}(?:ad|id)[oa]s?(?!\w)")
PARTICIPLE = {
    "en": re.compile(
        rf"(?<!\w){_AUXILIARY}\s+{_BETWEEN}(?!need|suppos|want|ask|stuck|confus|worri|tir|interest|call)"
        r"\w{2,}(?:ed|en|wn|ne|ld|nt|pt|[bc]ut|set|put|shut|ught|aid|made)(?!\w)"
    ),
    "pt": _LATIN_PARTICIPLE,
    "es": _LATIN_PARTICIPLE,
}
PAST = {
    "en": re.compile(
        r"(?<!\w)(?:\w+'s|i|we|he|she|it|[a-z]{3,})\s+(?:already\s+|just\s+|also\s+|then\s+"
        r"|finally\s+|went and\s+"
        r"|myself\s+|both\s+)?"
        r"(?!need|want|ask|tri|wonder|suppos|expect|promis|mention|notic|scar|confus|worri|annoy|disappoint|interest|indeed|hundred|based|speed|feed|embed|seed"
        r"|exceed|succeed|proceed)\w{2,}ed(?!\w)"
        r"|(?<!\w)(?:did|made|put|sent|built|bought|wrote|got|took|threw|chose|picked|gave|paid|ran|set|brought|handed|held"
        r"|met|sold|switched|turned|went (?:through|out|up|in|live))(?!\w)"
    ),
    "pt": re.compile(
        r"(?<!\w)(?!precis|tent|pens|ach|fiqu|gost|esper|cheg|pergunt|procur|temos|queremos|podemos|devemos|vamos"
        r"|estamos|somos|sei|rei|lei|hei|desej)\w{2,}(?:ei|amos|imos|emos)(?!\w)"
        r"|(?<!\w)(?!estou|vou|sou|dou|falhou|travou|recus|falt|quebr|empac|emperr|parou)\w{3,}ou(?!\w)"
        rf"|(?<!\w)(?:{either('past_pt_irregular')})(?!\w)"
    ),
    "es": anywhere("past.es"),
}
ES_PRETERITE = re.compile(
    r"(?<!\w)(?!qu|est|s[eé]\b|caf|ah|aqu|all|as|m[ií]\b|t[eé]\b)"
    r"(?:\w{3,}(?<!\w\war)(?<!\w\wer)(?<!\w\wir)(?:é|í|ó)|\w{2,}(?:aron|ieron))(?!\w)"
)
"""On the text as written: without its accent a Spanish past looks like a wish or a noun."""
COMPLETE = anywhere("complete")
STANDS = re.compile(
    r"(?<!\w)(?:is|are|was|were|has been|esta|ta|foi|foram|estao|fue|quedo|estan)\s+(?:already |ya |ja )?"
    r"\w+(?:ed|ad[oa]s?|id[oa]s?)(?!\w)"
)
_ADVERB = r"(?:already |now |all |both |not |still |just |have |also |been )*"
_SER = r"(?:esta|ta|estao|tao|foi|foram|ficou|ficaram|fica|sao|estan|fue|fueron|quedo|quedaron|son)"
STATE = re.compile(
    rf"(?<!\w)(?:(?:is|are|was|were|been|'s|'re)|(?:i|we|has|have|'ve|had))\s+{_ADVERB}"
    r"(?!need|want|suppos|like|interest|suit)"
    r"(?:\w{2,}ed|done|set up|on|off|in place|active|valid|live|ready)(?!\w)"
    rf"|(?<!\w){_SER}\s+(?:ja |ya |todos |todas |agora |ahora )*"
    r"(?:\w{2,}(?:ad|id)[oa]s?|\w*feit[oa]s?|\w*hech[oa]s?|\w*puest[oa]s?|ativ[oa]s?|activ[oa]s?|pront[oa]s?"
    r"|list[oa]s?|bem|bien|ok|no ar)(?!\w)"
)
"""The report of a state: `it is validated`, `estão validados`, `quedó activado`."""
SETTLED = anywhere("settled")
"""What was failing works now."""
MARKS_DONE = re.compile(r"[✅✔✓☑👍]|\[x\]")
MARKS_OPEN = re.compile(r"[❌✗✘☒⛔]|\[ \]")

# --- not done, failed ---------------------------------------------------------------------------

OPEN = anywhere("open")
FAIL = anywhere("fail")
TRIED = anywhere("tried")
NEVER = re.compile(r"(?<!\w)(?:never|nunca|jamais|jamas)(?!\w)")
ARRIVES = anywhere("arrives")
"""`It never arrived` is a failure, `it was never sent` is not."""
NO_LONGER = anywhere("no_longer")
STILL = anywhere("still")
REMOVES = anywhere("removes")
"""First word of a step that makes something go away: there `no longer` is good news and `still` is bad."""
REMOVED = anywhere("removed")
"""Such a step is done: `apagado` is deleted in one language and switched off in another."""
NOT_THERE = anywhere("not_there")
"""And so it is where what was to go is said to be there no more."""
STILL_THERE = anywhere("still_there")
CROSSED_OFF = anywhere("crossed_off")
"""`You can cross that off the list`: it is done, though it is said as a wish."""

# --- not said as a fact -------------------------------------------------------------------------

PLAN = by_language("plan")
WHEN = anywhere("when")
CONDITION = {
    "en": re.compile(
        r"^(?:(?:and|but|or|so|then|well) )*(?:if|supposing|suppose|assuming|once|when|unless|until"
        r"|whether|in case"
        r"|should (?:i|we)|say i)\b"
        r"|\b(?:would (?:it|you|that|we|i|links|the)|i wonder|what if|even if|if (?:i|we|you|it|the))\b"
    ),
    "pt": re.compile(
        r"^(?:se|caso|quando|assim que|supondo|depois que|enquanto nao|ate)\b"
        r"|\b(?:e se|mesmo se|caso eu|se eu|se a gente|se nos|quando eu|seria|daria|poderia)\b"
    ),
    "es": re.compile(
        r"^(?:si(?= \w)|cuando|en caso|suponiendo|una vez que|en cuanto|hasta que|a menos)\b(?!,)"
        r"|\b(?:y si|aunque si|si yo|si nosotros|cuando (?:yo|lo|la)|seria|podria|haria)\b"
    ),
}
YES_DONE = re.compile(
    r"^si (?:ya |claro )?(?:(?:eso|esto|todo) (?:ya )?)?(?:esta |estan |lo |la |quedo )?"
    r"(?:hech|list|complet|terminad|hice|hicimos)\w*(?: \w+)?\W*$"
    r"|^si (?:hace (?:\w+ )?(?:tiempo|rato|mucho|dias?|semanas?|meses)|desde \w+|claro|tod[oa]s?|senor"
    r"|correcto)\W*$"
    r"|^si senor(?:a|es)? (?:ya )?(?:esta|estan|lo|la|quedo)\b"
    r"|^si (?:ya )?l[oa]s? (?:esta|estan) (?:\w+ ){2,}\w+\W*$"
)
"""`si hecho`: without its accent and its comma a Spanish yes looks like an if."""
DUTY = anywhere("duty")
STILL_TO = anywhere("still_to")
"""A duty that is told as open: `we still have to choose one`."""
_GREETED = (
    r"ok|okay|so|and|but|well|e|y|pero|mas|bueno|bom|entao|entonces|oi|ola|hi|hello|hola|hey|right|thanks"
)
_BESIDES = (
    r"(?:just )?(?:one|another|an?) (?:more )?(?:quick |small |last )?(?:question|thing)"
    r"(?: (?:in between|though))?|quick question|something else|different (?:question|topic|thing)"
    r"|by the way|btw|also|ah|oh|ja que (?:estou|estamos) aqui|alias|a proposito|por falar nisso|por cierto"
    r"|(?:so )?(?:uma |mais uma |outra )(?:duvida|coisa|pergunta)(?: rapida)?|de paso"
    r"|(?:una |otra |una ultima )(?:duda|cosa|pregunta|consulta)(?: mas)?(?: rapida)?"
)
ORDERS = opening("orders", lead=rf"^(?:(?:please|pls|por favor|pf|pfv|then|entao|entonces|{_GREETED})[, ]+)*")
"""`Take the bounced ones off the list`, said to us: nobody has done it."""
ENDS_DONE = re.compile(
    r"(?<!\w)(?:done|did|finished|completed?|ready|ok(?:ay)?|check(?:ed)?|feit[oa]s?|fiz|pront[oa]s?|conclu\w+|hech[oa]s?"
    r"|hice|listos?|(?:ya|esta|estan|quedo) listas?|terminad[oa]s?|finalizad[oa]s?|yes|sim|si)\W*$"
)
"""And not where the order is a title, with what became of it behind: `switch on tracking, done`."""
ASKING = opening("asking", lead=rf"^(?:(?:{_GREETED}|{_BESIDES})[:,. -]+)*")
"""A question needs no question mark."""
WISHED = opening("wished")
"""`What we are after is ...` begins like a question and is a wish."""


def asks(folded: str) -> bool:
    """Whether it begins like a question."""
    return ASKING.match(folded) is not None and WISHED.match(folded) is None


RELATIVE = re.compile(
    r"^(?:which|that|who|que|o qual|a qual|el cual|la cual) "
    r"(?=(?:is|are|was|were|has|have|had|already|now|esta|estao|estan|foi|foram|fue|ja|ya|tem|tiene|ficou|quedo)\b)"
)
"""`the workspace Loyalty, which is active`: a statement, not a question."""
CLEFT = re.compile(
    r"^(?:but |mas |pero )?(?:what|o que|lo que) (?=.{2,60}? (?:is|are|was|were|e|eh|foi|sao|es|son|fue)\b)"
)
"""`What we don't have is a name of our own`: a statement, too."""
WISH = anywhere("wish")
WISH_LEAD = re.compile(
    r"^(?:(?:i|we|eu|nos|a gente|yo|nosotros|do|would|really|also|just|so|hi|hello|oi|ola|hola|bom dia"
    r"|buenas|que|lo|me|nos)(?: |(?='d)))*"
    r"(?:want|need|'d like|'d (?:love|need)|would like|like to|quero|queremos|queria|queriamos|gostari\w+"
    r"|gustari\w+|facam-me|precis(?:o"
    r"|amos)|quiero"
    r"|quisiera\w*|necesit(?:o|amos)|solicito|request)(?!\w)"
)
TRYING = anywhere("trying")
TRIED_TO = anywhere("tried_to")
ADVERSATIVE = anywhere("adversative")
CONTRAST = re.compile(rf"(?:{either('adversative')}|{either('contrast')})(?!\w)")
"""As the first words of a clause: `yet`, `only now`."""
HALTS = opening("halts")
"""First word of a step that brings something to a stop: there `on hold` is what is wanted."""
HALTED = anywhere("halted")
RUNS_ON = anywhere("runs_on")
GONE = anywhere("gone")
"""What was there is there no more: bad news, but for a step that takes something away."""
FORMER = anywhere("former")
"""`The old record was removed` says nothing of the one that is needed."""
SYMPTOM = anywhere("symptom")
"""An effect that shows when somebody tries: `keeps saying`, `is off again`."""
TROUBLE = re.compile(rf"^(?:\w+[, ]+){{0,2}}(?:{either('trouble')})(?: is| e| es)?(?: that| que)?\s*[:,]?\s")
"""`One snag: ...` tells how what comes next should be taken."""
WITHDRAW = anywhere("withdraw")
"""`I take back what I said about ...`"""
BROUGHT = anywhere("brought")
"""What brought them here: nothing that the customer did, and so no try that failed."""
REASON = opening("reason")
"""As its first words: a clause gives the reason for what stands before."""
WANTS_ONE = anywhere("wants_one")
"""`We want the careful one`"""
WHENEVER = anywhere("whenever")
"""`every time I press save`, `al recargar`: what comes next is seen after trying."""
NARRATIVE = anywhere("narrative")
"""What happened long before is no state of today."""
AS_TOLD = anywhere("as_told")
"""`I told you last time that we ...`: still so."""
HOLDS = anywhere("holds")
"""Has or is what a step asks for: `we are on Scale`."""
CHOOSES = opening("chooses")
"""First word of a step that is done when a choice is made."""
SETTLES_ON = anywhere("settles_on")
ALREADY = re.compile(r"(?<!\w)(?:already|ja|ya)(?!\w)")
BARE_PARTICIPLE = re.compile(r"^(?:ja |ya |already |all )?(?!need|want)\w{3,}(?:ed|ad[oa]s?|id[oa]s?)(?!\w)")
YOURS = re.compile(
    r"^(?:(?:and|but|e|y|pero|mas) )?(?:you(?: guys| people)?|voces?|vcs?|ustedes)"
    r"\s+(?!can|see|could|will)\w+"
    r"|^(?:es[aeo]s?|est[aeo]s?)(?: \w+)? ya (?:l[oa]s? )?(?:tienen|teneis|saben|sabeis)\W*$"
    r"|^(?:that|this)(?: \w+)? you (?:already |all )*(?:have|know|got|were told)\W*$"
    r"|^(?:iss?[oe]|ess[ea])(?: \w+)? (?:ja )?(?:voces|vcs) (?:ja )?(?:tem|sabem|receberam)\W*$"
)
"""What our side did is no step of the customer's."""
ERRED = anywhere("erred")
STAYS = anywhere("stays")
IN_STATE = re.compile(r"(?<!\w)(?:on|en|em) (?P<state>\w{4,})(?!\w)")
"""`on pause`, `en pausa`: there where a step's title says to bring it there."""
MENDS = anywhere("mends")
"""What was broken is no failure once it is mended."""
UNSURE = anywhere("unsure")
HOSTISH = re.compile(r"(?<!\S)\S*\w\.\w\S*")
RETRACT = anywhere("retract")

# --- short answers ------------------------------------------------------------------------------

YES = opening("yes")
NO = opening("no")
DENIES = re.compile(
    r"(?<!\w)(?:no|not|don'?t|nao|never|nunca|sin|sem|without)(?: (?:me|nos|the|lo|la|los|las))?\W*$"
)
"""Right before a verb: `no pasar otra vez` asks for nothing."""
_HUMS = r"(?:(?:ah+|oh+|eh|aha|h[um]+|m+h?m+|hm+)[ ,.]+)*"
NODS = re.compile(
    rf"{_HUMS}(?:{either('nods')})"
    rf"(?:[ ,]+(?:{either('nods')}|thanks|obrigad[oa]|gracias|then|entao|entonces))*\W*"
)
"""After an explanation of ours these say that it was heard, not that it was done."""
ALSO = anywhere("also")
SAME = anywhere("same")
_COURTESY = (
    r"sorry|thanks|thank you|thx|please|pls|lol|obrigad[oa]|valeu|desculp[ae]|gracias|perdon|lo siento"
    r"|por favor"
)
POLITE = re.compile(rf"(?:{_COURTESY})\W*")
COURTESY = re.compile(rf"(?<=\w)[,. ]+(?:{_COURTESY})\W*$")
"""`not yet, sorry`"""
PRONOUN = anywhere("pronoun")
AS_SAID = anywhere("as_said")

# --- what a machine printed ---------------------------------------------------------------------

SHOWN_FAIL = re.compile(either("shown_fail"))
SHOWN_DONE = re.compile(either("shown_done"))
SHOWN_OPEN = re.compile(either("shown_open"))
