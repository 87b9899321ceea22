"""The official client for Node: a stream, one that is lost and resumed, a run with a tool, and an error.

Its packages lie in `node/node_modules`; `make test` puts them there with `npm install`.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from servers import Server, environment

NODE = Path(__file__).parent / "node"


def run(program: str, server: Server, key: str) -> subprocess.CompletedProcess[str]:
    """Run *program* with *server* and *key* in its environment."""
    told = environment({"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": key})
    return subprocess.run(
        ["node", program], cwd=NODE, env=told, capture_output=True, text=True, check=False, timeout=100
    )


def told(program: str, server: Server, key: str) -> Any:
    """Return the JSON that *program* printed."""
    done = run(program, server, key)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_stream(parley: Server, key: str) -> None:
    """A streamed chat comes in pieces and ends with a reason and the usage."""
    answer = told("stream.mjs", parley, key)
    assert answer["pieces"] > 1
    assert answer["reason"] in ("stop", "length")
    assert answer["usage"]["total_tokens"] > answer["usage"]["completion_tokens"] > 0


def test_tools(parley: Server, key: str) -> None:
    """`runTools` calls our function with arguments that match, and sends its result back in a second call."""
    answer = told("tools.mjs", parley, key)
    assert answer["asked"]
    assert all(asked["room"] in ("hall", "kitchen") and isinstance(asked["on"], bool) for asked in answer["asked"])
    assert [message["role"] for message in answer["messages"]][:4] == ["user", "assistant", "tool", "assistant"]


def test_a_lost_stream_is_resumed(parley: Server) -> None:
    """With the ids of events and without, what came and what was resumed is the whole."""
    key = parley.key("--project", "draining")
    parley.run("budget", "set", "--project", "draining", "--drain")
    answer = told("resume.mjs", parley, key)
    assert len(answer["plain"]["whole"]) > 4
    for kind in ("plain", "numbered"):
        assert answer[kind]["first"] + answer[kind]["rest"] == answer[kind]["whole"]
    assert answer["plain"]["whole"] == answer["numbered"]["whole"]


def test_wrong_key(parley: Server) -> None:
    """A wrong key ends the program with AuthenticationError."""
    done = run("stream.mjs", parley, "sk-wrong")
    assert done.returncode == 1
    assert "AuthenticationError" in done.stderr
