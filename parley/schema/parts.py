"""The parts of a message's content: text, image, audio, file, refusal.

They are told apart by `type`. A part of an unknown type is refused by name; unknown fields of a part are let
through.
"""

from typing import Literal

from parley.schema.wire import Wire


class CacheBreakpoint(Wire):
    """Marks the end of a prompt prefix that is worth caching."""

    mode: Literal["explicit"]
    ttl: Literal["30m", "12h"] | None = None


class TextPart(Wire, tag_field="type", tag="text"):
    """Text."""

    text: str
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class PlainPart(Wire):
    """Text, where nothing else may stand: msgspec asks for a tag only where there is a choice, so this is none."""

    type: Literal["text"]
    text: str
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class ImageAddress(Wire):
    """Where an image is: a URL, or its data as a `data:` URL."""

    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(Wire, tag_field="type", tag="image_url"):
    """An image."""

    image_url: ImageAddress
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class AudioData(Wire):
    """Sound, as base64."""

    data: str
    format: Literal["wav", "mp3"]


class AudioPart(Wire, tag_field="type", tag="input_audio"):
    """Sound to listen to."""

    input_audio: AudioData
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class FileData(Wire):
    """A file: the id of one that was uploaded, or its data as base64."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(Wire, tag_field="type", tag="file"):
    """A file to read."""

    file: FileData
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class RefusalPart(Wire, tag_field="type", tag="refusal"):
    """What the model said when it refused."""

    refusal: str


Text = str | list[PlainPart]
"""What a system, developer or tool message may hold."""
UserContent = str | list[TextPart | ImagePart | AudioPart | FilePart]
"""What a user message may hold."""
AssistantContent = str | list[TextPart | RefusalPart]
"""What an assistant message may hold."""
