"""The models a caller may ask for."""

from parley.core.call import Call
from parley.core.reply import Reply
from parley.house import House
from parley.upstreams.routing import Model


async def list_models(call: Call, reply: Reply, house: House) -> list[Model]:
    """Return every model that has a name. Raises Unauthenticated."""
    await house.keys.identify(call)
    reply.authenticated = True
    return house.routes.models(house.started // 1_000_000_000)


async def retrieve_model(call: Call, reply: Reply, house: House, name: str) -> Model:
    """Return the model *name*. Raises Unauthenticated, NoSuchModel."""
    await house.keys.identify(call)
    reply.authenticated = True
    return house.routes.model(name, house.started // 1_000_000_000)
