"""Measure the built-in model: `python -m training.evaluate`. It asks a running server, or one that it starts itself.

Prints the table of what must be shown; `--report` writes it with the mistakes and many answers as they came out. The
exit status is 0 whatever the figures are, and 2 where the server cannot be asked at all.
"""

import argparse
import itertools
import os
import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import openai

from training.evaluate import public
from training.evaluate.answers import Asked, Asker
from training.evaluate.fluency import Fluency
from training.evaluate.measures import measures, score
from training.evaluate.report import Findings, table, write
from training.evaluate.servers import Place, serving
from training.evaluate.speed import CALLERS, Pace, pace
from training.heldout.builder import MIX, build
from training.heldout.cases import Case

KINDS = (*(name for name, *_ in MIX), *public.SETS)


def options() -> argparse.ArgumentParser:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("--base-url", default=os.environ.get("OPENAI_BASE_URL"), help="a running server, such as "
                        "http://127.0.0.1:8080/v1; default: OPENAI_BASE_URL, else one is started")  # fmt: skip
    parser.add_argument("--key", default=os.environ.get("OPENAI_API_KEY"), help="its key; default: OPENAI_API_KEY")
    parser.add_argument("--model", help="whom to ask; default: the built-in model")
    parser.add_argument("--gguf", type=Path, help="start the server with this model instead of the built-in one")
    parser.add_argument("--data", type=Path, help="the folder of the public sets; without it they are not measured")
    parser.add_argument("--quick", action="store_true", help="some sixty cases, to see that all of it works")
    parser.add_argument(
        "--only", nargs="+", metavar="KIND", choices=KINDS, help=f"only these kinds: {', '.join(KINDS)}"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--report", type=Path, help="write the report to this file, as Markdown")
    return parser


def cases(asked: argparse.Namespace) -> Iterator[Case]:
    """Yield every case that *asked* wants."""
    sets = public.build(asked.data, asked.seed) if asked.data else ()
    for case in itertools.chain(build(asked.seed, quick=asked.quick), sets):
        if not asked.only or kind_of(case) in asked.only:
            yield case


def kind_of(case: Case) -> str:
    """Return the kind of *case* without what follows the dot."""
    return case.kind.split(".", maxsplit=1)[0]


def ask(asker: Asker, every: list[Case]) -> list[Asked]:
    """Ask *every* case, kind by kind, and tell how far it is."""
    found: list[Asked] = []
    for kind, group in itertools.groupby(every, kind_of):
        begun = time.monotonic()
        answered = asker.all(group)
        found += answered
        failed = sum(bool(it.answer.error) for it in answered)
        print(f"{kind}: {len(answered)} asked, {failed} failed, {time.monotonic() - begun:.1f} s", flush=True)
    return found


def paces(asker: Asker, *, quick: bool) -> list[Pace]:
    """Return the speed with one caller and with eight: at questions of the job, always the same."""
    plain = [case for case in build() if kind_of(case) in ("inside", "fact")]
    return [pace(asker, plain[: (1 if quick else 2) * max(callers, 4)], callers) for callers in CALLERS]


def about(asked: argparse.Namespace, model: str, seconds: float) -> str:
    """Return what was asked, how and when."""
    day = time.strftime("%Y-%m-%d")
    sets = "with the public sets" if asked.data else "without the public sets"
    size = "quick" if asked.quick else "full"
    return (
        f"{model} on {day}, {platform.machine()} with {os.cpu_count()} cores; seed {asked.seed}, temperature "
        f"{asked.temperature}, {size}, {sets}; {seconds:.0f} s. Made by `python -m training.evaluate`."
    )


def evaluate(asked: argparse.Namespace, place: Place) -> Findings:
    """Ask the server at *place* and judge its answers."""
    begun = time.monotonic()
    with openai.OpenAI(base_url=place.base_url, api_key=place.key, max_retries=0) as client:
        asker = Asker(client, asked.model or place.model, asked.temperature)
        client.models.list()
        every = list(cases(asked))
        answered = ask(asker, every)
        speeds = paces(asker, quick=asked.quick)
    fluency = Fluency(public.words(asked.data) if asked.data else ())
    scores = [score(measure, answered) for measure in measures(fluency)]
    return Findings(about(asked, asker.model, time.monotonic() - begun), scores, speeds, answered)


def main() -> None:
    """Evaluate from the command line."""
    parser = options()
    asked = parser.parse_args()
    if asked.base_url and not asked.gguf and not asked.key:
        parser.error("--base-url needs --key, or OPENAI_API_KEY")
    if asked.data and not asked.data.is_dir():
        parser.error(f"--data: {asked.data} is not a folder")
    with ExitStack() as stack:
        if asked.base_url and not asked.gguf:
            place = Place(asked.base_url, asked.key, "parley-mini")
        else:
            place = stack.enter_context(serving(asked.gguf))
        try:
            findings = evaluate(asked, place)
        except openai.OpenAIError as error:
            parser.error(f"{place.base_url} cannot be asked: {error}")
    print(f"\n{findings.about}\n\n{table(findings)}")
    if asked.report:
        asked.report.write_text(write(findings), encoding="utf-8")


if __name__ == "__main__":
    main()
