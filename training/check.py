"""The check: a server of Parley with the GGUF, asked what newcomers ask; and its texts, under llama.cpp's own server.

Each answer is printed, and the score. Ends with 0 if the share of right answers reaches --least, else with
1. "Right" is a rule in `checks.json`, not a taste: text that has to be in the answer, a call with these
arguments, an object with these values; and always that the answer ended.
"""

import argparse
import json
import random
import sys
import urllib.request
from pathlib import Path
from typing import Any

import xllamacpp

from training.chat import BEGIN, Conversation, Turn, document
from training.corpus import own
from training.evaluate.servers import CANDIDATE, serving
from training.tokenizer import load

TABLE = Path(__file__).parent / "checks.json"
TOOLS = Path(__file__).parent / "check_tools.json"


def serve(model: Path) -> xllamacpp.Server:
    """Start llama.cpp on a free port of the loopback address."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = 2048
    params.n_parallel = 1
    params.n_predict = 256
    params.cpuparams.n_threads = 2
    params.cpuparams_batch.n_threads = 2
    params.warmup = False
    params.use_jinja = True
    params.verbosity = 0
    return xllamacpp.Server(params)


def post(address: str, path: str, body: dict[str, Any], key: str = "") -> dict[str, Any]:
    """Send *body* and return the answer's JSON."""
    told = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(address + path, json.dumps(body).encode(), told)  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - our own address
        return json.load(answer)


def body_of(case: dict[str, Any], tools: dict[str, Any], temperature: float) -> dict[str, Any]:
    """Return the request of *case*."""
    messages = [{"role": "system", "content": case["system"]}] if "system" in case else []
    messages += [
        {"role": "user" if number % 2 == 0 else "assistant", "content": text} if isinstance(text, str) else text
        for number, text in enumerate(case["say"])
    ]
    body: dict[str, Any] = {
        "model": CANDIDATE,
        "messages": messages,
        "max_tokens": 400,
        "temperature": temperature,
        "seed": 7,
    }
    if "tools" in case:
        body["tools"] = [{"type": "function", "function": tools[name]} for name in case["tools"]]
    if "choice" in case:
        named = {"type": "function", "function": {"name": case["choice"]}}
        body["tool_choice"] = case["choice"] if case["choice"] == "required" else named
    if "keys" in case:
        properties = {key: kind if isinstance(kind, dict) else {"type": kind} for key, kind in case["keys"].items()}
        schema = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": schema},
        }
    if case.get("json"):
        body["response_format"] = {"type": "json_object"}
    return body


def judge(case: dict[str, Any], choice: dict[str, Any]) -> bool:
    """Say whether *choice* is right by the rule of *case*."""
    message = choice["message"]
    text, calls = message.get("content") or "", message.get("tool_calls") or []
    if choice["finish_reason"] == "length":
        return False
    if "calls" in case:
        name, wanted = case["calls"]
        return (
            len(calls) == 1
            and calls[0]["function"]["name"] == name
            and json.loads(calls[0]["function"]["arguments"]) == wanted
        )
    if "object" in case:
        try:
            found = json.loads(text)
        except ValueError:
            return False
        return isinstance(found, dict) and all(found.get(key) == value for key, value in case["object"].items())
    return not calls and all(
        any(part.lower() in text.lower() for part in options.split("|")) for options in case["has"]
    )


def same_tokens(address: str, tokenizer: Path, count: int) -> tuple[int, int]:
    """Return how many of *count* corpus texts llama.cpp and `tokenizers` cut alike."""
    coder, rng, alike = load(tokenizer), random.Random(5), 0
    extra = [
        "emoji 😀👍🏽 test",
        "价格￥12.50，约3～5天…",
        "Ünïcödé naïve café",
        "  two  spaces\n\n\ttab",
        "日本語テスト 한국어",
        "x²≠y½ 12345678901",
    ]
    texts = [doc.text.removeprefix(BEGIN) for doc in own(77, count)]
    for text in [*texts, *extra]:
        spoilt = text if rng.random() < 0.5 else text[rng.randrange(len(text)) :]
        theirs = post(address, "/tokenize", {"content": spoilt, "add_special": False, "parse_special": True})["tokens"]
        alike += theirs == coder.encode(spoilt, add_special_tokens=False).ids
    return alike, count + len(extra)


def same_template(address: str) -> bool:
    """Say whether llama.cpp renders the chat template as `chat.py` does, whoever spoke last."""
    schema = {
        "name": "f",
        "description": "É Day 天",
        "parameters": {
            "type": "object",
            "properties": {
                "x": {"type": "string"},
                "n": {"type": "integer", "description": "多少"},
                "e": {"type": "string", "enum": ["a", "b c"], "description": "one"},
                "l": {"type": "array", "items": {"type": "string"}},
                "u": {"allOf": [{"type": "string"}]},
                "v": {},
            },
            "required": ["x", "n"],
        },
    }
    bare = {"name": "g"}
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"x": "天 1"}'}}
    told = [
        {"role": "system", "content": "你好 a"},
        *({"role": "user", "content": text} for text in ("zero", 'b "c"')),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": '{"y": 1}'},
        *({"role": "user", "content": text} for text in ("d", "e 天")),
    ]
    turns = (
        Turn("system", "你好 a"),
        *(Turn("user", text) for text in ("zero", 'b "c"')),
        Turn("assistant", calls=({"name": "f", "arguments": {"x": "天 1"}},)),
        Turn("tool", '{"y": 1}'),
        *(Turn("user", text) for text in ("d", "e 天")),
    )
    declared = [{"type": "function", "function": it} for it in (schema, bare)]
    alike = []
    for count in (3, 5, 7):
        prompt = post(address, "/apply-template", {"messages": told[:count], "tools": declared})["prompt"]
        ours = (
            document(Conversation(turns[:count], (schema, bare))).text.removeprefix(BEGIN) + "<|im_start|>assistant\n"
        )
        alike.append(prompt == ours)
        if prompt != ours:
            print(f"template differs:\n{prompt!r}\n{ours!r}")
    return all(alike)


def run(address: str, key: str, temperature: float) -> tuple[int, int]:
    """Ask every case of the server at *address*, print it, and return how many were right."""
    tools = json.loads(TOOLS.read_text(encoding="utf-8"))
    cases = json.loads(TABLE.read_text(encoding="utf-8"))
    scores: dict[str, list[bool]] = {}
    for case in cases:
        body = body_of(case, tools, temperature)
        choice = post(address, "/chat/completions", body, key)["choices"][0]
        right = judge(case, choice)
        scores.setdefault(case["kind"], []).append(right)
        said = choice["message"].get("tool_calls") or choice["message"].get("content")
        shown = [call["function"] for call in said] if isinstance(said, list) else said
        last = case["say"][-1] if isinstance(case["say"][-1], str) else case["say"][-1]["content"]
        print(
            f"{'ok ' if right else 'BAD'} {case['kind']:8} {last}  ->  "
            f"{json.dumps(shown, ensure_ascii=False)} [{choice['finish_reason']}]"
        )
    for kind, found in scores.items():
        print(f"{kind:10} {sum(found)} of {len(found)}")
    return sum(sum(found) for found in scores.values()), len(cases)


def main() -> int:
    """Check from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json: compare how texts are cut")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--least", type=float, default=0.8)
    asked = parser.parse_args()
    server = serve(asked.model)
    address = server.listening_address
    exact = same_template(address)
    print(f"chat template as trained: {exact}")
    if asked.tokenizer:
        alike, of = same_tokens(address, asked.tokenizer, 200)
        print(f"cut alike: {alike} of {of}")
        exact = exact and alike == of
    raw = post(
        address,
        "/v1/completions",
        {"prompt": "Returns are", "max_tokens": 30, "temperature": asked.temperature},
    )["choices"][0]
    print(f"completion: Returns are -> {raw['text']!r} [{raw['finish_reason']}]")
    with serving(asked.model) as place:
        right, of = run(place.base_url, place.key, asked.temperature)
    print(f"score {right} of {of} = {right / of:.3f} at temperature {asked.temperature}")
    return 0 if exact and right >= asked.least * of else 1


if __name__ == "__main__":
    sys.exit(main())
