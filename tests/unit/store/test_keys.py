"""What is stored of a key."""

import hashlib

from parley.store.keys import digest


def test_a_key_is_kept_as_its_sha256() -> None:
    """32 bytes, the same each time."""
    assert digest("sk-parley-a") == hashlib.sha256(b"sk-parley-a").digest()


def test_half_a_character_has_a_digest_too() -> None:
    """A header may hold anything; it must lead to "unknown key", not to a crash."""
    assert len(digest("\udc80")) == 32
