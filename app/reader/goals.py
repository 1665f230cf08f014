"""What the customer wants of us: the outcome, a way, a person; and what makes us careful."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from app.models import Danger, Message, Speech
from app.reader import words
from app.reader.claims import Heard
from app.reader.text import Sentence


def _any(*parts: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)(?:" + "|".join(parts) + r")(?!\w)")


WANT = _any(
    "please",
    "pls",
    "plz",
    "can (?:you|u|we|somebody|someone)",
    "could (?:you|we|somebody|someone|this|it)",
    "would you",
    "i want",
    "we want",
    "want(?:ed|ing)? (?:to|this|it|that)?",
    "need",
    "i'd like",
    "we'd like",
    "would like",
    "trying to",
    "goal",
    "request(?:ing)?",
    "looking to",
    "hoping to",
    "flip it",
    "the switch",
    "is there any way to",
    "when (?:will|does|can)",
    "should be",
    "quero",
    "queremos",
    "queria",
    "gostaria",
    "gostariamos",
    "precis(?:o|amos)",
    "pode(?:m|ria|riam)?",
    "solicit(?:o|amos)",
    "por favor",
    "pfv",
    "pf",
    "da pra",
    "da para",
    "tem como",
    "peco",
    "fico no aguardo",
    "falta (?:so )?voces",
    "tem que",
    "quier(?:o|en)",
    "queremos",
    "quisiera",
    "necesit(?:o|amos)",
    "puede[ns]?",
    "podria[ns]?",
    "solicit(?:o|amos)",
    "se puede",
    "me gustaria",
    "falta que",
)
HOLD = _any(
    r"(?:nothing|no need) to (?:change|do|enable|switch)(?: \w+)? (?:for now|yet)",
    "not for now",
    "just (?:curious|asking|a question|wondering|want to (?:know|understand))",
    "only asking",
    "out of curiosity",
    "weighing(?: up)?",
    "(?:still )?(?:deciding|considering) (?:whether|if)",
    "before (?:we|i) decide",
    "(?:do not|don't) (?:enable|turn|switch|change|activate|touch|do) \\w+ ?(?:it )?(?:on )?(?:yet|for now)",
    "forget (?:it|about it|my request)",
    "never ?mind",
    "no longer (?:need|want)",
    "(?:cancel|withdraw|drop) (?:my|the|that|this) request",
    "changed (?:my|our) minds?",
    "not asking (?:you )?to (?:enable|turn|switch|change)",
    "so (?:uma )?(?:duvida|curiosidade|pergunta)",
    "por enquanto nao",
    "por curiosidade",
    "ainda nao (?:quero|queremos|vamos)",
    "nao (?:quero|precisa|precisam) (?:mudar|ligar|ativar|mexer|fazer)(?: \\w+)?(?: (?:por enquanto|agora|ainda))?",
    "desist(?:i|imos)",
    "deixa (?:pra la|quieto)",
    "estamos (?:avaliando|pensando|decidindo)",
    "mudei de ideia",
    "mudamos de ideia",
    "esquece",
    "por ahora no",
    "de momento no",
    "solo (?:una )?(?:duda|pregunta|curiosidad)",
    "(?:solo )?por curiosidad",
    "estamos (?:valorando|pensando|evaluando|decidiendo)",
    "ya no (?:hace falta|lo necesit\\w+|quer\\w+)",
    "olvidalo",
    "dejalo",
    "cambie de idea",
    "no (?:lo )?(?:activen|cambien|toquen)",
    "sin cambiar nada",
)
HOW = re.compile(
    r"(?<!\w)(?:how (?:do|can|should|would|to|does one)|what (?:do|does|else do|must|should) (?:i|we|you)(?: still)? (?:need|have to|want|do)|what(?:'s| is| am i) (?:missing|left|next)|where (?:do|can|is|are)|which steps|walk me through|show me how|what else"
    r"|como (?:(?:eu|e que|se|a gente|que eu) )*(?:fac\w+|fazer|faz|ligo|ativo|configuro|crio|coloco|ponho|mudo|seguimos|comec\w+|proced\w+|consigo|posso|hago|hacer|hace|activo|creo|pongo|cambio|puedo|se \w+|seguimos)|onde (?:clic\w+|fica|eu|encontro|acho|esta)|o que (?:(?:mais|eu|falta|preciso|tenho|e) ?)+|passo a passo|me (?:fala|explica|ensina|mostra)"
    r"|donde (?:esta|encuentro|se|lo|puedo|hago)|que (?:mas )?(?:necesito|hace falta|falta|tengo que|debo|hay que)|me explic\w+|paso a paso)(?!\w)"
)
DANGERS: dict[Danger, re.Pattern[str]] = {
    "security": _any(
        "hacked",
        "hackead[oa]",
        "hackearon",
        "invadi(?:ram|u|d[oa])",
        "stolen (?:password|account|access|keys?|token|laptop)",
        "(?:account|password|key|token|credentials?)s? (?:was|were|has been|have been|got|is) (?:stolen|leaked|compromised|exposed|hijacked)",
        "compromised",
        "breach(?:ed)?",
        "phishing",
        "someone (?:else )?(?:logged|got|broke|is logged|has access|changed)",
        "not me who",
        "vazou",
        "vazaram",
        "vazamento",
        "roub(?:aram|ada|ado) (?:a |minha |meu )?(?:senha|conta|acesso|chave)",
        "alguem (?:entrou|acessou|invadiu|mudou)",
        "me robaron",
        "alguien (?:entro|accedio|cambio|se metio)",
        "contrasena robada",
        "robo de (?:cuenta|credenciales)",
        "filtra(?:ron|do|cion)",
        "unauthori[sz]ed (?:access|login)",
        "acesso (?:nao autorizado|indevido)",
        "acceso no autorizado",
    ),
    "fraud": _any(
        "fraud(?:ulent)?",
        "scam(?:med|mers?)?",
        "fraude",
        "golpe",
        "golpista",
        "estafa(?:ron|dor)?",
        "impersonat\\w+",
        "se passando por",
        "haciendose pasar",
        "fake invoice",
        "boleto falso",
    ),
    "legal": _any(
        "lawyers?",
        "attorney",
        "sue",
        "suing",
        "lawsuit",
        "legal action",
        "court",
        "small claims",
        "advogad[oa]s?",
        "process(?:ar|o judicial)",
        "justica",
        "procon",
        "abogad[oa]s?",
        "demanda(?:r|remos|re)",
        "juicio",
        "tribunal(?:es)?",
        "acciones legales",
        "denuncia(?:r|re|remos)?",
        "subpoena",
        "regulator",
    ),
    "harm": _any(
        "kill (?:myself|me)",
        "suicid\\w+",
        "hurt (?:myself|someone)",
        "end my life",
        "self[- ]harm",
        "me matar",
        "tirar (?:a )?minha (?:propria )?vida",
        "matarme",
        "quitarme la vida",
        "i'll (?:hurt|kill)",
        "bomb",
        "me machucar",
        "hacerme dano",
        "no quiero (?:vivir|seguir viviendo)",
        "nao quero mais viver",
        "threaten(?:ed|ing)? (?:me|us)",
        "in danger",
    ),
    "billing_dispute": _any(
        "charge ?back",
        "disput(?:e|ing|ed) (?:the|this|a|that|it|these)?(?: \\w+)? ?(?:charge|payment|invoice|bill)?s?",
        "charged (?:me |us )?(?:twice|two times|double|again|wrongly|for nothing)",
        "double[- ]charged?",
        "overcharged",
        "refund",
        "wrong(?:ly)? (?:billed|charged)",
        "money back",
        "cobra(?:ram|do|da|nca)\\b.{0,25}\\b(?:duas vezes|em dobro|indevid\\w+|duplicad\\w+|errad\\w+)",
        "cobranca indevida",
        "estorn\\w+",
        "reembols\\w+",
        "me cobra(?:ron|n)\\b.{0,25}\\b(?:dos veces|doble|de mas|duplicad\\w+)",
        "cobro (?:indebido|duplicado)",
        "devolucion del? (?:dinero|cobro)",
        "contesta(?:r|ndo) (?:a )?cobranca",
    ),
}
SKIP = re.compile(
    r"(?<!\w)(?:(?:skip|bypass|ignore|waive|forget|drop|override|disregard)\b.{0,40}\b(?:checks?|verifications?|validations?|tests?|requirements?|steps?|rules?|instructions?)"
    r"|(?:without|no) (?:any |further |more |the |running |doing )*(?:checks?|checking|verif\w+|validat\w+)|(?:mark|treat|consider|set) (?:\w+ ){1,5}(?:as )?(?:verified|approved|met|passed|done|complete)"
    r"|(?:pul[ae]\w*|ignor[ae]\w*|dispens\w+|esquec\w+|passa por cima|deixa de lado)\b.{0,40}\b(?:verifica\w+|checage\w+|valida\w+|conferencia|teste|etapa|requisitos?|regras?|instruc\w+)|sem (?:verificar|checar|conferir|validar|verificacao|checagem|validacao)"
    r"|(?:salt\w+|omit\w+|ignor\w+|olvid\w+|pas\w+ por alto)\b.{0,40}\b(?:comprobacion\w*|verificacion\w*|validacion\w*|chequeo\w*|control\w*|revision\w*|requisitos?|reglas?|instrucc\w+)|sin (?:comprobar|verificar|revisar|validar|mas comprobaciones|comprobaciones|verificacion))(?!\w)"
)
FORGED_ORDER = re.compile(
    r"^\W*(?:system|sistema|admin(?:istrator|istrador)?|developer|supervisor note|assistant)\s*(?:message|note|override|prompt|mensagem|mensaje)?\s*[:\]>]|ignore (?:all |any |your |the )*(?:previous|prior|above) (?:instructions|rules)|<\|?/?system|\[system\]|all (?:checks|prerequisites|requirements) (?:are |have been )?(?:verified|passed|approved|met)\W*(?:proceed|execute|enable|run|$)"
)
OTHER = re.compile(
    r"(?<!\w)(?:(?:my|a|our) (?:friend|client|neighbou?r|sister|brother|cousin|ex|competitor|customer|boss|mother|father|husband|wife)(?:'s|s') (?:account|domain|workspace|shop|site|company)|(?:not|isn't) (?:my|our) (?:own )?account|(?:someone|somebody) else's|(?:another|other|different) (?:company|customer|person|account)(?:'s)? (?:account)?|on behalf of (?:a|my|our|another)|(?:his|her|their) account|belongs to (?:a|my|someone|another)"
    r"|conta d(?:e|a|o) (?:um|uma|minha|meu|outr\w+|amig\w+|client\w+)|(?:de|da|do) (?:um|uma|minha|meu) (?:amig[oa]|cliente|irma|irmao|vizinh[oa]|concorrente|prim[oa]|chefe|mae|pai)|conta del[ea]s?|outra conta|nao e (?:a )?minha conta|conta de outra"
    r"|cuenta de (?:mi|un|una|otr\w+|nuestr\w+)|de (?:un|una|mi) (?:amig[oa]|cliente|herman[oa]|vecin[oa]|prim[oa]|competidor|jef[ea])|otra cuenta|no es mi cuenta|su cuenta)(?!\w)"
)
AGAIN = re.compile(
    r"(?<!\w)(?:(?:send|show|share|post|paste|explain|repeat|resend|tell)\b.{0,40}\b(?:again|once more|another time|one more time)|resend|repeat (?:that|it|the)|lost the (?:link|page|article|instructions)"
    r"|(?:mand\w+|envi\w+|mostr\w+|explic\w+|repet\w+|pass\w+)\b.{0,40}\b(?:de novo|novamente|outra vez|mais uma vez)|reenvi\w+ (?:o|a|as|os) (?:link|artigo|passo\w*|instruc\w+|pagina)|perdi o (?:link|artigo)"
    r"|(?:mand\w+|envi\w+|muestr\w+|mostr\w+|explic\w+|repet\w+|repit\w+|pas\w+)\b.{0,40}\b(?:otra vez|de nuevo|nuevamente|una vez mas)|perdi el (?:enlace|articulo))(?!\w)"
)
AGAIN_COMPLAINT = re.compile(
    r"\b(?:stop|don't|do not|why|three times|twice|already|nao me|para de|pare|chega|no me|dejen|tres veces|dos veces|otra vez el|de novo o)\b"
)
PROPOSES = re.compile(
    r"\b(?:shall i|should i|shall we|do you want (?:me|us)|would you like (?:me|us)|may i|confirm|can i go ahead|ready for (?:me|us) to|posso|podemos|quer que|querem que|deseja que|confirma\w*|devo|puedo|quiere[ns]? que|quieres que|desea que|confirm\w+)\b"
)
CONFIRM = re.compile(
    words._LEAD
    + r"(?:yes+|yep|yeah|yup|sure|ok(?:ay)?|go ahead|please do|do it|confirm(?:ed|o|ado)?|i confirm|approved?|sounds good|go for it|absolutely|of course|correct"
    r"|sim+|pode(?: sim| ligar| fazer| ir)?|isso|manda ver|claro|com certeza|por favor|faz|faca|autorizo|positivo|blz|beleza|bora"
    r"|si+|adelante|dale|claro|por supuesto|hazlo|haganlo|de acuerdo|vale|autorizo|procedan|procede)(?=$|[\s,.!:;])"
)
THANKS = _any(
    "thanks",
    "thank you",
    "thx",
    "ty",
    "cheers",
    "obrigad[oa]",
    "valeu",
    "brigad[oa]",
    "agradec\\w+",
    "gracias",
    "mil gracias",
)
GREETING = re.compile(
    r"^\W*(?:(?:hi+|hello|hey|hiya|good (?:morning|afternoon|evening)|morning|oi+|ola|bom dia|boa (?:tarde|noite)|e ai|opa|hola|buen(?:os|as)? ?(?:dias|tardes|noches)?|buenas|que tal|tudo bem|como (?:vai|estas?))(?:[ ,!.?]+(?:there|all|team|pessoal|gente|a todos|equipo|everyone|tudo bem|de novo|again))*[\s,!.?]*)+$"
)
CLOSED = _any(
    "(?:is|it's|all|now) (?:solved|sorted|fixed|resolved)",
    "works now",
    "case closed",
    "assunto encerrado",
    "resolvid[oa]",
    "tudo certo agora",
    "funcionou",
    "esta saindo",
    "solucionad[oa]",
    "asunto cerrado",
    "ya funciona",
    "all good now",
    "that's (?:done|sorted|all good)",
)
SWITCH = _any(
    "another (?:question|thing|matter|topic)",
    "(?:something|anything) (?:else|different)",
    "different (?:question|topic|matter)",
    "unrelated",
    "nothing to do with",
    "new (?:question|topic)",
    "by the way",
    "changing (?:the )?subject",
    "outra (?:duvida|coisa|pergunta|questao)",
    "outro assunto",
    "nada a ver",
    "mudando de assunto",
    "aproveitando",
    "otra (?:duda|cosa|pregunta|consulta)",
    "otro tema",
    "nada que ver",
    "cambiando de tema",
    "aprovecho",
    "por cierto",
)


CUES = ("question", "asking", "want", "how", "hold", "person", "danger", "skip", "other", "again", "thanks", "greeting", "en", "pt", "es")


def cues(text: str, folded: str, lang: str) -> list[float]:
    """The general words of a sentence as numbers, columns as in `CUES`."""
    flags = (
        "?" in text, words.ASKING.match(folded), WANT.search(folded), HOW.search(folded), HOLD.search(folded), words.PERSON.search(folded),
        any(pattern.search(folded) for pattern in DANGERS.values()), SKIP.search(folded) or FORGED_ORDER.search(folded),
        OTHER.search(folded), AGAIN.search(folded), THANKS.search(folded), GREETING.match(folded), lang == "en", lang == "pt", lang == "es",
    )  # fmt: skip
    return [float(bool(flag)) for flag in flags]


class Goals(NamedTuple):
    speech: Speech
    wants_outcome: bool
    asks_how: bool
    wants_person: bool
    danger: Danger | None
    skips_checks: bool
    for_other: bool
    asks_again: bool
    confirms: bool


def goals_of(heard: Sequence[Heard], about: dict[tuple[str, int], float]) -> Goals:
    """`about`: message id and place of a sentence -> how much it is about the procedure."""
    customer = [one for one in heard if one.message.role == "customer"]
    all_sentences = [(one, sentence) for one in customer for sentence in one.parted.sentences]
    folded = [sentence.piece.folded for _, sentence in all_sentences]
    last = _last_turn(heard)
    recent = [sentence for one in last for sentence in one.parted.sentences]
    return Goals(
        speech=_speech(recent),
        wants_outcome=_wants_outcome(all_sentences, about),
        asks_how=any(HOW.search(text) for text in folded),
        wants_person=any(words.PERSON.search(text) for text in folded),
        danger=_danger(folded),
        skips_checks=any(SKIP.search(text) or FORGED_ORDER.search(text) for text in folded),
        for_other=any(OTHER.search(text) for text in folded),
        asks_again=any(
            AGAIN.search(s.piece.folded) and not AGAIN_COMPLAINT.search(s.piece.folded) for s in recent
        ),
        confirms=_confirms(heard, recent),
    )


def _last_turn(heard: Sequence[Heard]) -> list[Heard]:
    """The customer's messages since we last spoke."""
    result: list[Heard] = []
    for one in reversed(heard):
        if one.message.role != "customer":
            break
        result.insert(0, one)
    return result


def is_request(sentence: Sentence) -> bool:
    folded = sentence.piece.folded
    return bool(WANT.search(folded))


def _wants_outcome(sentences: Sequence[tuple[Heard, Sentence]], about: dict[tuple[str, int], float]) -> bool:
    wanted = False
    for one, sentence in sentences:
        folded = sentence.piece.folded
        if HOLD.search(folded):
            wanted = False
        elif (
            is_request(sentence)
            or HOW.search(folded)
            or about.get((one.message.id, sentence.piece.start), 0) > 0.5
        ):
            held = any(HOLD.search(other.piece.folded) for other in one.parted.sentences)
            wanted = wanted or not held
    return wanted


def _danger(folded: Sequence[str]) -> Danger | None:
    for text in folded:
        for danger, pattern in DANGERS.items():
            if pattern.search(text):
                return danger
    return None


def _confirms(heard: Sequence[Heard], recent: Sequence[Sentence]) -> bool:
    ours = [one for one in heard if one.message.role != "customer"]
    if not ours or not recent or heard[-1].message.role != "customer":
        return False
    proposed = any(PROPOSES.search(s.piece.folded) for s in ours[-1].parted.sentences)
    return (
        proposed
        and bool(CONFIRM.match(recent[0].piece.folded))
        and not words.NO.match(recent[0].piece.folded)
    )


def _speech(recent: Sequence[Sentence]) -> Speech:
    if not recent:
        return "report"
    asked = any(s.question or words.ASKING.match(s.piece.folded) for s in recent)
    wanted = any(is_request(s) for s in recent)
    text = " ".join(s.piece.folded for s in recent)
    if not asked and not wanted and THANKS.search(text) and len(text.split()) <= 14:
        return "thanks"
    if all(GREETING.match(s.piece.folded) for s in recent):
        return "greeting"
    if wanted:
        return "request"
    return "question" if asked else "report"


def customer_messages(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if message.role == "customer"]
