"""Held-out slot values in both languages; codes have forms, and dates days and years, that the corpus never draws."""

import random
from pathlib import Path

PATH = Path(__file__).parent / "values.txt"


def _read() -> dict[str, list[str]]:
    """Read `values.txt`."""
    lists: dict[str, list[str]] = {}
    for line in PATH.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, values = line.split(": ", 1)
            lists[name] = values.split("|")
    return lists


LISTS = _read()
LETTERS = "CDEFGHJKLMNPQRTVWXYZ"


def _code(rng: random.Random) -> str:
    """Return a number of an order, a card or a repair: three groups, which no code of the corpus has."""
    digits = [str(rng.randint(100, 9999)) for _ in range(2)]
    letters = "".join(rng.choice(LETTERS) for _ in range(2))
    return rng.choice([f"{letters}{digits[0]}-{digits[1]}", f"{digits[0]}-{letters}-{digits[1]}"])


def _date(rng: random.Random, language: str) -> str:
    """Return a date of a day and a year that the corpus does not draw: the 29th to 31st, from 2029 on."""
    year, day, month = rng.randint(2029, 2034), rng.choice([29, 30, 31]), rng.choice([1, 3, 5, 7, 8, 10, 12])
    if language == "zh":
        return rng.choice([f"{year}年{month}月{day}日", f"{year}-{month:02}-{day}"])
    name = LISTS["month.en"][[1, 3, 5, 7, 8, 10, 12].index(month)]
    return rng.choice([f"{day} {name} {year}", f"{name} {day}, {year}", f"{year}-{month:02}-{day}"])


def _person(rng: random.Random, language: str) -> str:
    """Return a name."""
    if language == "zh":
        return rng.choice(LISTS["surname.zh"]) + rng.choice(LISTS["given.zh"])
    return f"{rng.choice(LISTS['first'])} {rng.choice(LISTS['last'])}"


def _made(kind: str, rng: random.Random, language: str) -> str | None:
    """Return a value of *kind* that is made up and not drawn from a list; None if there is a list."""
    amount = f"{rng.randint(101, 989)}.{rng.choice([13, 27, 38, 46, 64, 82])}"
    # ruff: noqa: PLR0911 - a table in words
    if kind == "code":
        return _code(rng)
    if kind == "date":
        return _date(rng, language)
    if kind == "person":
        return _person(rng, language)
    if kind == "amount":
        return amount
    if kind == "count":
        return str(rng.randint(2, 19))
    if kind == "points":
        return str(rng.randint(10001, 98999))
    if kind == "time":
        return f"{rng.randint(9, 18)}:{rng.choice(['05', '10', '20', '40', '50', '55'])}"
    if kind == "phone":
        return f"0{rng.randint(21, 79)} {rng.randint(200, 999)} {rng.randint(1000, 9999)}"
    if kind == "mail":
        return f"{rng.choice(LISTS['last']).lower()}.{rng.randint(100, 999)}@{rng.choice(LISTS['domain'])}"
    return None


class Draw:
    """Draws values; the same slot twice is the same value, and slots such as `city` and `city_b` differ."""

    def __init__(self, rng: random.Random, language: str) -> None:
        """Draw from *rng* in *language*."""
        self.rng, self.language = rng, language
        self.kept: dict[str, str] = {}

    def __call__(self, slot: str) -> str:
        """Return the value of *slot*, remembered."""
        while slot not in self.kept:
            found = self._fresh(slot.split("_", maxsplit=1)[0])
            if found not in self.kept.values():
                self.kept[slot] = found
        return self.kept[slot]

    def _fresh(self, kind: str) -> str:
        """Return any value of *kind*."""
        made = _made(kind, self.rng, self.language)
        return made or self.rng.choice(LISTS.get(f"{kind}.{self.language}") or LISTS[kind])
