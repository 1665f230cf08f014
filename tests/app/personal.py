"""Made-up personal data and secrets with right check digits, in sentences of three languages."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

Make = Callable[[random.Random], str]


def _digits(rng: random.Random, count: int) -> list[int]:
    return [rng.randrange(10) for _ in range(count)]


def _joined(digits: list[int]) -> str:
    return "".join(map(str, digits))


def email(rng: random.Random) -> str:
    name = rng.choice(("ana.souza", "joao_lima", "maria+shop", "j.p-garcia", "kim", "o'neil99"))
    return (
        f"{name}{rng.randrange(1000)}@{rng.choice(('gmail.com', 'acme.example', 'loja.com.br', 'correo.es'))}"
    )


def card(rng: random.Random) -> str:
    length, prefix = rng.choice(((16, "4"), (16, "52"), (15, "37"), (16, "6011"), (16, "2221"), (16, "5067")))
    body = [int(c) for c in prefix] + _digits(rng, length - 1 - len(prefix))
    total = sum(d if n % 2 else sum(divmod(2 * d, 10)) for n, d in enumerate(reversed(body)))
    text = _joined([*body, -total % 10])
    if rng.random() < 0.5:
        return text
    sep = rng.choice(" -")
    cuts = (4, 10) if length == 15 else (4, 8, 12)
    return sep.join(text[a:b] for a, b in zip((0, *cuts), (*cuts, length), strict=True))


def cpf(rng: random.Random) -> str:
    digits = [*_digits(rng, 8), rng.randrange(9) + 1]
    for n in (9, 10):
        rest = sum(d * (n + 1 - at) for at, d in enumerate(digits)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    text = _joined(digits)
    return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}" if rng.random() < 0.6 else text


def cnpj(rng: random.Random) -> str:
    letters = string.digits + (string.ascii_uppercase if rng.random() < 0.5 else "")
    kept = "".join(rng.choice(letters) for _ in range(8)) + "0001"
    for _ in range(2):
        weights = [2 + n % 8 for n in range(len(kept))]
        rest = sum((ord(c) - 48) * w for c, w in zip(reversed(kept), weights, strict=True)) % 11
        kept += str(0 if rest < 2 else 11 - rest)
    if rng.random() < 0.6:
        return f"{kept[:2]}.{kept[2:5]}.{kept[5:8]}/{kept[8:12]}-{kept[12:]}"
    return kept


def nif_pt(rng: random.Random) -> str:
    digits = [rng.choice((1, 2, 3, 5, 6)), *_digits(rng, 7)]
    rest = sum(d * (9 - n) for n, d in enumerate(digits)) % 11
    text = _joined([*digits, 0 if rest < 2 else 11 - rest])
    return f"{text[:3]} {text[3:6]} {text[6:]}" if rng.random() < 0.4 else text


def dni(rng: random.Random) -> str:
    first = rng.choice(("", "", "X", "Y", "Z"))
    number = _joined(_digits(rng, 7 if first else 8))
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[int(f"{'XYZ'.index(first) if first else ''}{number}") % 23]
    return f"{first}{number}{rng.choice(('', '-'))}{letter}"


def iban(rng: random.Random) -> str:
    country, length = rng.choice((("PT", 25), ("ES", 24), ("BR", 29), ("DE", 22), ("FR", 27), ("GB", 22)))
    body = _joined(_digits(rng, length - 4))
    if country == "GB":
        body = "NWBK" + body[4:]
    plain = "".join(str(int(c, 36)) for c in f"{body}{country}00")
    text = f"{country}{98 - int(plain) % 97:02}{body}"
    return " ".join(text[n : n + 4] for n in range(0, length, 4)) if rng.random() < 0.5 else text


def phone(rng: random.Random) -> str:
    d = _joined(_digits(rng, 8))
    return rng.choice(
        (
            f"+55 11 9{d[:4]}-{d[4:]}",
            f"+55119{d}",
            f"(11) 9{d[:4]}-{d[4:]}",
            f"21 9{d[:4]}-{d[4:]}",
            f"+351 91{d[0]} {d[1:4]} {d[4:7]}",
            f"91{d[0]} {d[1:4]} {d[4:7]}",
            f"+34 6{d[:2]} {d[2:5]} {d[5:8]}",
            f"6{d[:2]} {d[2:4]} {d[4:6]} {d[6:8]}",
            f"+1 (415) 55{d[0]}-{d[1:5]}",
            f"(415) 55{d[0]}-{d[1:5]}",
            f"415-55{d[0]}-{d[1:5]}",
            f"00351 91{d[0]} {d[1:4]} {d[4:7]}",
            f"+44 20 7{d[:3]} {d[3:7]}",
        )
    )


def secret(rng: random.Random) -> str:
    def some(count: int, letters: str = string.ascii_letters + string.digits) -> str:
        return "".join(rng.choice(letters) for _ in range(count))

    return rng.choice(
        (
            f"sk-proj-{some(40)}",
            f"sk_live_{some(24)}",
            f"AKIA{some(16, string.ascii_uppercase + string.digits)}",
            f"ghp_{some(36)}",
            f"xoxb-{some(12, string.digits)}-{some(24)}",
            f"SG.{some(22)}.{some(43)}",
            f"key-{some(32, '0123456789abcdef')}",
            f"eyJ{some(20)}.eyJ{some(40)}.{some(43)}",
            f"-----BEGIN PRIVATE KEY-----\n{some(64)}\n{some(64)}\n-----END PRIVATE KEY-----",
            f"AIza{some(35)}",
            f"glpat-{some(20)}",
        )
    )


KINDS: dict[str, Make] = {
    "email": email,
    "phone": phone,
    "card": card,
    "cpf": cpf,
    "cnpj": cnpj,
    "nif_pt": nif_pt,
    "nif_es": dni,
    "iban": iban,
    "secret": secret,
}
SENTENCES: dict[str, tuple[str, ...]] = {
    "email": (
        "Write to {}, please.",
        "My address is {} and it bounces.",
        "Meu e-mail é {}.",
        "Escríbeme a {} por favor",
    ),
    "phone": ("Call me at {}.", "My number is {}, thanks", "Meu telefone é {}.", "Mi móvil: {} (tardes)"),
    "card": ("I paid with {} yesterday.", "Paguei com o cartão {}.", "Mi tarjeta es {}, ¿la veis?"),
    "cpf": ("My CPF is {}.", "CPF {} no cadastro", "Mi CPF: {}"),
    "cnpj": ("Our company is {}.", "O CNPJ é {}, da loja.", "El CNPJ es {}"),
    "nif_pt": ("Our NIF is {}.", "O meu NIF: {}", "Contribuinte {}, por favor.", "El NIF portugués es {}."),
    "nif_es": ("My DNI is {}.", "O meu NIE é {}.", "DNI {} a nombre de la empresa"),
    "iban": ("Refund to {} please.", "Devolvam para o IBAN {}.", "Mi cuenta es {}, gracias"),
    "secret": ("It fails with {} in the header.", "Uso a chave {}", "Mi clave es {} y falla"),
}


def sentences(count: int, seed: int) -> list[tuple[str, str, str]]:
    """(kind, value, a sentence with it), evenly over the kinds."""
    rng = random.Random(seed)
    made = []
    for n in range(count):
        kind = list(KINDS)[n % len(KINDS)]
        value = KINDS[kind](rng)
        made.append((kind, value, rng.choice(SENTENCES[kind]).format(value)))
    return made
