"""Slot values in both languages: lists in `values.txt`, and numbers, dates and codes made up on the spot.

A word may also be invented, so that a network has to copy what it reads instead of recalling what it has
seen.
"""

import random
from pathlib import Path

HERE = Path(__file__).parent
SYLLABLE = ("onset", "vowel", "coda")
INVENTED = {"city": 0.5, "product": 0.25, "song": 0.4, "shop": 0.4, "dish": 0.25, "thing": 0.2}
"""Share of values that are made up, so that a network has to read them."""
ENDINGS = {
    "city": ("市", "县", "镇", "州", ""),
    "product": ("", "机", "器"),
    "song": ("",),
    "shop": ("店", ""),
    "dish": ("饭", "汤", ""),
    "thing": ("", "机", "器", "架", "盒", "套"),
}
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def _read() -> dict[str, list[str]]:
    """Read every `values*.txt`: a line `name: a|b|c` each; a name may come again and adds."""
    lists: dict[str, list[str]] = {}
    texts = (path.read_text(encoding="utf-8") for path in sorted(HERE.glob("values*.txt")))
    for line in "\n".join(texts).splitlines():
        if line and not line.startswith("#"):
            name, values = line.split(": ", 1)
            lists.setdefault(name, []).extend(values.split("|"))
    return lists


LISTS = _read()
SURNAMES, GIVEN = LISTS["surname.zh"][0], LISTS["given.zh"][0]


def word(rng: random.Random) -> str:
    """Invent a capitalised word."""
    parts = ("".join(rng.choice(LISTS[part]) for part in SYLLABLE) for _ in range(rng.choice((1, 2, 2, 2, 3))))
    return "".join(parts).capitalize()


def hanzi(rng: random.Random, count: int) -> str:
    """Return *count* characters in a row that mean nothing: of the 3,755 usual ones (GB 2312, first level)."""
    codes = (bytes((rng.randint(0xB0, 0xD6), rng.randint(0xA1, 0xFE))) for _ in range(count))
    return "".join(code.decode("gb2312") for code in codes)


def _code(rng: random.Random) -> str:
    """Return an order number as shops write them."""
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(4, 8)))
    letters = "".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 3)))
    if rng.random() < 0.4:
        return _odd_code(rng, letters)
    return rng.choice(
        [digits, digits, "#" + digits, letters + digits, f"{letters}-{digits}", f"ORD-{digits}", "A" + digits]
    )


def _odd_code(rng: random.Random, letters: str) -> str:
    """Return a code of two or three groups, or with letters in its middle: not as the held-out ones are."""
    short, longer = str(rng.randint(10, 99)), str(rng.randint(100, 99999))
    return rng.choice(
        [
            f"{longer}-{short}",
            f"{longer}-{letters}",
            f"{short}{letters}{longer}",
            f"{longer}{letters}",
            f"{letters[0]}{short}-{longer}",
            f"{letters}/{longer}",
            f"{longer}{letters[0]}{rng.randint(1, 9)}",
            f"{letters[0]}{longer}-{short}{rng.randint(1, 99)}",
            f"{longer}-{letters[0]}-{longer[::-1]}",
            f"{longer[:4]}-{(letters + 'XQZ')[:3]}-{short}{longer[-2:]}",
            f"{short}-{letters}-{short[::-1]}",
        ]
    )


def _day(rng: random.Random, language: str) -> str:
    """Return a day of the calendar, with a year or without: never after the 28th nor after 2028."""
    year, month, day = rng.randint(2023, 2028), rng.randint(1, 12), rng.randint(1, 28)
    iso = f"{year}-{month:02}-{day:02}"
    if language == "zh":
        bare = f"{month}月{day}日"
        return rng.choice([bare, f"{month}月{day}号", f"{year}年{bare}", f"{year}年{bare}", iso])
    name = LISTS["month"][month - 1]
    forms = [f"{name} {day}", f"{day} {name}", f"{day} {name} {year}", f"{name} {day}, {year}", iso]
    return rng.choice([*forms, f"{rng.choice(LISTS['weekday.en'])}, {day} {name}"])


def _price(rng: random.Random, language: str) -> str:
    """Return a sum of money with its currency."""
    amount = _amount(rng) if rng.random() < 0.9 else f"{rng.randint(1, 99)},{rng.randint(100, 999)}"
    if language == "zh":
        return rng.choice([f"{amount}元", f"{amount}元", f"{amount}块", f"¥{amount}", f"{amount}欧元"])
    return rng.choice(
        [f"${amount}", f"{amount} euros", f"£{amount}", f"{amount} dollars", f"€{amount}", f"{amount} USD"]
    )


def _phone(rng: random.Random, language: str) -> str:
    """Return a telephone number in one of many forms."""
    four, three, two = rng.randint(1000, 9999), rng.randint(200, 999), rng.randint(10, 99)
    more, last = rng.randint(200, 999), rng.randint(10, 99)
    if language == "zh":
        mobile = f"1{rng.randint(30, 99)}{rng.randint(10000000, 99999999)}"
        return rng.choice(
            [mobile, mobile, f"400-{three}-{four}", f"0{two}-{four}{more}{last % 10}", f"0{three}-{more}{four}"]
        )
    return rng.choice(
        [
            f"555-{four}",
            f"555-{four}",
            f"({three}) 555-{four}",
            f"+{two} {three} {four}",
            f"{three}-{more}-{four}",
            f"0{three}/{four}{last}",
            f"+{two} {last} {three} {four % 90 + 10}",
            f"0800 {four}",
        ]
    )


def _street(rng: random.Random, language: str) -> str:
    """Return a street, one in two of them invented."""
    if language == "zh":
        name = hanzi(rng, 2) + rng.choice("路街巷") if rng.random() < 0.5 else rng.choice(LISTS["street.zh"])
        return rng.choice([name, f"{name}{rng.randint(1, 299)}号"])
    invented = f"{word(rng)} {rng.choice(['Street', 'Road', 'Lane', 'Square', 'Alley'])}"
    name = invented if rng.random() < 0.5 else rng.choice(LISTS["street.en"])
    return rng.choice([name, f"{rng.randint(1, 199)} {name}"])


def _date(rng: random.Random, language: str) -> str:
    """Return a date, absolute or relative."""
    return rng.choice(LISTS["when." + language]) if rng.random() < 0.4 else _day(rng, language)


def _time(rng: random.Random, language: str) -> str:
    """Return a time of day."""
    hour = rng.randint(1, 12)
    if rng.random() < 0.3:
        return f"{rng.randint(6, 23)}:{rng.choice([0, 3, 8, 12, 15, 17, 25, 30, 35, 42, 45, 48, 53]):02}"
    if language == "zh":
        return rng.choice(
            [
                f"{hour}点",
                f"下午{hour}点",
                f"上午{hour}点",
                f"{hour + 8}:{rng.choice(['00', '15', '30', '45'])}",
            ]
        )
    return rng.choice(
        [f"{hour} pm", f"{hour} am", f"{hour}:{rng.choice(['00', '15', '30', '45'])} pm", f"{hour + 8}:30"]
    )


def _person(rng: random.Random, language: str) -> str:
    """Return a name."""
    if language == "zh":
        count = rng.randint(1, 2)
        given = hanzi(rng, count) if rng.random() < 0.5 else "".join(rng.choice(GIVEN) for _ in range(count))
        return rng.choice(SURNAMES) + given
    first = rng.choice([rng.choice(LISTS["first"]), word(rng)])
    last = rng.choice([rng.choice(LISTS["last"]), word(rng)])
    return first if rng.random() < 0.3 else f"{first} {last}"


def _amount(rng: random.Random) -> str:
    """Return a number as text."""
    whole = rng.choice(
        [
            rng.randint(1, 99),
            rng.randint(100, 999),
            rng.randint(1, 99) * 10,
            rng.randint(1000, 9999),
            rng.randint(10000, 99999),
        ]
    )
    return (
        str(whole) if rng.random() < 0.7 else f"{whole}.{rng.choice([5, 25, 50, 75, 99, 90, 15, 29, 45, 60, 80, 95])}"
    )


def _mail(rng: random.Random) -> str:
    """Return an e-mail address."""
    name = rng.choice([*LISTS["first"], word(rng)]).lower()
    middle = rng.choice(["", "", f".{rng.choice(LISTS['last']).lower()}", str(rng.randint(1, 99))])
    return f"{name}{middle}@{rng.choice(LISTS['domain'])}"


class Values:
    """Draws values; the same slot twice within one conversation is the same value unless `fresh` asked."""

    def __init__(self, rng: random.Random, language: str) -> None:
        """Draw from *rng* in *language*."""
        self.rng, self.language = rng, language
        self.kept: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        """Return the value of slot *name*, remembered."""
        if name not in self.kept:
            self.kept[name] = self.fresh(name)
        return self.kept[name]

    def fresh(self, name: str) -> str:
        """Return a new value for *name*; a trailing digit-like suffix `_b` names a second one of a kind."""
        rng, language, kind = self.rng, self.language, name.removesuffix("_b")
        made = {
            "order": lambda: _code(rng),
            "date": lambda: _date(rng, language),
            "time": lambda: _time(rng, language),
            "person": lambda: _person(rng, language),
            "amount": lambda: _amount(rng),
            "count": lambda: str(rng.randint(2, 12) if rng.random() < 0.7 else rng.randint(13, 99)),
            "mail": lambda: _mail(rng),
            "phone": lambda: _phone(rng, language),
            "day": lambda: _day(rng, language),
            "price": lambda: _price(rng, language),
            "street": lambda: _street(rng, language),
            "year": lambda: str(rng.randint(1821, 2024)),
            "number": lambda: str(rng.choice([rng.randint(2, 40), rng.randint(13, 999), rng.randint(1000, 9999)])),
            "item": self._item,
            "gate": lambda: f"{rng.choice(LETTERS)}{rng.randint(1, 48)}",
            "version": lambda: ".".join(str(rng.randint(0, 19)) for _ in range(rng.choice((2, 3)))),
            "name": lambda: word(rng) if language == "en" else hanzi(rng, rng.choice((2, 2, 3))),
            "temp": lambda: str(rng.randint(-9, 38)),
            "percent": lambda: str(rng.randint(1, 99)),
            "word": lambda: word(rng),
            "days": lambda: str(rng.choice([3, 5, 7, 10, 14, 15, 20, 28, 30, 45, 60, 90])),
        }
        if kind in made:
            return made[kind]()
        if kind in INVENTED and rng.random() < INVENTED[kind]:
            return word(rng) if language == "en" else hanzi(rng, 2) + rng.choice(ENDINGS[kind])
        return rng.choice(LISTS.get(f"{kind}.{language}") or LISTS[kind])

    def _item(self) -> str:
        """Return a product of which there is one, as a sentence with "is" needs it."""
        while (found := self.fresh("product")).endswith("s"):
            pass
        return found
