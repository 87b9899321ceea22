"""What a key of ours looks like: its head tells what it opens, and that it is no other server's."""

PROJECT_HEAD = "sk-parley-"
ADMIN_HEAD = "sk-admin-parley-"


def is_ours(secret: str) -> bool:
    """Tell whether *secret* is a key that a Parley made."""
    return secret.startswith((PROJECT_HEAD, ADMIN_HEAD))
