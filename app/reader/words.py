"""General words of English, Portuguese and Spanish that tell how something is meant: done, failed, planned, asked.

Nothing here belongs to one procedure. All patterns run on folded text (lower case, no accents).
"""

from __future__ import annotations

import re
from re import Pattern


def _any(*parts: str) -> Pattern[str]:
    return re.compile(r"(?<![\w])(?:" + "|".join(parts) + r")(?![\w])")


# --- negation -----------------------------------------------------------------------------------

NEGATION: dict[str, Pattern[str]] = {
    "en": re.compile(
        r"(?<!\w)(?:no|not|never|none|nothing|without|neither|nor|nobody|cannot|zero)(?!\w)|n't(?!\w)"
        r"|(?<!\w)(?:dont|didnt|havent|hasnt|isnt|arent|wasnt|werent|wont|cant|couldnt|aint)(?!\w)"
    ),
    "pt": _any("nao", "n", "nunca", "nem", "nenhum", "nenhuma", "sem", "jamais", "nada", "tampouco", "ngm"),
    "es": _any(
        "no", "nunca", "ni", "ningun", "ninguna", "ninguno", "sin", "jamas", "nada", "tampoco", "nadie"
    ),
}
NEUTRAL = _any(
    r"(?:no|without(?: any)?|not an?|zero) (?:\w+ )?(?:problems?|issues?|troubles?|errors?|warnings?|doubts?|worries|drama|hassle|complaints?)",
    r"(?:no|never) (?:need|mind|idea who)",
    r"not only",
    r"nothing to worry",
    r"can't complain",
    "no longer a problem",
    r"sem (?:\w+ )?(?:problemas?|erros?|drama|avisos?|duvidas?|falhas?|susto|stress)",
    r"nao (?:so|apenas|somente)",
    r"(?:nao (?:deu|tem|houve|teve|ha)|nenhum) (?:\w+ )?(?:problemas?|erros?|falhas?|avisos?)",
    r"sin (?:\w+ )?(?:problemas?|errores?|error|drama|avisos?|dudas?|fallos?|lios?)",
    r"no (?:solo|solamente)",
    r"(?:no (?:hay|hubo|da|dio)|ningun) (?:\w+ )?(?:problemas?|error(?:es)?|fallos?|avisos?|drama)",
)
"""Negations that say that all is well, or that negate nothing."""

# --- completion ---------------------------------------------------------------------------------

PARTICIPLE = {
    "en": re.compile(
        r"(?<!\w)(?:is|are|was|were|been|got|gets|has|have|had|having|'ve|'s|'re|be)\s+(?:\w+ly\s+|already\s+|now\s+|all\s+"
        r"|just\s+|been\s+|both\s+|since\s+|successfully\s+)*(?!need|suppos|want|ask|stuck|confus|worri|tir|interest|call)"
        r"\w{2,}(?:ed|en|wn|ne|ld|nt|pt)(?!\w)"
    ),
    "pt": re.compile(
        r"(?<!\w)(?!certificado|resultado|teclado|significado|comunicado|atestado|candado|advogad|abogad|soldado|lado|cuidado|pedido|conteudo|estado|mercado|obrigad|dado|devid|partid|sentid|duvida|medida|vida|saida|entrada|ainda|agrad|cada|nada|chamado|cansad|preocupad|complicad|perdid)"
        r"\w{2,}(?:ad|id)[oa]s?(?!\w)"
    ),
    "es": re.compile(
        r"(?<!\w)(?!certificado|resultado|teclado|significado|comunicado|atestado|candado|advogad|abogad|soldado|lado|cuidado|pedido|contenido|estado|mercado|dado|debid|partid|sentid|duda|medida|vida|salida|entrada|cada|nada|llamad|cansad|preocupad|complicad|perdid|sabado|estimad|agradecid)"
        r"\w{2,}(?:ad|id)[oa]s?(?!\w)"
    ),
}
PAST = {
    "en": re.compile(
        r"(?<!\w)(?:i|we|he|she|they|you|who|it|and|already|just|also|then|finally|guy|team|\w+'s|[a-z]{3,})\s+(?:already\s+|just\s+|also\s+"
        r"|then\s+|finally\s+|went and\s+|myself\s+|both\s+)?(?!need|want|ask|tri|wonder|suppos|expect|promis|mention|notic|indeed|hundred|based|speed|feed|embed|seed|exceed|succeed|proceed)"
        r"\w{2,}ed(?!\w)"
        r"|(?<!\w)(?:did|made|put|sent|built|bought|wrote|got|took|chose|picked|gave|paid|ran|set|went through|switched|turned|turn)"
        r"(?!\w)"
    ),
    "pt": re.compile(
        r"(?<!\w)(?!precis|tent|pens|ach|fiqu|gost|esper|cheg|perguntei|procur|temos|queremos|podemos|devemos|vamos|estamos|somos|precisamos|sei|rei|lei|hei|gostei|desej)"
        r"\w{2,}(?:ei|amos|imos|emos)(?!\w)|(?<!\w)(?!estou|vou|sou|dou|falhou|travou|recus|falt|quebr|empac|emperr|parou)\w{3,}ou(?!\w)|(?<!\w)(?:fiz|fizemos|fez|pus|pusemos|pos|botei|botou|subi|subiu|inseri|recebi|recebeu|pedi"
        r"|deixou|colocou|criou|ligou|instalou|ativou|configurou|validou|passou|resolveu|cadastrou|publicou|concluiu|terminou|abriu|enviou|gerou|mudou|trocou|aprovou|assinou|escolheu|comprou)(?!\w)"
    ),
    "es": re.compile(
        r"(?<!\w)(?:hice|hicimos|hizo|hicieron|puse|pusimos|puso|pusieron|deje|dejo|dejamos|quedo|quedaron|di de alta|dimos|cree|creo el|creamos|creo la|active|activamos|configure|configuramos|instale|instalamos|valide|validamos|valido"
        r"|paso la|agregue|agregamos|anadi|anadimos|subi|subimos|envie|enviamos|cambie|cambiamos|publique|publicamos|termine|terminamos|elegi|elegimos|compre|pague|firme|firmamos|conecte|registre|verifique|complete|encendi|encendimos|prendi|aprobo|habilite)(?!\w)"
    ),
}
ES_PRETERITE = re.compile(
    r"(?<!\w)(?!qu|est|s[eé]\b|caf|ah|aqu|all|as|m[ií]\b|t[eé]\b)\w{3,}(?<!ar)(?<!er)(?<!ir)(?:é|í|ó)(?!\w)"
)
"""On the text as written: without its accent a Spanish past looks like a wish or a noun."""

COMPLETE = _any(
    # English
    "done",
    "completed?",
    "finished",
    "ready",
    "in place",
    "set ?up",
    "set",
    "configured",
    "enabled",
    "activated",
    "active",
    "live",
    "works?",
    "working",
    "works fine",
    "running",
    "verified",
    "validated?",
    "validates",
    "valid",
    "published",
    "pass(?:ed|es)?",
    "confirmed",
    "approved",
    "green",
    "sorted",
    "taken care of",
    "checked",
    "ticked",
    "fine",
    "ok",
    "okay",
    "good",
    "perfect",
    "exists?",
    "resolved",
    "renewed",
    "issued",
    "installed",
    "added",
    "created",
    "connected",
    "linked",
    "in there",
    "switched on",
    "turned on",
    r"on(?= since| already| for | now|$)",
    r"(?:is|are|'s|was|been|:|=|both|all|switched|turned|toggled|now|already|it|that) on",
    "up and running",
    "got (?:it|one|that|them|the|an?|our|its)",
    "have (?:it|one|that|them|an?|our)",
    "we've got",
    "already(?: have| do| got)?",
    "did (?:it|that|this|those|so|them|all|the|both)",
    "all set",
    "good to go",
    "uploaded",
    "paid",
    "signed",
    "resolves",
    "presents?",
    "serves?",
    "shows? up as",
    "long ago",
    "for ages",
    "went through",
    "came through",
    "padlock",
    # Portuguese
    "feit[oa]s?",
    "pront[oa]s?",
    "cert(?:o|inho|os|as)",
    "blz",
    "beleza",
    "ativ[oa]s?",
    "ligad[oa]s?",
    "no ar",
    "em pe",
    "verde",
    "funciona(?:ndo|m)?",
    "passou",
    "passaram",
    "validou",
    "ja (?:esta|ta|tem|tenho|temos|foi|foram|fiz|fizemos|era|estava|existe)",
    "tudo (?:certo|ok|pronto|feito)",
    "on",
    "no lugar",
    "em dia",
    "resolvid[oa]s?",
    "existe",
    "de pe",
    "rodando",
    "valid[oa]s?",
    # Spanish
    "hech[oa]s?",
    "list[oa]s?",
    "encendid[oa]s?",
    "puest[oa]s?",
    "en su sitio",
    "en orden",
    "bien",
    "funcionando",
    "andando",
    "ya (?:esta|estan|lo|la|los|las|tengo|tenemos|fue|hay|existe|va|van)",
    "lo tengo",
    "la tengo",
    "lo tenemos",
    "tengo",
    "tenemos",
    "paso",
    "correct[oa]s?",
    "al dia",
    "resuelt[oa]s?",
    "operativ[oa]s?", "adjunt[oa]s?",
    "en marcha",
    "vigente",
    "abiert[oa]s?",
    "escrit[oa]s?",
)
WISH = _any(
    "please", "pls", "want", "would like", "could you", "can you", "quero", "queremos", "queria", "gostaria", "por favor", "pode(?:m|ria|riam)?",
    "quiero", "quisiera", "queremos", "pueden?", "podrian?", "solicito", "we need", "i need", "precis(?:o|amos)", "necesit(?:o|amos)",
)
UNSURE = _any(
    r"(?:do not|don't|dont) know", "not sure", "no idea", "no clue", r"n(?:ao)? sei", "nao tenho (?:ideia|certeza)", "nao faco ideia", "no se(?! \\w+(?:a|o)\\b)", "ni idea", "no estoy segur[oa]",
    "maybe", "perhaps", "talvez", "quiza", "quizas", "tal vez",
)
STANDS = re.compile(r"(?<!\w)(?:is|are|was|were|has been|esta|ta|foi|foram|estao|fue|quedo|estan)\s+(?:already |ya |ja )?\w+(?:ed|ad[oa]s?|id[oa]s?)(?!\w)")
ARRIVES = _any("arriv\\w+", "work(?:s|ed)?", "come", "came", "get", "reach\\w*", "cheg\\w+", "funcion\\w+", "lleg\\w+", "ca(?:i|iu)", "cayo", "load\\w*", "carreg\\w+", "cargo", "again", "mais", "mas")
"""`It never arrived` is a failure, `it was never sent` is not."""
NO_LONGER = _any("no longer", "not any ?more", "n't .{0,30} any ?more", "gone", "ya no", "ja nao", "nao .{0,25} mais", "fora d[eoa]", "out of")
STILL = _any("still", "ainda (?:esta|ta|tem|ha|existe|continua|aparece)", "continua(?:m)?", "todavia (?:esta|hay|tiene|sigue|aparece)", "sigue(?:n)?", "aun (?:esta|hay|tiene)")
REMOVES = _any("remove", "delete", "free", "stop", "disable", "empty", "end", "close", "cancel", "pause", "uninstall", "unlock", "clean", "clear", "release", "take out", "turn off", "switch off", "shut", "drop", "disconnect", "detach", "settle", "erase", "unpublish", "archive")
"""First word of a step that makes something go away: there `no longer` is good news and `still` is bad."""
SETTLED = _any("now (?:it|they|everything)", "finally", "in the meantime", "since then", "solved", "fixed", "resolved", "agora (?:foi|sim|esta|ta|funcion\\w+)", "finalmente", "consegui", "conseguimos", "resolvid[oa]", "ahora (?:si|ya|esta|funcion\\w+)", "por fin", "ya funciona", "lo logr\\w+", "solucionad[oa]")
"""What was failing works now."""
MARKS_DONE = re.compile(r"[✅✔✓☑👍]|\[x\]")
MARKS_OPEN = re.compile(r"[❌✗✘☒⛔]|\[ \]")

# --- not done -----------------------------------------------------------------------------------

OPEN = _any(
    # English
    "missing",
    "pending",
    "still to do",
    "to[- ]do",
    "outstanding",
    "skipped",
    "untouched",
    "off",
    "disabled",
    "inactive",
    "empty",
    "yet to",
    "not (?:yet|started|there)",
    "where i stop",
    "remains?",
    "is left",
    "left to do",
    "no longer",
    "deactivated",
    "switched off",
    "turned off",
    "unchecked",
    "unverified",
    "unpublished",
    "parked",
    "postponed",
    "on hold",
    "waiting (?:for|on)",
    "in progress",
    "half[- ]?way",
    "halfway",
    # Portuguese
    "falta(?:m|ndo|va|ram)?",
    "pendentes?",
    "desligad[oa]s?",
    "desativad[oa]s?",
    "desabilitad[oa]s?",
    "inativ[oa]s?",
    "vazi[oa]s?",
    "por fazer",
    "parad[oa]s?",
    "em aberto",
    "deixei (?:de|pra depois)",
    "em andamento",
    "no meio",
    "pela metade",
    "aguardando",
    "adiad[oa]s?",
    # Spanish
    "falta(?:n|ba)?",
    "pendientes?",
    "apagad[oa]s?",
    "desactivad[oa]s?",
    "inactiv[oa]s?",
    "vaci[oa]s?",
    "por hacer",
    "aplazad[oa]s?",
    r"sin (?:hacer|tocar|configurar|empezar|activar|crear|poner|validar|verificar|\w+ar)",
    "a medias",
    "en espera",
    "esperando",
    r"sem (?:fazer|mexer|configurar|comecar|ativar|criar|validar|\w+ar)",
    "deshabilitad[oa]s?",
)

# --- failed -------------------------------------------------------------------------------------

FAIL = _any(
    # English
    r"fail(?:s|ed|ing|ure)?",
    "errors?",
    r"refus(?:es|ed|ing|al)",
    r"reject(?:s|ed|ing)?",
    "denied",
    "unable",
    "invalid",
    "expired",
    "broken",
    "stuck",
    "red",
    r"time[sd]?[ -]?out",
    "warnings?",
    "mismatch(?:es)?",
    "bounce[sd]?",
    r"(?:goes|went) (?:\w+ )?(?:wrong|badly)",
    "no luck",
    "without success",
    "to no avail",
    "nothing happens",
    "crash(?:es|ed)?",
    "gave up",
    "not recogni[sz]ed",
    "(?:not|none|nothing|n't) found",
    "found none",
    "complains?",
    "blocked",
    "keeps? (?:saying|telling|failing|coming back|giving|showing|spinning|loading|asking)",
    r"(?:does|do|did|is|was|will|would|has|wo|ca|could|can) ?n['o]t (?:seem to |want to |let me |even |be )?(?:work|working|worked|validate|verify|pass|save|load|accept|take|stick|connect|go through|resolve|start|let|show up|update|match|sync|respond|open|come through|recognized|recognised|accepted|validated|verified|saved)",
    r"(?:ca|could|can|was|were) ?n(?:'t|not|ot) (?:able to )?(?:get|make|complete|finish|manage|validate|verify|save|connect|activate|enable)",
    r"cannot (?:get|make|complete|finish|manage|validate|verify|save|connect|activate|enable)",
    r"tr(?:y|ied|ying)\b.{0,60}\b(?:but|without|no|not|n't)",
    "won't",
    "wont (?:work|validate|save|let|go)",
    "doesnt work",
    "not working",
    "blows? up",
    "(?:sent|came|comes|got) back",
    "not valid",
    "untrusted",
    "insecure",
    # Portuguese
    r"falh\w+",
    r"erros?",
    r"deu (?:erro|ruim|problema|pau|xabu)",
    r"da (?:erro|pau|problema)",
    r"recus\w+",
    r"rejeit\w+",
    r"invalid[oa]s?",
    r"expirad[oa]s?",
    r"vencid[oa]s?",
    r"trav(?:a|ou|ei|ado|ada|ando)",
    r"empaquei|empacou|emperr\w+",
    r"vermelh[oa]s?",
    r"quebrad[oa]s?",
    "quebrou",
    "sem sucesso",
    "avisos? de",
    r"n(?:ao|) (?:me |se |esta |ta |quer )?(?:funcion\w+|valid(?:a|ou|am)|vai|foi aceit\w|pass(?:a|ou)|deix(?:a|ou)|aceit\w+|consig\w+|consegu\w+|reconhec\w+|deu certo|da certo|salv(?:a|ou)|carreg\w+|respond\w+|entra|rol(?:a|ou)|sai do lugar|fica salv\w)",
    "nao ha jeito",
    "nao tem jeito",
    "nem a pau",
    "bugad[oa]",
    "bugou",
    # Spanish
    r"fall(?:a|an|o|aron|ado|ando|os)",
    r"error(?:es)?",
    r"rechaz\w+",
    r"caducad[oa]s?",
    r"atascad[oa]s?",
    r"atorad[oa]s?",
    "atasque",
    "rojo",
    "rot[oa]s?",
    "sin exito",
    r"no (?:me |se |lo |la |te |nos |quiere |esta )*(?:funcion\w+|valid(?:a|o|an)|pas(?:a|o)|dej(?:a|o)|acept\w+|pued[oe]|pude|podemos|pudimos|logr\w+|consig\w+|consegu\w+|reconoc\w+|sale|salio|hay manera|hay forma|carga|respond\w+|guarda|entra|arranca)",
    r"da (?:fallo|error)",
    "me echa para atras",
    "se cae",
    "se cayo",
    "se rompe",
    "se rompio",
)
TRIED = _any(
    r"tr(?:ied|ying|y to)",
    "attempt(?:ed|s)?",
    r"tent(?:ei|amos|ando|ou|o)",
    r"intent(?:e|amos|ando|o)",
    "trate de",
    "probe",
    "probamos",
)

# --- not said as a fact -------------------------------------------------------------------------

PLAN = {
    "en": _any(
        "will(?! not| n't)",
        "i'll",
        "we'll",
        "he'll",
        "she'll",
        "they'll",
        "gonna",
        r"going to",
        "tomorrow",
        "next (?:week|month|sprint|monday|tuesday|wednesday|thursday|friday)",
        r"plan(?:ning|s|ned)? (?:to|on|for)",
        "about to",
        "tonight",
        "this weekend",
        "on my list",
        r"intend(?:s|ing)? to",
        "later (?:today|this)",
        r"i'm (?:doing|adding|setting|creating|starting)\b.{0,40}\b(?:tomorrow|tonight|monday|tuesday|wednesday|thursday|friday|later|next)",
    ),
    "pt": _any(
        "vou",
        "vamos",
        "irei",
        "iremos",
        "vai (?:fazer|criar|ligar|ativar|configurar|colocar|instalar|mexer|cuidar|resolver|subir)",
        "amanha",
        r"semana que vem",
        "mes que vem",
        r"pretend(?:o|emos)",
        r"planej\w+",
        "daqui a pouco",
        "mais tarde",
        "no fim de semana",
        "esse fim de semana",
        "segunda que vem",
        r"\w{3,}(?:arei|erei|irei|aremos|eremos|iremos)",
        "hoje a noite",
        "ainda hoje",
        "depois eu",
    ),
    "es": _any(
        "voy a",
        "vamos a",
        "va a (?:hacer|poner|crear|activar|configurar|subir|instalar)",
        "manana",
        r"(?:la )?semana que viene",
        "el mes que viene",
        r"pens(?:aba|amos|o) (?:hacer|poner|en)",
        "pienso",
        "este fin de semana",
        "mas tarde",
        "esta noche",
        r"\w{3,}(?:are|ere|ire|aremos|eremos|iremos|ara|aran)(?<!para)(?<!clara)",
        "luego lo",
        "tengo previsto",
        "en cuanto",
    ),
}
CONDITION = {
    "en": re.compile(
        r"^(?:(?:and|but|or|so|then|well) )*(?:if|supposing|suppose|assuming|once|when|unless|until|whether|in case|should (?:i|we)|say i)\b"
        r"|\b(?:would (?:it|you|that|we|i|links|the)|i wonder|what if|even if|if (?:i|we|you|it|the))\b"
    ),
    "pt": re.compile(
        r"^(?:se|caso|quando|assim que|supondo|depois que|enquanto nao|ate)\b|\b(?:e se|mesmo se|caso eu|se eu|se a gente|se nos|quando eu|seria|daria|poderia)\b"
    ),
    "es": re.compile(
        r"^(?:si(?= \w)|cuando|en caso|suponiendo|una vez que|en cuanto|hasta que|a menos)\b(?!,)|\b(?:y si|aunque si|si yo|si nosotros|cuando (?:yo|lo|la)|seria|podria|haria)\b"
    ),
}
DUTY = _any(
    r"(?:need|needs|have|has|got|ought|supposed|required) to",
    "must",
    "should",
    "i need",
    "we need",
    r"needed",
    r"(?:tem|tenho|temos|tinha|teria|ter) (?:que|de)",
    r"dev(?:e|o|emos|eria|em|ia)",
    r"precis(?:o|a|amos|aria|am|ar)",
    "e preciso",
    "e necessario",
    r"hay que",
    r"(?:tengo|tiene|tenemos|tenia|tener) que",
    r"deb(?:o|e|emos|eria|en|ia)",
    r"necesit(?:o|a|amos|an)",
    "hace falta",
    "es necesario",
    "toca",
)
ASKING = re.compile(
    r"^(?:(?:ok|okay|so|and|but|well|e|y|pero|mas|bueno|bom|entao|entonces|oi|ola|hi|hello|hola|hey)[, ]+)*"
    r"(?:how|what|where|which|who|why|when|does|do (?:i|we|you)|did (?:i|we|you)|is (?:it|there|that|this|the)|are (?:there|you|we)|can|could|would|should|will|may|has (?:the|it|anyone)|have you"
    r"|como|o que(?! (?:eu |a gente |nos )?(?:fiz|fizemos|ja))|oq|que |qual|quais|onde|quem|por ?que|pq |quando|quanto|sera que|da pra|da para|posso|pode|podem|poderia|tem como|e possivel"
    r"|cual|cuales|donde|quien|cuando|cuanto|puedo|puede|pueden|podria|podrian|es posible|hay (?:que|alguna|algun|forma|manera)|se puede|sera)\b"
)
RETRACT = _any(
    "correction",
    "scratch that",
    "i was wrong",
    "i was mistaken",
    r"my (?:mistake|bad)",
    "sorry,? (?:no|wrong|i misspoke|that was)",
    "i take (?:that|it) back",
    "actually",
    "turns out",
    "wait",
    "i misspoke",
    "not true after all",
    "correcao",
    "corrigindo",
    "na verdade",
    "falei besteira",
    "me enganei",
    "enganei",
    "me confundi",
    "falei errado",
    "retiro o que disse",
    "pensando bem",
    "espera",
    "perai",
    "correccion",
    "me equivoque",
    "en realidad",
    "me confundi",
    "rectifico",
    "perdon",
    "la verdad es que",
    "resulta que",
    "ahora que lo miro",
)

# --- short answers ------------------------------------------------------------------------------

_LEAD = r"^(?:(?:ah|oh|h?m+|now|agora|ahora|well|ok|okay|bom|bueno|pues|oi|entao|so|and|e|y|that's a|it's a)[, ]+)*"
YES = re.compile(
    _LEAD
    + r"(?:yes+|yep|yeah|yup|ya|sure|correct|right|affirmative|aye|of course|absolutely|definitely|indeed|exactly|it (?:is|does|has)|they (?:are|do|have)|i (?:did|have|do)|we (?:did|have|do)|done"
    r"|sim+|isso|exato|exatamente|claro|foi|esta|ta|tenho|temos|fiz|fizemos|com certeza|positivo|certo|uhum|aham|s"
    r"|si+|exacto|asi es|efectivamente|por supuesto|correcto|listo|hecho|afirmativo)(?=$|[\s,.!:;])"
)
NO = re.compile(
    _LEAD + r"(?:no+|nope|nah|not (?:yet|really|at all)|never|negative|neither"
    r"|nao+|ainda nao|nunca|negativo|nem|que nada|n|todavia no|aun no|para nada|que va|tampoco)(?=$|[\s,.!:;])"
)
ALSO = _any(
    "too",
    "also",
    "as well",
    "same",
    "likewise",
    "ditto",
    "idem",
    "both",
    "tambem",
    "tb",
    "tbm",
    "igualmente",
    "mesma coisa",
    "tambien",
    "igual",
    "lo mismo",
    "that (?:one|too)",
    "this one",
)
SAME = _any("same", "likewise", "ditto", "idem", "igual", "igualmente", "mesma coisa", "lo mismo", "o mesmo")
PRONOUN = _any(
    "that",
    "it",
    "this",
    "those",
    "these",
    "them",
    "they",
    "that's",
    "it's",
    "one",
    "ones",
    "isso",
    "isto",
    "esse",
    "essa",
    "esses",
    "essas",
    "este",
    "esta parte",
    "ele",
    "ela",
    "eles",
    "eso",
    "esto",
    "ese",
    "esa",
    "esos",
    "esas",
    "lo",
    "la tengo",
    "ya esta",
    "ya lo",
    "los",
)

# --- amounts ------------------------------------------------------------------------------------

_STEPS = (
    r"(?:steps?|things?|points?|items?|parts?|requirements?|prerequisites?|bits|boxes|conditions|passos?|etapas?|itens|coisas|requisitos?|pontos?"
    r"|pasos?|puntos?|cosas|condiciones|apartados)"
)
_NUMBER = r"(?:two|three|four|five|six|2|3|4|5|6|dois|duas|tres|quatro|cinco|seis|dos|cuatro)"
ALL = re.compile(
    rf"(?<!\w)(?:all (?:the |of (?:the|them|it|those|these|your) ?)?(?:{_NUMBER}|{_STEPS}|done|set|good|of (?:it|them|that|this)|that|this)|every(?:thing| single (?:one|step)|\s{_STEPS})|the (?:whole|entire|full) (?:\w+ )?(?:thing|setup|guide|list|checklist|lot|procedure|process)"
    r"|(?:your|the) (?:whole|entire|full) (?:\w+)|it all|them all|whole (?:setup|guide|list|checklist)"
    rf"|tudo(?: (?:isso|o que))?|todos? (?:os|as) (?:{_NUMBER} ?)?(?:{_STEPS})?|(?:os|as) {_NUMBER}(?: {_STEPS})?|tod[oa]s(?: el[ea]s)?|o (?:guia|manual|passo a passo|processo|tutorial) (?:todo|inteiro|completo)|a lista (?:toda|inteira)"
    rf"|todo(?: (?:eso|lo que|esto|lo))?|tod[oa]s l[oa]s (?:{_NUMBER} ?)?(?:{_STEPS})?|l[oa]s {_NUMBER}(?: {_STEPS})?|la (?:guia|lista) (?:entera|completa)|toda la (?:guia|lista)|el proceso (?:entero|completo))(?!\w)"
)
BOTH = re.compile(
    r"(?<!\w)(?:both|(?:those|these|the|them) two|the two(?: of them| steps)?|amb[oa]s|os dois|as duas|esses dois|essas duas|l[oa]s dos|es[oa]s dos|est[oa]s dos)(?!\w)"
)
REST = re.compile(
    r"(?<!\w)(?:everything else|all (?:the )?(?:rest|else|others?)|the (?:rest|others?|other (?:two|three|four|ones?|steps|things|2|3))|todo o resto|o resto|o restante|(?:os|as) (?:outr[oa]s|demais)(?: \w+)?|tudo o mais"
    r"|todo lo demas|lo demas|el resto|l[oa]s (?:otr[oa]s|demas)(?: \w+)?)(?!\w)"
)
NONE = re.compile(
    r"(?<!\w)(?:none (?:of (?:it|them|that|those|these|the)|so far|yet)|nothing (?:at all|yet|so far|done|of (?:that|it))|not (?:a single|any|one) (?:\w+)|neither(?: of (?:them|those))?|haven't (?:started|done) (?:any|with any|anything)?"
    r"|(?:not|never|haven't|hasn't|didn't|don't have) (?:\w+ )?(?:done|started|begun|touched|do|did|have) (?:any|anything|one)(?: of (?:it|them|that|those|this|the \w+))?|nenhum(?:a)? (?:del[ea]s|disso|dos|das|desses)|nada (?:disso|ainda|feito|foi feito|esta (?:pronto|feito))|nao (?:fiz|fizemos|tenho|temos) nad(?:a|inha)(?: disso)?|nenhum(?:a)? (?:passo|etapa|item|requisito|coisa)s?|nao (?:fiz|fizemos|comecei) nada|nem um(?:a)? (?:del[ea]s)?"
    r"|ningun[oa]? (?:de (?:es[oa]s|est[oa]s|los pasos|las cosas)|paso|cosa|requisito)|ningun[oa]? (?:de (?:ell[oa]s|esos|los|las))|nada (?:de (?:eso|nada|todo eso)|todavia|aun|hecho)|no (?:he|hemos) (?:hecho|empezado) nada|no hice nada)(?!\w)"
)
AS_SAID = _any(
    "just (?:said|told you)", "already (?:said|told you|answered)", "ja (?:disse|falei|respondi)", "acabei de (?:dizer|falar)", "(?:ya|acabo de|te acabo de|le acabo de) (?:dije|decir|decirte|decirle|conte)",
    "as i (?:said|told|mentioned|wrote)",
    "like i said",
    "as (?:before|stated|mentioned)",
    "still (?:stands?|true|hold)",
    "unchanged",
    "como (?:eu )?(?:ja )?(?:disse|falei|mencionei|escrevi)",
    "conforme",
    "como (?:ya )?(?:dije|comente|mencione|conte|escribi)",
    "sigue(?:n)? igual",
    "continua(?:m)? (?:igual|valendo)",
)
UP_TO = re.compile(
    r"(?<!\w)(?:(?:up )?(?:to|until|till|through)|as far as|ate|hasta)(?: and including)?(?: (?:the|o|a|el|la))? (?:(?:step|point|item|part|passo|etapa|item|ponto|paso|punto)(?: (?:number|numero|no|n))? ?(?P<n>\d|one|two|three|four|five|um|dois|tres|quatro|cinco|uno|dos|cuatro)"
    r"|(?P<nth>first|second|third|fourth|primeir[oa]|segund[oa]|terceir[oa]|quart[oa]|primer[oa]?|tercer[oa]?|cuart[oa]) (?:step|point|item|part|passo|etapa|paso|punto))(?!\w)"
)
STEP_NUMBER = re.compile(
    r"(?<!\w)(?:(?:steps?|points?|items?|number|passos?|etapas?|itens|pontos?|pasos?|puntos?|numero|no\.?|#) ?(?P<n>(?:\d|one|two|three|four|five|um|dois|tres|quatro|cinco|uno|dos|cuatro)(?:(?:,| and| e| y| &|-| to| a) ?(?:\d|one|two|three|four|five|dois|tres|quatro|dos|cuatro))*)"
    r"|(?:the |o |a |el |la )?(?P<nth>first|second|third|fourth|fifth|last|primeir[oa]|segund[oa]|terceir[oa]|quart[oa]|ultim[oa]|primer[oa]?|tercer[oa]?|cuart[oa]) (?:one|step|point|item|thing|part|bit|passo|etapa|ponto|item|coisa|parte|paso|punto|cosa))(?!\w)"
)
FIRST_N = re.compile(
    r"(?<!\w)(?:the )?(?:first|os primeiros|as primeiras|os|l[oa]s primer[oa]s|l[oa]s)? ?(?P<n>two|three|four|2|3|4|dois|duas|tres|quatro|dos|cuatro) (?:first|primeir[oa]s|primer[oa]s)(?!\w)|(?<!\w)first (?P<m>two|three|four|2|3|4)(?!\w)|(?<!\w)(?:primeir[oa]s|primer[oa]s) (?P<k>dois|duas|dos|tres|quatro|cuatro|2|3|4)(?!\w)"
)
NUMBERS = {
    "one": 1,
    "um": 1,
    "uma": 1,
    "uno": 1,
    "first": 1,
    "primeiro": 1,
    "primeira": 1,
    "primer": 1,
    "primero": 1,
    "primera": 1,
    "two": 2,
    "dois": 2,
    "duas": 2,
    "dos": 2,
    "second": 2,
    "segundo": 2,
    "segunda": 2,
    "three": 3,
    "tres": 3,
    "third": 3,
    "terceiro": 3,
    "terceira": 3,
    "tercer": 3,
    "tercero": 3,
    "tercera": 3,
    "four": 4,
    "quatro": 4,
    "cuatro": 4,
    "fourth": 4,
    "quarto": 4,
    "quarta": 4,
    "cuarto": 4,
    "cuarta": 4,
    "five": 5,
    "cinco": 5,
    "fifth": 5,
    "six": 6,
    "seis": 6,
    "last": -1,
    "ultimo": -1,
    "ultima": -1,
}

# --- what a machine printed ---------------------------------------------------------------------

SHOWN_FAIL = re.compile(
    r"nxdomain|can't find|not found|found none|no such|servfail|verify error|verification (?:error|failed)|return code: [1-9]\d*|handshake fail|ssl_error|err_\w+"
    r"|(?<!no )\berrors?\b(?!: 0|s: 0|: none)|invalid|expired|unable to|failed|failure|denied|refused|timed? ?out|unauthorized|forbidden|self[- ]signed|mismatch|http/\d(?:\.\d)? [45]\d\d"
    r"|status: (?:failed|pending|error|inactive|disabled|missing)|does not (?:match|have|exist)|no answer|answer: 0|erro\b|falh|invalid[oa]|rechazad|caducad|expirad|fallo"
)
SHOWN_DONE = re.compile(
    r"return code: 0|verify ok|verify return:1|\bin\s+(?:cname|txt|a|aaaa|mx)\s+\S|canonical name|http/\d(?:\.\d)? [23]\d\d|status: (?:ok|active|valid|verified|success|enabled|noerror, answer: [1-9])|:\s*(?:true|enabled|on|active|verified|validated|ok|yes|success|passed)\b|\bsuccess(?:ful|fully)?\b|\bvalid(?:ated|ado|ada)?\b"
)
SHOWN_OPEN = re.compile(
    r":\s*(?:false|disabled|off|no|none|null|inactive|not set|empty|0)\b|\b(?:disabled|not configured|desativado|desactivado|inactivo|inativo)\b"
)

PERSON = re.compile(
    r"(?<!\w)(?:(?:talk|speak|chat|connect|transfer|pass|put|escalate|get|give|want|need|prefer|reach|call)\b.{0,40}\b(?:human|person|people|real (?:agent|person|human)|live (?:agent|person|support)|representative|supervisor|manager|operator|agent|somebody real|someone real|human being|actual (?:person|human))"
    r"|(?:not|no more) (?:a |another )?(?:bot|robot|machine)s?|(?:real|actual|human) (?:person|being|agent)|call me"
    r"|(?:falar|conversar|passa\w*|transfer\w+|chama\w*|atendid[oa]|quero|preciso)\b.{0,40}\b(?:atendente|humano|humana|pessoa|gente de verdade|supervisor|gerente|responsavel|alguem de verdade|alguem da equipe|operador)|alguem humano|atendimento humano|nao quero (?:falar com )?(?:robo|bot|maquina)"
    r"|(?:hablar|pasa\w*|pongame|comuni\w+|transfier\w+|atiend\w+|quiero|necesito|paseme)\b.{0,40}\b(?:persona|humano|humana|agente|alguien real|operador|operadora|supervisor|encargado|asesor|responsable)|no quiero (?:hablar con )?(?:un |mas )?(?:bot|robot|maquina)s?|persona de verdad|ser humano)(?!\w)"
)
