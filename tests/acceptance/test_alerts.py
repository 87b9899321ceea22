"""A spend alert, from the Administration API to the receiver of the webhook."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest
from asking import HELLO
from faults import Upstream
from gateways import until
from servers import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

Heard = tuple[dict[str, str], str]
"""Headers and body of an event."""
MAIL: Any = {"type": "email", "recipients": ["boss@example.org"]}
SECRET = "whsec_c2VjcmV0IHNlY3JldA=="
SETTINGS = """
[engine]
enabled = false
[alerts]
webhook = "{hook}"
secret = {{ env = "HOOK_SECRET" }}
every_seconds = 0.2
[upstreams.faulty]
base_url = "{url}"
[models."*"]
targets = ["faulty/*"]
price = {{ input = "0", output = "10000" }}
"""


class Receiver(BaseHTTPRequestHandler):
    """Takes events."""

    heard: list[Heard]

    def do_POST(self) -> None:
        """Keep the event."""
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[Heard]]]:
    """Lend the address of a receiver, and what it hears."""
    heard: list[Heard] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Hearing", (Receiver,), {"heard": heard}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    thread.join()
    server.server_close()


async def test_an_alert_is_told_once_and_signed(
    receiver: tuple[str, list[Heard]], tmp_path: Path, faulty: Upstream
) -> None:
    """The first call costs five cents, which is reached; the official client believes the event."""
    address, heard = receiver
    with serving(tmp_path, SETTINGS.format(hook=address, url=faulty.url), {"HOOK_SECRET": SECRET}) as server:
        admin, key = server.key("--admin"), server.key("--project", "shop")
        async with (
            openai.AsyncOpenAI(base_url=server.base_url, api_key="none", admin_api_key=admin) as boss,
            openai.AsyncOpenAI(base_url=server.base_url, api_key=key) as client,
        ):
            [project] = [it async for it in boss.admin.organization.projects.list() if it.name == "shop"]
            alert = await boss.admin.organization.projects.spend_alerts.create(
                project.id, currency="USD", interval="month", threshold_amount=5, notification_channel=MAIL
            )
            await asyncio.sleep(0.6)
            assert heard == []
            await client.chat.completions.create(model="ok", messages=HELLO)
            await until(lambda: bool(heard), "the event")
            await client.chat.completions.create(model="ok", messages=HELLO)
            await asyncio.sleep(0.6)
            [(headers, body)] = heard
            boss.webhooks.verify_signature(body, headers, secret=SECRET)
            kinds: Any = ["spend_alert.reached"]
            listed = await boss.admin.organization.audit_logs.list(event_types=kinds)
            assert len(listed.data) == 1
    told = json.loads(body)
    assert (told["type"], told["id"]) == ("spend_alert.reached", headers["webhook-id"])
    data = told["data"]
    assert (data["alert_id"], data["project_name"], data["threshold_amount"]) == (alert.id, "shop", 5)
    assert (data["spent"], data["recipients"]) == (0.05, ["boss@example.org"])
