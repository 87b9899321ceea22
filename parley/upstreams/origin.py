"""Where an upstream lives: scheme, host, port and the path that all its endpoints share.

Settings hand us a base URL; everything that must not stand in one (credentials, a query, a fragment) is
refused here, once, at start-up, so that no later message or log line can carry it.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from parley.errors import SettingsError

SOMEBODY = "The upstream"  # as errors call it where nobody has given it a name
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
_PATH = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Origin:
    """A place that answers HTTP.

    scheme: `http` or `https`. host: a lower-case name or an address, an IPv6 one without brackets.
    base_path: what stands before every endpoint, such as `/v1`; no slash at its end, so `""` for none.
    name: what people call it, in errors. address: `host:port`. key: tells connections apart; the base path does
    not count.
    """

    scheme: str
    host: str
    port: int
    base_path: str = ""
    name: str = SOMEBODY
    address: str = field(init=False, repr=False, compare=False)
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        address = f"{self._bracketed()}:{self.port}"
        object.__setattr__(self, "address", address)
        object.__setattr__(self, "key", f"{self.name} {self.scheme}://{address}")

    @classmethod
    def parse(cls, url: str, name: str = SOMEBODY) -> "Origin":
        """Return the origin of a base URL such as `https://api.example.com/v1`; *name* is how errors call it.

        Raises SettingsError for anything else; the message never repeats credentials.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            host = _host(parts.hostname or "")
        except ValueError as error:
            raise SettingsError(f"This base URL is not one: {error}.") from None
        _refuse(parts)
        port = _PORTS[parts.scheme] if port is None else port
        return cls(parts.scheme, host, port, parts.path.rstrip("/"), name)

    @property
    def host_header(self) -> bytes:
        """Return the value of the `host` header; the scheme's own port is left out."""
        usual = self.port == _PORTS[self.scheme]
        return (self._bracketed() if usual else self.address).encode("ascii")

    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def _host(name: str) -> str:
    """Return *name* as it goes on the wire; ValueError if it is no host."""
    if ":" in name:
        return str(ipaddress.IPv6Address(name))
    wire = name.encode("idna").decode("ascii").lower()
    if not _NAME.fullmatch(wire):
        raise ValueError("it names no host")
    return wire


def _refuse(parts: SplitResult) -> None:
    if parts.scheme not in _PORTS:
        raise SettingsError("A base URL starts with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise SettingsError("A base URL may not carry credentials; give the key as `key`.")
    if parts.query or parts.fragment:
        raise SettingsError("A base URL may not carry a query or a fragment.")
    if parts.port == 0 or not _PATH.fullmatch(parts.path):
        raise SettingsError("This base URL has an impossible port or path.")
