"""`python -m bench`: runs the parts that are asked for and prints one table. README.md tells the rest."""

import argparse
import asyncio
import importlib
import signal

import uvloop

from bench import profile
from bench.figures import Figure, save, table
from bench.gateways import OUT, Plan, other
from bench.processes import prepare

PARTS = ("whole", "events", "latency", "crowd", "limits", "rows", "million", "storm", "first", "sizes")
OWN = {"limits", "rows", "million", "storm", "first", "sizes"}  # about Parley alone


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What Parley costs, next to nginx.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; default: all")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each measurement lasts (default 3)")
    parser.add_argument("--rounds", type=int, default=5, help="how often Parley and nginx take turns (default 5)")
    parser.add_argument("--profile", action="store_true", help="only record where the CPU time goes (py-spy)")
    parser.add_argument("--gateway", metavar="URL", help="measure this gateway, which runs already, instead of Parley")
    parser.add_argument("--key", default="", help="its API key")
    parser.add_argument("--pid", type=int, default=0, help="its process; children are counted too")
    parser.add_argument("--model", default="gpt-4o", help="the model to ask it for (default gpt-4o)")
    parser.add_argument("--upstream-port", type=int, default=0, help="where the fake upstream listens, for --gateway")
    parser.add_argument("--postgres", metavar="URL", default="", help="an empty database, for `rows` and `million`")
    found = parser.parse_args()
    if unknown := set(found.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if found.gateway and not (found.pid and found.upstream_port):
        parser.error("--gateway needs --pid and --upstream-port")
    return found


async def work(given: argparse.Namespace) -> None:
    """Run the parts and print the table; SIGTERM stops what was started."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    there = other(given.gateway, given.key, given.pid, given.model) if given.gateway else None
    plan = Plan(given.seconds, given.rounds, given.upstream_port, there, given.postgres)
    if given.profile:
        await profile.run(plan)
        return
    name = there.name if there else "parley"
    figures: list[Figure] = []
    for part in given.parts or [part for part in PARTS if there is None or part not in OWN]:
        print(f"... {part}", flush=True)
        found: list[Figure] = await importlib.import_module(f"bench.parts.{part}").run(plan)
        save(found, part, OUT, name)
        figures += found
    print(table(figures, name))


def main() -> None:
    """Run."""
    given = arguments()
    prepare()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(given))


if __name__ == "__main__":
    main()
