"""The smaller objects of a chat request: audio, moderation, prediction, prompt cache, web search."""

from typing import Literal

from parley.schema.parts import Text
from parley.schema.wire import Wire


class VoiceReference(Wire):
    """A voice made from samples."""

    id: str


class AudioOptions(Wire):
    """How a spoken answer sounds."""

    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]
    voice: str | VoiceReference


class ModerationMode(Wire):
    """What moderation does."""

    mode: Literal["score", "block"]


class ModerationPolicy(Wire):
    """What moderation does with what comes in and what goes out."""

    input: ModerationMode | None = None
    output: ModerationMode | None = None


class ModerationOptions(Wire):
    """The moderation of this call."""

    model: str
    policy: ModerationPolicy | None = None


class Prediction(Wire):
    """What most of the answer will be."""

    type: Literal["content"]
    content: Text


class CacheOptions(Wire):
    """How the prompt is cached."""

    mode: Literal["implicit", "explicit"] | None = None
    ttl: Literal["30m"] | None = None


class Place(Wire):
    """Roughly where the user is."""

    city: str | None = None
    country: str | None = None
    region: str | None = None
    timezone: str | None = None


class UserLocation(Wire):
    """Roughly where the user is."""

    type: Literal["approximate"]
    approximate: Place


class SearchOptions(Wire):
    """How the web is searched."""

    search_context_size: Literal["low", "medium", "high"] | None = None
    user_location: UserLocation | None = None
