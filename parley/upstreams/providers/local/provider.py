"""The embedded engine as an upstream: loads the model, asks it over HTTP, and reads its answer.

Fails with InvalidRequest for what it cannot do (before the model is asked), NoSuchModel, and UpstreamError.
"""

from collections.abc import Callable

import msgspec

from parley.core.call import Call
from parley.core.catalog import Target, Timeouts
from parley.core.events import Event, Kind, Usage
from parley.engine.engine import Address, Engine, Use
from parley.errors import ParleyError, UpstreamBroken, UpstreamDenied, UpstreamRefused
from parley.schema.chat import ChatRequest
from parley.schema.tools import SchemaAnswer
from parley.upstreams.client import Client, Exchange, Origin
from parley.upstreams.providers.local.answer import LocalAnswer
from parley.upstreams.providers.local.asking import Plan, plan_chat, ways
from parley.upstreams.providers.local.capacity import check_room, doubtful, ease, fit
from parley.upstreams.providers.local.certainty import chooses, first_token, in_words, sure
from parley.upstreams.providers.local.chunks import ChatReader
from parley.upstreams.providers.local.control import control
from parley.upstreams.providers.local.filling import ClashError
from parley.upstreams.providers.local.grammar import Verdicts, in_force, trial
from parley.upstreams.providers.local.schemas import broken, unheld
from parley.upstreams.providers.local.settling import ROUNDS, alternatives, likeliest, whole
from parley.upstreams.providers.local.texts import TextReader, plan_text
from parley.upstreams.providers.local.vectors import check_length, check_lengths, plan_vectors, vectors
from parley.upstreams.providers.openai import WholeAnswer
from parley.upstreams.statuses import told_in

PATIENCE = Timeouts(connect=5, first_token=600, between_tokens=120, total=3600)  # long prompts on few cores
LARGEST_ANSWER = 64 * 1024 * 1024
OK, BAD_REQUEST, UNAUTHORIZED, NOT_SUPPORTED = 200, 400, 401, 501
PATHS = {
    "chat.completions": b"/v1/chat/completions",
    "completions": b"/v1/completions",
    "embeddings": b"/v1/embeddings",
}
PLANS: dict[str, Callable[[Call], Plan]] = {
    "chat.completions": plan_chat,
    "completions": plan_text,
    "embeddings": plan_vectors,
}
_encode = msgspec.json.Encoder().encode


class LocalProvider:
    """The models of the embedded engine."""

    def __init__(self, engine: Engine, client: Client) -> None:
        self._engine = engine
        self._client = client
        self._verdicts = Verdicts()

    async def ask(self, call: Call, target: Target) -> LocalAnswer | WholeAnswer:
        """Send *call* to *target*; returns with the first event in hand.

        Raises InvalidRequest for what the model cannot do, UpstreamError when the engine fails.
        """
        plan = PLANS[call.operation](call)
        plan.body["model"] = target.model
        if call.begun is not None:  # llama.cpp goes on with a last message of the assistant
            plan.body["messages"] = [*plan.body["messages"], {"role": "assistant", "content": call.begun}]
        if call.operation == "embeddings":
            async with self._engine.use(target.model, "embed") as address:
                fit(call, plan, address)
                return await self._embed(target, plan, address)
        use = self._engine.use(target.model)
        address = await use.__aenter__()
        try:
            plan = await self._prepare(call, plan, address, stands_in=call.ask.model != target.model)
            for _ in range(ROUNDS):
                try:
                    return await self._begun(call, target, plan, address, use)
                except ClashError as clash:
                    plan = await self._settled(call, plan, clash, address)
            return await self._begun(call, target, msgspec.structs.replace(plan, said=""), address, use)
        except BaseException:
            use.leave()
            raise

    async def _begun(self, call: Call, target: Target, plan: Plan, address: Address, use: Use) -> LocalAnswer:
        """Return the answer to *plan* with its first event in hand. Raises ClashError, and as `ask` does."""
        exchange = await self._send(address, PATHS[call.operation], plan)
        try:
            answer = LocalAnswer(target, call, exchange, reader(call, plan), use)
            await self._check(call, exchange)
            await answer.begin()
        except BaseException:
            exchange.close()
            raise
        return answer

    async def _settled(self, call: Call, plan: Plan, clash: ClashError, address: Address) -> Plan:
        """Return *plan* for a call whose arguments are not made of the same words, if the model has a better one."""
        plans, answers = alternatives(plan, clash), []
        for way in plans:
            exchange = await self._send(address, PATHS[call.operation], whole(way))
            await self._check(call, exchange)
            answers.append(await exchange.read(LARGEST_ANSWER))
        return likeliest(plans, answers)

    async def _prepare(self, call: Call, plan: Plan, address: Address, *, stands_in: bool) -> Plan:
        """Return *plan* as the model is asked: what is said stays text. Raises InvalidRequest where it does not fit.

        A model that *stands_in* for the one that was asked for gives as many tokens as it has room for.
        """
        if stands_in:
            ease(plan, address)
        fit(call, plan, address)
        if call.cap is not None:
            plan.body["max_tokens"] = min(call.cap, address.context)
        plan = await self._held(call, plan, address)
        if call.operation == "chat.completions":
            plan.body["messages"] = control(address.vocabulary.control).messages(plan.body["messages"])
            return await self._certain(call, plan, address)
        for prompt in () if stands_in else doubtful(call, plan, address):
            tokens = len(prompt) if isinstance(prompt, list) else await self._count(address, prompt)
            check_room(call, tokens, address.context)
        return plan

    async def _held(self, call: Call, plan: Plan, address: Address) -> Plan:
        """Return *plan*, by forms where the model fills them in and the functions have some.

        Raises InvalidRequest where no grammar can hold an answer to its schema.
        """
        for way, tried in ways(plan) if address.forms else ():
            if await self._holds(call, tried, address):
                return way
        if (text := plan.body.get("grammar")) and not await self._holds(call, text, address):
            raise unheld(schema_place(call) or "response_format", "what it asks for together")
        return plan

    async def _certain(self, call: Call, plan: Plan, address: Address) -> Plan:
        """Return *plan*, for an answer in words where the model is not sure enough to call a function."""
        if not address.certain or call.begun is not None or not chooses(plan):
            return plan
        exchange = await self._send(address, PATHS[call.operation], first_token(plan))
        await self._check(call, exchange)
        return plan if sure(await exchange.read(LARGEST_ANSWER), address.certain) else in_words(plan)

    async def _holds(self, call: Call, text: str, address: Address) -> bool:
        """Return whether the grammar *text* can be in force."""
        holds = self._verdicts.get(text)
        if holds is None:
            exchange = await self._send(address, b"/completion", Plan(trial(text)))
            await self._check(call, exchange)
            holds = in_force(await exchange.read(LARGEST_ANSWER))
            self._verdicts.keep(text, holds=holds)
        return holds

    async def _count(self, address: Address, text: str) -> int:
        """Return how many tokens *text* has."""
        counted = await self._send(address, b"/tokenize", Plan({"content": text, "add_special": True}))
        return len(msgspec.json.decode(await counted.read(LARGEST_ANSWER))["tokens"])

    async def _check(self, call: Call, exchange: Exchange) -> None:
        """Raise what the engine's status means, if it is not an answer."""
        if exchange.status != OK:
            raise refusal(call, exchange.status, await exchange.read(LARGEST_ANSWER))

    async def _embed(self, target: Target, plan: Plan, address: Address) -> WholeAnswer:
        for text in check_lengths(plan, address.context):
            check_length(await self._count(address, text), address.context)
        exchange = await self._send(address, PATHS["embeddings"], plan)
        answer = await exchange.read(LARGEST_ANSWER)
        if exchange.status != OK:
            message = told_in(answer).get("message")
            raise UpstreamRefused(message) if exchange.status < 500 else UpstreamBroken(message)  # noqa: PLR2004
        body, usage = vectors(answer)
        return WholeAnswer(target, Event(Kind.WHOLE, body, target.model, Usage(input=usage["prompt_tokens"])))

    async def _send(self, address: Address, path: bytes, plan: Plan) -> Exchange:
        origin = Origin.parse(f"http://{address.host}:{address.port}", "The embedded engine")
        headers = f"authorization: Bearer {address.secret}\r\ncontent-type: application/json\r\n"
        return await self._client.send(origin, b"POST", path, headers.encode(), _encode(plan.body), PATIENCE)


def reader(call: Call, plan: Plan) -> ChatReader | TextReader:
    """Return who reads the engine's answer to *call*."""
    if isinstance(call.ask, ChatRequest):
        return ChatReader(plan, keeps_top=bool(call.ask.top_logprobs), id=call.id.removeprefix("req_"))
    return TextReader(call)


def refusal(call: Call, status: int, body: bytes) -> ParleyError:
    """Return the error that the engine's *status* means."""
    told = told_in(body)
    if told.get("type") == "exceed_context_size_error":
        part = "messages" if call.operation == "chat.completions" else "prompt"
        return UpstreamRefused(
            f"This model's maximum context length is {told.get('n_ctx')} tokens. However, your {part} resulted in "
            f"{told.get('n_prompt_tokens')} tokens. Please reduce the length of the {part}.",
            param=part,
            code="context_length_exceeded",
        )
    message = str(told.get("message") or f"status {status}")
    if status == UNAUTHORIZED:
        return UpstreamDenied("The embedded engine did not take our key.")
    if status == BAD_REQUEST and (place := schema_place(call)):
        return broken(place, "the model's grammar can't hold an answer to it")
    if status in (BAD_REQUEST, NOT_SUPPORTED):
        return UpstreamRefused(message)
    return UpstreamBroken(f"The embedded engine failed: {message}")


def schema_place(call: Call) -> str | None:
    """Return the parameter that holds the schemas of *call*, if it has any: what else the engine refuses, we do."""
    ask = call.ask
    if not isinstance(ask, ChatRequest):
        return None
    if ask.tools:
        return "tools[0].function.parameters" if len(ask.tools) == 1 else "tools"
    if ask.functions:
        return "functions[0].parameters" if len(ask.functions) == 1 else "functions"
    return "response_format.json_schema.schema" if isinstance(ask.response_format, SchemaAnswer) else None
