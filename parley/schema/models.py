"""The models a client may ask for."""

from parley.schema.wire import Wire


class ModelObject(Wire, tag_field="object", tag="model"):
    """A model; `created` is in seconds since 1970."""

    id: str
    created: int
    owned_by: str


class ModelList(Wire, tag_field="object", tag="list"):
    """All models that the caller may use."""

    data: list[ModelObject]
