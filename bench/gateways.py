"""What is measured: Parley as its users start it, nginx as a reverse proxy, and any gateway that runs already.

Each stands before the same upstream, on the gateway's core. Everything they write lies in one new folder below
`bench/out`, on the real disk: SQLite's fsync is part of what a call costs. Fails with RuntimeError, which carries the
end of the log of what did not start.
"""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from bench.processes import GATEWAY_CORE, LOAD_CORE, free_port, pin, running, tree, wait_for_port

HERE = Path(__file__).parent
OUT = HERE / "out"

PARLEY = """\
[server]
listen = "127.0.0.1:{port}"
[upstreams.main]
base_url = "http://127.0.0.1:{upstream}/v1"
[models."{model}"]
targets = ["main/{model}"]
price = {{ input = "2.50", output = "10.00" }}
[upstreams.down]
base_url = "http://127.0.0.1:9/v1"
[models.stormy]
targets = ["down/{model}", "main/{model}"]
price = {{ input = "2.50", output = "10.00" }}
"""

NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.err;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_body_buffer_size 128k;
    keepalive_requests 100000000;
    upstream provider {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 100000000; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ proxy_pass http://provider; }}
        location /streams/ {{ proxy_pass http://provider/; proxy_buffering off; }}
    }}
}}
"""


@dataclass(frozen=True)
class Gateway:
    """A server that can be called: on loopback *port*, with *key*; *pid* is whose CPU time counts (0: nobody's)."""

    name: str
    port: int
    pid: int = 0
    key: str = ""
    model: str = "gpt-4o"
    streams: str = ""  # what stands before the path of a call that is streamed
    metrics: bool = False  # whether `/metrics` tells `parley_open_calls`
    process: subprocess.Popen[bytes] | None = None


@dataclass(frozen=True)
class Plan:
    """What the command line asked for."""

    seconds: float = 3.0
    rounds: int = 5
    upstream_port: int = 0
    other: Gateway | None = None
    postgres: str = ""


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """Make a folder on the disk of this checkout; it is removed at the end."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=OUT, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextlib.contextmanager
def upstream(folder: Path, port: int = 0) -> Iterator[Gateway]:
    """Run the fake upstream on the load's core."""
    port, log = port or free_port(), folder / "upstream.log"
    command = [*pin(LOAD_CORE), sys.executable, "-m", "bench.upstream", str(port)]
    with running(command, log) as process:
        wait_for_port(port, process, log)
        yield Gateway("direct", port, process.pid)


@contextlib.contextmanager
def nginx(folder: Path, upstream_port: int) -> Iterator[Gateway]:
    """Run nginx with one worker on the gateway's core; the worker's CPU time counts."""
    port, log, settings = free_port(), folder / "nginx.log", folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, port=port, upstream=upstream_port))
    with running([*pin(GATEWAY_CORE), "nginx", "-c", str(settings), "-e", str(log)], log) as process:
        wait_for_port(port, process, log)
        yield Gateway("nginx", port, tree(process.pid)[1], streams="/streams")


def make_parley(folder: Path, upstream_port: int) -> tuple[list[str], int]:
    """Write Parley's settings; return the options that every command takes, and the port."""
    port, settings = free_port(), folder / "parley.toml"
    settings.write_text(PARLEY.format(port=port, upstream=upstream_port, model="gpt-4o"))
    return ["--config", str(settings), "--data", str(folder / "data")], port


def create_key(options: list[str]) -> str:
    """Return a new project key."""
    made = subprocess.run(
        [sys.executable, "-m", "parley", "key", "create", *options], check=True, capture_output=True, text=True
    )
    return made.stdout.strip()


@contextlib.contextmanager
def parley(folder: Path, upstream_port: int) -> Iterator[Gateway]:
    """Run Parley as its users do, on the gateway's core: keys, ledger and audit on, SQLite with full durability."""
    options, port = make_parley(folder, upstream_port)
    key, log = create_key(options), folder / "parley.log"
    with running([*pin(GATEWAY_CORE), sys.executable, "-m", "parley", "serve", *options], log) as process:
        wait_for_port(port, process, log)
        yield Gateway("parley", port, process.pid, key, metrics=True, process=process)


@contextlib.contextmanager
def arena(plan: Plan) -> Iterator[tuple[Gateway, Gateway, Gateway]]:
    """Run all three: what is measured (Parley, or the other gateway of *plan*), nginx, and the upstream itself."""
    with workplace() as folder, contextlib.ExitStack() as stack:
        direct = stack.enter_context(upstream(folder, plan.upstream_port))
        proxy = stack.enter_context(nginx(folder, direct.port))
        ours = plan.other or stack.enter_context(parley(folder, direct.port))
        yield ours, proxy, replace(direct, model=ours.model)


def other(url: str, key: str, pid: int, model: str) -> Gateway:
    """Return a gateway that runs already. Raises ValueError unless *url* is plain HTTP on loopback."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "localhost"} or parts.port is None:
        raise ValueError(f"--gateway {url}: it has to be http://127.0.0.1:PORT")
    return Gateway("other", parts.port, pid, key, model)
