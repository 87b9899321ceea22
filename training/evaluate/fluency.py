"""Fluency: what can be seen of it by rules. Repeats, an ending, words that exist, something said at all."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from training.evaluate.answers import Answer
from training.evaluate.judges import CJK, WORD, failed
from training.heldout.cases import Case

FOLDER = Path(__file__).parents[1]
ENDINGS = tuple(".!?。！？…~～:：)）”\"'」』")
PHRASE = {"en": 4, "zh": 6}  # words or characters that must not come three times
AGAIN = re.compile(
    r"(\b\w+\b)(?:\W+\1\b){2}"  # no no no
    r"|([\u3400-\u9fff]{1,8}?)\2{3}"  # 退货退货退货退货
    r"|([a-z]{1,4}?)\3{4}",  # popopopopo
    re.IGNORECASE,
)
STRANGE = 0.2  # of the words may be strange; one always


class Fluency:
    """Judges answers by the words it knows: those of our own texts, of the question, and of *texts*."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        files = (*FOLDER.glob("templates/*.txt"), *FOLDER.glob("heldout/*.txt"))
        own = (path.read_text(encoding="utf-8") for path in files)
        self._known: set[str] = set()
        for text in (*own, *texts):
            self._known |= set(pieces(text.casefold()))

    def judge(self, case: Case, answer: Answer) -> list[str]:
        """Judge one answer in prose; JSON and calls are not for here."""
        return [failed(answer) or self.flaw(answer.text, case.said())]

    def flaw(self, text: str, asked: str = "") -> str:
        """Return the first flaw of *text*."""
        if "\ufffd" in text:
            return "broken character"
        if repeats(text):
            return "repeats itself"
        if not text.rstrip().endswith(ENDINGS):
            return "no ending"
        return "strange words" if self._strange(text, asked) else ""

    def _strange(self, text: str, asked: str) -> bool:
        """Say whether too many words are of no known text; names and figures are left aside."""
        found = [piece for piece in pieces(text) if piece.islower() or CJK.match(piece)]
        known = self._known | set(pieces(asked.casefold()))
        strange = [piece for piece in found if piece not in known]
        return len(strange) > 1 and len(strange) > STRANGE * len(found)


def pieces(text: str) -> list[str]:
    """Return the words of *text*, and each Chinese character."""
    return re.findall(rf"{WORD.pattern}|{CJK.pattern}", text)


def repeats(text: str) -> bool:
    """Say whether a word comes thrice in a row, or a phrase three times, or few words again and again."""
    if AGAIN.search(text):
        return True
    found = [piece.casefold() for piece in pieces(text)]
    chinese = bool(CJK.search(text))
    size = PHRASE["zh" if chinese else "en"]
    grams = Counter(tuple(found[place : place + size]) for place in range(len(found) - size + 1))
    few = len(found) >= 16 and len(set(found)) < 0.4 * len(found)
    return few or any(count > 2 for count in grams.values())
