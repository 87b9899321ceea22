"""Webhooks: what is sent is what the official client believes."""

import time

import openai
import pytest

from parley.errors import SettingsError
from parley.upstreams.client import Client
from parley.upstreams.webhooks import Webhook, sign

BODY = b'{"type":"spend_alert.reached"}'


@pytest.mark.parametrize("secret", ["whsec_c2VjcmV0IHNlY3JldA==", "any text"])
async def test_the_official_client_believes_a_signature(secret: str) -> None:
    """Of a secret in either form; a changed body is not believed."""
    webhook = Webhook("http://127.0.0.1:1/hook", secret, Client())
    now = int(time.time())
    signature = sign(webhook._key, "evt_1", now, BODY)
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(now), "webhook-signature": signature}
    with openai.OpenAI(api_key="none", webhook_secret=secret) as client:
        client.webhooks.verify_signature(BODY.decode(), headers)
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.verify_signature(BODY.decode() + " ", headers)


@pytest.mark.parametrize(
    ("url", "secret", "what"),
    [("ftp://host/", "s", "alerts.webhook: "), ("http://host/", "whsec_!", "alerts.secret: ")],
)
def test_what_is_none_is_named(url: str, secret: str, what: str) -> None:
    """By the setting's path, and without the secret."""
    with pytest.raises(SettingsError, match=what) as failure:
        Webhook(url, secret, Client())
    assert secret not in failure.value.message or secret == "s"
