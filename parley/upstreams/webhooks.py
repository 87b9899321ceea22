"""Webhooks: one event, sent to the address of the settings and signed, so that its receiver knows who sent it.

Signed as the specification "Standard Webhooks" (1.0) has it and as OpenAI's own are, so `client.webhooks.unwrap` of the
official client checks them: HMAC-SHA256 over `id.seconds.body`. How it fails: with UpstreamTimeout and UpstreamBroken,
and UpstreamRefused where the receiver does not answer with 2xx; whoever sends tries again with the same id.
"""

import base64
import binascii
import hashlib
import hmac

from parley.core.catalog import Timeouts
from parley.errors import SettingsError, UpstreamRefused
from parley.upstreams.client import Client, Origin

HEAD = "whsec_"
LARGEST_ANSWER = 64 * 1024
TIMEOUTS = Timeouts(connect=5.0, first_token=15.0, between_tokens=15.0, total=20.0)
_GOOD = range(200, 300)


class Webhook:
    """An address that is told of events. secret: what both sides know; `whsec_` and base64, or any text.

    Raises SettingsError where one of them is none.
    """

    def __init__(self, url: str, secret: str, client: Client) -> None:
        try:
            self._origin = Origin.parse(url, "The webhook's receiver")
        except SettingsError as error:
            raise SettingsError(f"alerts.webhook: {error.message}") from error
        self._key = _key(secret)
        self._client = client

    async def send(self, name: str, seconds: int, body: bytes) -> None:
        """Send *body*, the event called *name*, at *seconds* since 1970. Raises UpstreamError."""
        signature = sign(self._key, name, seconds, body)
        headers = (
            b"content-type: application/json\r\naccept: */*\r\n"
            + f"webhook-id: {name}\r\nwebhook-timestamp: {seconds}\r\nwebhook-signature: {signature}\r\n".encode()
        )
        path = (self._origin.base_path or "/").encode("ascii")
        exchange = await self._client.send(self._origin, b"POST", path, headers, body, TIMEOUTS)
        await exchange.read(LARGEST_ANSWER)
        if exchange.status not in _GOOD:
            raise UpstreamRefused(f"The webhook's receiver answered {exchange.status}.")


def sign(key: bytes, name: str, seconds: int, body: bytes) -> str:
    """Return the signature of *body*, the event called *name*, sent at *seconds* since 1970."""
    signed = f"{name}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    """Return the bytes that *secret* stands for. Raises SettingsError."""
    if not secret.startswith(HEAD):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(HEAD), validate=True)
    except binascii.Error as error:
        raise SettingsError("alerts.secret: what follows `whsec_` is not base64") from error
