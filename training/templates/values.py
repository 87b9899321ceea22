"""Slot values in both languages: lists in `values.txt`, and numbers, dates and codes made up on the spot.

A word may also be invented, so that a network has to copy what it reads instead of recalling what it has
seen.
"""

import random
from pathlib import Path

HERE = Path(__file__).parent
SYLLABLE = ("onset", "vowel", "coda")
INVENTED = {"city": 0.5, "product": 0.25, "song": 0.4, "shop": 0.4, "dish": 0.25}
"""Share of values that are made up, so that a network has to read them."""
ENDINGS = {
    "city": ("市", "县", "镇", "州", ""),
    "product": ("", "机", "器"),
    "song": ("",),
    "shop": ("店", ""),
    "dish": ("饭", "汤", ""),
}
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def _read() -> dict[str, list[str]]:
    """Read `values.txt`: a line `name: a|b|c` each; a name may come again and adds."""
    lists: dict[str, list[str]] = {}
    for line in (HERE / "values.txt").read_text(encoding="utf-8").splitlines():
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
    return rng.choice(
        [digits, digits, "#" + digits, letters + digits, f"{letters}-{digits}", f"ORD-{digits}", "A" + digits]
    )


def _date(rng: random.Random, language: str) -> str:
    """Return a date, absolute or relative."""
    year, month, day = rng.randint(2024, 2027), rng.randint(1, 12), rng.randint(1, 28)
    if rng.random() < 0.4:
        return rng.choice(LISTS["when." + language])
    if language == "zh":
        return rng.choice([f"{month}月{day}日", f"{month}月{day}号", f"{year}-{month:02}-{day:02}"])
    name = rng.choice(LISTS["month"])
    return rng.choice([f"{name} {day}", f"{day} {name}", f"{year}-{month:02}-{day:02}"])


def _time(rng: random.Random, language: str) -> str:
    """Return a time of day."""
    hour = rng.randint(1, 12)
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
    whole = rng.choice([rng.randint(1, 99), rng.randint(100, 999), rng.randint(1, 99) * 10, rng.randint(1000, 9999)])
    return str(whole) if rng.random() < 0.7 else f"{whole}.{rng.choice([5, 25, 50, 75, 99, 90])}"


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
            "count": lambda: str(rng.randint(2, 12)),
            "mail": lambda: _mail(rng),
            "phone": lambda: (
                f"1{rng.randint(30, 99)}{rng.randint(10000000, 99999999)}"
                if language == "zh"
                else f"555-{rng.randint(1000, 9999)}"
            ),
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
