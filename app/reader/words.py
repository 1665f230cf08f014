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
        r"|(?<!\w)(?:did|made|put|sent|built|bought|wrote|got|took|chose|picked|gave|paid|ran|set|brought|handed|held"
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
DUTY = anywhere("duty")
ASKING = opening(
    "asking",
    r"^(?:(?:ok|okay|so|and|but|well|e|y|pero|mas|bueno|bom|entao|entonces|oi|ola|hi|hello|hola|hey)[, ]+)*",
)
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
NARRATIVE = anywhere("narrative")
"""What happened long before is no state of today."""
CHOOSES = opening("chooses")
"""First word of a step that is done when a choice is made."""
SETTLES_ON = anywhere("settles_on")
ALREADY = re.compile(r"(?<!\w)(?:already|ja|ya)(?!\w)")
BARE_PARTICIPLE = re.compile(r"^(?:ja |ya |already |all )?(?!need|want)\w{3,}(?:ed|ad[oa]s?|id[oa]s?)(?!\w)")
YOURS = re.compile(
    r"^(?:(?:and|but|e|y|pero|mas) )?(?:you(?: guys| people)?|voces?|vcs?|ustedes)"
    r"\s+(?!can|see|could|will)\w+"
)
"""What our side did is no step of the customer's."""
ERRED = anywhere("erred")
STAYS = anywhere("stays")
MENDS = anywhere("mends")
"""What was broken is no failure once it is mended."""
UNSURE = anywhere("unsure")
HOSTISH = re.compile(r"\S*\w\.\w\S*")
RETRACT = anywhere("retract")

# --- short answers ------------------------------------------------------------------------------

YES = opening("yes")
NO = opening("no")
ALSO = anywhere("also")
SAME = anywhere("same")
PRONOUN = anywhere("pronoun")
AS_SAID = anywhere("as_said")

# --- what a machine printed ---------------------------------------------------------------------

SHOWN_FAIL = re.compile(either("shown_fail"))
SHOWN_DONE = re.compile(either("shown_done"))
SHOWN_OPEN = re.compile(either("shown_open"))
