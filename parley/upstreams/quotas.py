"""What a provider's rate-limit headers ask of us: to rest before it has to refuse us.

OpenAI's are `x-ratelimit-remaining-requests` and `-tokens`, with `x-ratelimit-reset-*` beside them, written as `6m0s`
or `12ms` (platform.openai.com, "Rate limits in headers"). Others send the same names with plain seconds.
"""

import re
from collections.abc import Mapping

MEASURES = (b"requests", b"tokens")
_LEFT = tuple((b"x-ratelimit-remaining-" + name, b"x-ratelimit-reset-" + name) for name in MEASURES)
_PART = re.compile(rb"(\d+(?:\.\d+)?)(ms|h|m|s|)")
_UNITS = {b"h": 3600.0, b"m": 60.0, b"s": 1.0, b"": 1.0, b"ms": 0.001}


def rest(headers: Mapping[bytes, bytes]) -> float:
    """Return for how many seconds nothing more is taken, by *headers*; 0 where something is left."""
    found = 0.0
    for left, reset in _LEFT:
        if headers.get(left) == b"0":
            found = max(found, seconds(headers.get(reset, b"")))
    return found


def seconds(text: bytes) -> float:
    """Return what *text*, such as `1m0.5s`, `12ms` or `30`, means; 0 for anything else."""
    parts = _PART.findall(text)
    if b"".join(number + unit for number, unit in parts) != text:
        return 0.0
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
