"""`GET /v1/models` and `GET /v1/models/{model}`."""

import msgspec

from parley.api.calls import call_of
from parley.api.reply import HttpReply
from parley.api.request import Request
from parley.flows.models import list_models, retrieve_model
from parley.house import House
from parley.schema.models import ModelList, ModelObject
from parley.upstreams.routing import Model

_encode = msgspec.json.Encoder().encode


def shown(model: Model) -> ModelObject:
    """Return *model* as the wire shows it."""
    return ModelObject(id=model.id, created=model.created, owned_by=model.owned_by)


async def listing(request: Request, reply: HttpReply, house: House) -> None:
    """Answer with every model that has a name."""
    models = await list_models(call_of(request, "models.list"), reply, house)
    reply.body(_encode(ModelList(data=[shown(model) for model in models])))
    await reply.end()


async def one(request: Request, reply: HttpReply, house: House) -> None:
    """Answer with one model."""
    call = call_of(request, "models.retrieve")
    reply.body(_encode(shown(await retrieve_model(call, reply, house, request.params["model"]))))
    await reply.end()
