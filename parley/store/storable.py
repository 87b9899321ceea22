"""Text as every database keeps it: PostgreSQL has no NUL, and half a surrogate pair is no character anywhere.

Clients can send both in a model's name. The call must be recorded all the same.
"""


def storable(text: str) -> str:
    """Return *text* with U+FFFD or `?` in place of what cannot be stored."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
