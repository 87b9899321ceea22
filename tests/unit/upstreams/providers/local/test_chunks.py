"""llama.cpp's chunks of a chat as OpenAI's; the samples were recorded from a real engine."""

from typing import Any

from parley.core.events import Usage
from parley.upstreams.providers.local.asking import Plan
from parley.upstreams.providers.local.chunks import ChatReader, Tally
from parley.upstreams.providers.local.forcing import Forced
from parley.upstreams.providers.local.forms import forms

HEAD = {"created": 1795490828, "id": "chatcmpl-84i", "model": "tiny", "system_fingerprint": "b0-unknown"}
FIRST = {"role": "assistant", "content": None}
OPENING = {"role": "assistant", "content": "", "refusal": None}


def told(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """Return a chunk as llama.cpp tells it."""
    choice = {"finish_reason": finish, "index": index, "delta": delta} | more
    return {"choices": [choice], **HEAD, "object": "chat.completion.chunk"}


def usage(prompt: int, completion: int, cached: int = 0) -> dict[str, Any]:
    """Return llama.cpp's usage chunk; there is one a choice."""
    counted = {"completion_tokens": completion, "prompt_tokens": prompt, "total_tokens": prompt + completion}
    return {"choices": [], **HEAD, "usage": {**counted, "prompt_tokens_details": {"cached_tokens": cached}}}


def read(*chunks: dict[str, Any], plan: Plan | None = None, top: bool = False) -> tuple[list[dict[str, Any]], Usage]:
    """Return what *chunks* become, and the usage."""
    reader = ChatReader(plan or Plan({}), keeps_top=top, id="0123456789abcdef0123456789abcdef")
    found = [made for chunk in chunks for made in reader.take(chunk)]
    return found, reader.tally.usage()


def deltas(chunks: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str | None]]:
    """Return the delta and the finish reason of each chunk."""
    return [(chunk["choices"][0]["delta"], chunk["choices"][0]["finish_reason"]) for chunk in chunks]


def test_a_text_has_openais_shape() -> None:
    """The role with an empty content first, then the text, then the end; usage apart."""
    end = told({}, "stop") | {"timings": {"cache_n": 52, "prompt_n": 1, "predicted_n": 5}}
    found, counted = read(told(FIRST), told({"content": "Hello"}), end, usage(53, 5, 52))
    assert deltas(found) == [(OPENING, None), ({"content": "Hello"}, None), ({}, "stop")]
    assert counted == Usage(53, 5, 52)
    assert set(found[0]) == {"id", "object", "created", "model", "system_fingerprint", "choices"}
    assert set(found[0]["choices"][0]) == {"index", "delta", "logprobs", "finish_reason"}


def test_an_empty_answer_begins_all_the_same() -> None:
    """A client expects the role before the end."""
    found, _ = read(told(FIRST), told({}, "stop"))
    assert deltas(found) == [(OPENING, None), ({}, "stop")]


def test_a_thought_begins_the_answer_with_the_role() -> None:
    """The role once, with what is thought; then the text, or the call, or an empty text where the limit came first."""
    thought, rest = told({"reasoning_content": "Hm"}), told({"reasoning_content": "m"})
    begun = {"role": "assistant", "content": None, "refusal": None, "reasoning_content": "Hm"}
    head = [(begun, None), ({"reasoning_content": "m"}, None)]
    found, _ = read(told(FIRST), thought, rest, told({"content": "Yes"}), told({}, "stop"))
    assert deltas(found) == [*head, ({"content": "Yes"}, None), ({}, "stop")]
    found, _ = read(told(FIRST), thought, rest, told({"tool_calls": [CALL]}), told({}, "tool_calls"))
    assert [delta.get("role") for delta, _ in deltas(found)] == ["assistant", None, None, None, None]
    assert "content" not in deltas(found)[2][0]
    found, _ = read(told(FIRST), thought, rest, told({}, "length"))
    assert deltas(found) == [*head, ({"content": ""}, None), ({}, "length")]


def test_a_form_leaves_as_a_call() -> None:
    """What is filled in is told as calls, each with an id; nothing of it as thought; a cut form is none."""
    plan = Plan({}, forms=forms([{"function": {"name": "stop"}}]))
    begun = told({"reasoning_content": "# stop\n# sto"})
    found, _ = read(told(FIRST), begun, told({"reasoning_content": "p\n"}), told({}, "stop"), plan=plan)
    calls = [call for delta, _ in deltas(found) for call in delta.get("tool_calls", ())]
    heads = [call for call in calls if "id" in call]
    assert [(call["index"], call["function"]["name"]) for call in heads] == [(0, "stop"), (1, "stop")]
    assert {len(call["id"]) for call in heads} == {len("call_") + 24}
    assert len({call["id"] for call in heads}) == 2
    assert [call["function"]["arguments"] for call in calls] == ["", "{}", "", "{}"]
    assert deltas(found)[-1] == ({}, "tool_calls")
    assert not any("reasoning_content" in delta for delta, _ in deltas(found))
    cut, _ = read(told(FIRST), told({"reasoning_content": "# st"}), told({}, "length"), plan=plan)
    assert deltas(cut) == [(OPENING, None), ({}, "length")]


CALL = {
    "index": 0,
    "id": "5RXlqgXzZaIzc2v7bG0P7HJbg59GQ1f8",
    "type": "function",
    "function": {"name": "set_light", "arguments": "{"},
}
MORE = {"index": 0, "function": {"arguments": '"on": true}'}}


def test_a_call_has_openais_shape() -> None:
    """Role and call in one, with an id of its form and no arguments yet; then the arguments alone."""
    found, _ = read(
        told(FIRST), told({"tool_calls": [CALL]}), told({"tool_calls": [MORE]}), told({}, "tool_calls"), usage(9, 9)
    )
    (first, _), (second, _), (third, _), end = deltas(found)
    assert first == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": [
            {
                "index": 0,
                "id": "call_" + CALL["id"][:24],  # type: ignore[index]
                "type": "function",
                "function": {"name": "set_light", "arguments": ""},
            }
        ],
    }
    assert second == {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}
    assert third == {"tool_calls": [MORE]}
    assert end == ({}, "tool_calls")


def test_a_second_call_is_left_out_where_one_is_wanted() -> None:
    """llama.cpp may make several although `parallel_tool_calls` is false."""
    other = {**CALL, "index": 1}
    found, _ = read(told({"tool_calls": [CALL]}), told({"tool_calls": [other]}), plan=Plan({}, single=True))
    assert [call["index"] for delta, _ in deltas(found) for call in delta["tool_calls"]] == [0, 0]


def test_an_older_client_gets_a_function_call() -> None:
    """And the finish reason it knows."""
    found, _ = read(told({"tool_calls": [CALL]}), told({}, "tool_calls"), plan=Plan({}, legacy=True))
    (first, _), (second, _), end = deltas(found)
    assert first["function_call"] == {"name": "set_light", "arguments": ""}
    assert second == {"function_call": {"arguments": "{"}}
    assert end == ({}, "function_call")
    assert "tool_calls" not in first


def test_a_forced_call_arrives_as_content_and_leaves_as_a_call() -> None:
    """Piece by piece; the end says so too."""
    plan = Plan({}, forced=Forced(None))
    content = ['{"name": "f", ', '"arguments": {"a"', ": 1}", "}"]
    found, _ = read(told(FIRST), *(told({"content": it}) for it in content), told({}, "stop"), plan=plan)
    pieces = [delta["tool_calls"][0]["function"] for delta, _ in deltas(found)[:-1]]
    assert pieces[0]["name"] == "f"
    assert "".join(it["arguments"] for it in pieces) == '{"a": 1}'
    assert deltas(found)[-1] == ({}, "tool_calls")
    assert all("content" not in delta or delta["content"] is None for delta, _ in deltas(found))


def test_a_call_cut_by_the_limit_says_so() -> None:
    """The finish reason stays "length"."""
    found, _ = read(told({"tool_calls": [CALL]}), told({}, "length"))
    assert deltas(found)[-1][1] == "length"


def test_choices_begin_each_for_itself() -> None:
    """Whichever comes first; their tokens are added up, the prompt's counted once."""
    found, counted = read(
        told(FIRST, index=1),
        told({"content": "a"}, index=1),
        told({"content": "b"}, index=0),
        told({}, "stop", index=0),
        told({}, "stop", index=1),
        usage(9, 5),
        usage(9, 7),
    )
    assert [chunk["choices"][0]["index"] for chunk in found] == [1, 1, 0, 0, 0, 1]
    assert [delta for delta, _ in deltas(found)].count(OPENING) == 2
    assert counted == Usage(9, 12)


ENTRY = {"id": 357, "token": "Hello", "bytes": [72], "logprob": 0.0}
TOPPED = {**ENTRY, "top_logprobs": [ENTRY, {**ENTRY, "id": 288, "token": ":"}]}
BARE = {"token": "Hello", "bytes": [72], "logprob": 0.0}


def test_logprobs_have_only_what_was_asked_for() -> None:
    """No ids; the alternatives only when top_logprobs asks for them."""
    chunk = told({"content": "Hello"}, logprobs={"content": [TOPPED]})
    shown = [made["choices"][0]["logprobs"] for made in read(chunk)[0]]
    assert [it for it in shown if it] == [{"content": [{**BARE, "top_logprobs": []}], "refusal": None}]
    kept = [made["choices"][0]["logprobs"] for made in read(chunk, top=True)[0]]
    assert next(it for it in kept if it)["content"][0]["top_logprobs"] == [BARE, {**BARE, "token": ":"}]


def test_logprobs_go_with_their_text() -> None:
    """The role's chunk has none, even where llama.cpp tells of a blank that it then takes away."""
    blank = told(FIRST, logprobs={"content": [{**TOPPED, "token": " "}]})
    found, _ = read(blank, told({"content": "Hello"}, logprobs={"content": [TOPPED]}), told({}, "stop"))
    assert [made["choices"][0]["logprobs"] is not None for made in found] == [False, True, False]
    assert found[1]["choices"][0]["delta"] == {"content": "Hello"}


def test_the_impossible_has_openais_number() -> None:
    """llama.cpp tells the smallest number that a float can be."""
    entry = {**ENTRY, "logprob": -3.4e38, "top_logprobs": []}
    found, _ = read(told({"content": "Hello"}, logprobs={"content": [entry]}))
    assert found[1]["choices"][0]["logprobs"]["content"][0]["logprob"] == -9999.0


def test_tokens_are_known_while_they_come() -> None:
    """A client that leaves pays for what it was sent, not more."""
    tally = Tally()
    assert tally.usage() == Usage()
    tally.note({"prompt_n": 1, "cache_n": 8, "predicted_n": 3}, 0)
    assert tally.usage() == Usage(9, 3, 8)
    tally.settle({"prompt_tokens": 9, "completion_tokens": 5})
    assert tally.usage() == Usage(9, 5, 8)
