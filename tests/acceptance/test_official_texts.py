"""The newest official client for Python: the older completions, and embeddings."""

import math

import openai
import pytest
from asking import MODEL

PROMPT = "Once upon a time"


def test_completion(client: openai.OpenAI) -> None:
    """A prompt is continued, by 16 tokens at most if nothing is said."""
    answer = client.completions.create(model=MODEL, prompt=PROMPT)
    assert (answer.object, answer.choices[0].index) == ("text_completion", 0)
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage is not None
    assert answer.usage.completion_tokens <= 16


def test_echo(client: openai.OpenAI) -> None:
    """`echo` gives the prompt back before its continuation."""
    answer = client.completions.create(model=MODEL, prompt=PROMPT, echo=True, max_tokens=4)
    assert answer.choices[0].text.startswith(PROMPT)


def test_echo_alone(client: openai.OpenAI) -> None:
    """With no token asked for, `echo` gives the prompt alone."""
    answer = client.completions.create(model=MODEL, prompt=PROMPT, echo=True, max_tokens=0)
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (PROMPT, "length")
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 0


def test_prompt_and_answer_share_the_context(client: openai.OpenAI) -> None:
    """A prompt that leaves no room for `max_tokens` is refused, as OpenAI does; one that leaves just enough is not."""
    prompt = [5] * 2000
    with pytest.raises(openai.BadRequestError) as raised:
        client.completions.create(model=MODEL, prompt=prompt, max_tokens=49)
    assert (raised.value.param, raised.value.code) == ("max_tokens", "context_length_exceeded")
    client.completions.create(model=MODEL, prompt=prompt, max_tokens=48, stop=["e", " "])


def test_unknown_token(client: openai.OpenAI) -> None:
    """A token that the model does not have is refused by name."""
    with pytest.raises(openai.BadRequestError) as raised:
        client.completions.create(model=MODEL, prompt=[1, 9_999_999])
    assert raised.value.param == "prompt"


def test_several_prompts(client: openai.OpenAI) -> None:
    """Several prompts with `n` give the choices prompt by prompt."""
    answer = client.completions.create(model=MODEL, prompt=["red", "green"], n=2, echo=True, max_tokens=4)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert [choice.text.startswith("red") for choice in answer.choices] == [True, True, False, False]
    assert all(choice.text.startswith("green") for choice in answer.choices[2:])


def test_logprobs(client: openai.OpenAI) -> None:
    """`logprobs` gives lists that run in parallel, with so many likely tokens at each place."""
    answer = client.completions.create(model=MODEL, prompt=PROMPT, logprobs=2, max_tokens=4, temperature=0)
    told = answer.choices[0].logprobs
    assert told is not None
    lists = (told.tokens, told.token_logprobs, told.top_logprobs, told.text_offset)
    assert {len(one or []) for one in lists} == {len(told.tokens or [])}
    assert told.tokens
    assert all(len(top) <= 2 for top in told.top_logprobs or [])


def test_streamed_completion(client: openai.OpenAI) -> None:
    """The pieces of a streamed continuation are the one that comes whole."""
    whole = client.completions.create(model=MODEL, prompt=PROMPT, temperature=0, max_tokens=8)
    chunks = list(client.completions.create(model=MODEL, prompt=PROMPT, temperature=0, max_tokens=8, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason


def test_streamed_usage(client: openai.OpenAI) -> None:
    """`include_usage` brings a last chunk with the usage."""
    chunks = list(
        client.completions.create(
            model=MODEL, prompt=PROMPT, max_tokens=4, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None


@pytest.mark.parametrize(("name", "value"), [("suffix", "The end."), ("best_of", 3)])
def test_what_the_model_cannot_do(client: openai.OpenAI, name: str, value: object) -> None:
    """What the built-in model can't do is refused by name."""
    with pytest.raises(openai.BadRequestError) as raised:
        client.completions.create(model=MODEL, prompt=PROMPT, **{name: value})  # type: ignore[call-overload]
    assert (raised.value.param, raised.value.code) == (name, "unsupported_parameter")


def test_embeddings(client: openai.OpenAI) -> None:
    """Each text has a vector of length 1, in order."""
    answer = client.embeddings.create(model=MODEL, input=["one", "two words"], encoding_format="float")
    assert [item.index for item in answer.data] == [0, 1]
    assert all(math.isclose(math.hypot(*item.embedding), 1, abs_tol=1e-3) for item in answer.data)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0


def test_embeddings_as_base64(client: openai.OpenAI) -> None:
    """The client's default, base64, holds the vector that comes as numbers."""
    packed = client.embeddings.create(model=MODEL, input="one").data[0].embedding
    plain = client.embeddings.create(model=MODEL, input="one", encoding_format="float").data[0].embedding
    assert packed == pytest.approx(plain, abs=1e-5)


def test_embedding_that_is_too_long(client: openai.OpenAI) -> None:
    """A text that is longer than the model's context is refused with OpenAI's code for it."""
    with pytest.raises(openai.BadRequestError) as raised:
        client.embeddings.create(model=MODEL, input="all the world " * 9000)
    assert raised.value.code == "context_length_exceeded"


def test_dimensions(client: openai.OpenAI) -> None:
    """`dimensions`, which the built-in model can't honour, is refused by name."""
    with pytest.raises(openai.BadRequestError) as raised:
        client.embeddings.create(model=MODEL, input="one", dimensions=8)
    assert raised.value.param == "dimensions"
