"""The API's table: every operation we offer, on one screen."""

from dataclasses import replace

from parley.api import health, models, stored, streams
from parley.api.admin import table as admin
from parley.api.calls import calling, calling_engine
from parley.api.openapi import document
from parley.api.reply import HttpReply
from parley.api.request import Request
from parley.api.routes import Route
from parley.house import House
from parley.schema import stored as stored_schema
from parley.schema.answers import ChatCompletion
from parley.schema.chat import ChatRequest
from parley.schema.completions import Completion, CompletionRequest
from parley.schema.embeddings import EmbeddingList, EmbeddingRequest
from parley.schema.models import ModelList, ModelObject
from parley.schema.stored import StoredDeleted, StoredList, StoredMessageList, StoredUpdate
from parley.schema.wire import Metadata

CALL = (400, 401, 403, 404, 408, 409, 413, 431, 500, 502, 503, 504)
READ = (400, 401, 403, 404, 408, 413, 431, 500, 503)
OPEN = (400, 408, 413, 431, 500, 503)
CHAT = "/v1/chat/completions"
ONE = CHAT + "/{completion_id}"
PAGE = (
    ("after", str, "The id of the last item of the page before."),
    ("limit", stored_schema.Limit, "How many items; default 20."),
    ("order", stored_schema.Order, "By age; default asc."),
)
MODEL = ("model", str, "Only those of this model.")
LABELS = ("metadata", Metadata, "Only those with these pairs: metadata[key]=value.")

_document: list[bytes] = []


async def openapi(_: Request, reply: HttpReply, __: House) -> None:
    """Answer with this API's own description."""
    if not _document:
        _document.append(document(ROUTES))
    reply.body(_document[0])
    await reply.end()


def _call(path: str, operation: str, summary: str, body: type, answer: type, *, streaming: bool = True) -> Route:
    """Return the route of an operation that a model answers."""
    endpoint = calling(operation, streams=streaming)
    return Route("POST", path, operation, summary, endpoint, body, answer, streaming, statuses=CALL, once=True)


def _older(route: Route) -> Route:
    """Return where clients from before 1.0 go with `engine=`: the model stands in the path."""
    path = route.path.replace("/v1/", "/v1/engines/{model}/")
    summary = route.summary.removesuffix(".") + ", for older clients."
    return replace(
        route,
        path=path,
        operation=f"engines.{route.operation}",
        summary=summary,
        endpoint=calling_engine(route.operation, streams=route.streams),
    )


CALLS = (
    _call(CHAT, "chat.completions", "Answer a conversation.", ChatRequest, ChatCompletion),
    _call("/v1/completions", "completions", "Continue a text.", CompletionRequest, Completion),
    _call("/v1/embeddings", "embeddings", "Embed texts.", EmbeddingRequest, EmbeddingList, streaming=False),
)
ROUTES: tuple[Route, ...] = (
    *CALLS,
    *map(_older, CALLS),
    Route("GET", CHAT, "chat.completions.list", "List stored chat completions.", stored.listing,
          answer=StoredList, query=(*PAGE, MODEL, LABELS), statuses=READ),
    Route("GET", ONE, "chat.completions.retrieve", "Get a stored chat completion.", stored.one,
          answer=ChatCompletion, statuses=READ),
    Route("POST", ONE, "chat.completions.update", "Replace its metadata.", stored.update,
          body=StoredUpdate, answer=ChatCompletion, statuses=READ),
    Route("DELETE", ONE, "chat.completions.delete", "Forget it.", stored.delete,
          answer=StoredDeleted, statuses=READ),
    Route("GET", ONE + "/messages", "chat.completions.messages", "List the messages it was asked with.",
          stored.messages, answer=StoredMessageList, query=PAGE, statuses=READ),
    Route("GET", "/v1/streams/{stream_id}", "streams.retrieve", "Get the rest of a stream that was lost.", streams.rest,
          query=(("starting_after", streams.Number, "How many of its events you have; default 0."),),
          statuses=READ, media="text/event-stream"),
    Route("GET", "/v1/models", "models.list", "List the models.", models.listing, answer=ModelList, statuses=READ),
    Route("GET", "/v1/models/{model}", "models.retrieve", "Get a model.", models.one,
          answer=ModelObject, statuses=READ),
    *admin.ROUTES,
    Route("GET", "/healthz", "health", "Tell that the process lives.", health.healthz,
          answer=health.Health, secured=False, statuses=OPEN),
    Route("GET", "/readyz", "ready", "Tell whether calls can be recorded.", health.readyz,
          answer=health.Health, secured=False, statuses=OPEN),
    Route("GET", "/metrics", "metrics", "Tell what was counted.", health.metrics,
          secured=False, statuses=OPEN, media="text/plain"),
    Route("GET", "/status", "status", "Tell how the targets are.", health.status,
          answer=health.Status, secured=False, statuses=OPEN),
    Route("GET", "/openapi.json", "openapi", "Describe this API.", openapi, secured=False, statuses=OPEN),
)  # fmt: skip
