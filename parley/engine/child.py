"""The child: one llama.cpp server on loopback, alive as long as its parent.

Run as `python -m parley.engine.child`. It reads one line of JSON (`Order`) from standard input, loads the
model, prints one line of JSON (`Ready`) and then waits for the end of its input: when the parent closes it or
dies, the child is gone at once. The secret comes with the order, so no list of processes shows it.
llama.cpp's errors go to standard error. Where the model cannot be loaded it exits with status 1.
"""

import ctypes
import http.client
import os
import signal
import sys
from pathlib import Path

import msgspec
import xllamacpp

from parley.engine import gguf
from parley.engine.order import Order, Ready
from parley.errors import InvalidRequest

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
ERRORS_ONLY = 1
WORTH_A_THREAD = 256 << 20  # bytes
GRAIN = 256  # llama.cpp rounds a context up to this
LARGEST_DEFAULT = 8192  # tokens of one call where nobody asked for more: memory stays sane
CACHE_MEBIBYTES = 256  # finished conversations kept for their next turn; llama.cpp's own default is 8192
HTTP_THREADS = 128  # each open call holds one, waiting ones too; with all taken not even /tokenize is answered


def main() -> None:
    """Serve until standard input ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a stop reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    try:
        server = xllamacpp.Server(parameters(order))
    except (InvalidRequest, RuntimeError) as error:  # llama.cpp has said more on standard error
        sys.exit(str(error))
    port = int(server.listening_address.rpartition(":")[2])
    sys.stdout.buffer.write(msgspec.json.encode(_look(port, order)) + b"\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    os._exit(0)  # llama.cpp's orderly end would wait for running answers


def parameters(order: Order) -> xllamacpp.CommonParams:
    """Return llama.cpp's parameters for *order*. Raises InvalidRequest where the file is broken."""
    header = gguf.read(Path(order.path))
    p = xllamacpp.CommonParams()
    p.model.path = order.path
    p.model_alias = {order.name}
    p.hostnames = ["127.0.0.1"]
    p.port = 0
    p.api_keys = [order.secret]
    p.n_threads_http = HTTP_THREADS
    p.n_parallel = order.parallel
    p.n_ctx = order.parallel * share(order.context, header.context)
    p.cont_batching = True
    p.use_jinja = True
    p.prefill_assistant = False  # an assistant's message at the end is history, not a beginning to go on from
    p.cache_prompt = True
    p.cache_ram_mib = CACHE_MEBIBYTES
    p.warmup = False
    p.ui = False
    p.endpoint_slots = False
    p.endpoint_metrics = False
    p.endpoint_props = False
    p.verbosity = ERRORS_ONLY
    threads = order.threads or fitting(Path(order.path).stat().st_size, _cores())
    p.cpuparams.n_threads = threads
    p.cpuparams_batch.n_threads = threads
    if order.purpose == "embed":
        _prepare_embedding(p, header)
    return p


def share(wanted: int, trained: int) -> int:
    """Return the context of one call: *wanted* tokens (0: at most 8192), never more than *trained*."""
    size = wanted or LARGEST_DEFAULT
    size = min(size, trained) if trained else size
    return -(-size // GRAIN) * GRAIN


def fitting(size: int, cores: int) -> int:
    """Return how many threads pay for a model of *size* bytes: one per 256 MiB, at most one per core.

    They wait for each other in a busy loop after every operation. In a small model that costs more than it gains,
    and ten times more where something else wants a core too (measured with a model of 10 MB beside a busy process:
    640 tokens a second with one thread, 58 with two).
    """
    return min(cores, 1 + size // WORTH_A_THREAD)


def _cores() -> int:
    """Return how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _prepare_embedding(p: xllamacpp.CommonParams, header: gguf.Header) -> None:
    p.embedding = True
    p.n_batch = p.n_ubatch = p.n_ctx // p.n_parallel  # an input is read in one piece, or refused
    if not header.pools:
        p.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN


def _look(port: int, order: Order) -> Ready:
    """Ask the server itself what one call gets."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/props", headers={"Authorization": f"Bearer {order.secret}"})
    props = msgspec.json.decode(connection.getresponse().read())
    connection.close()
    header = gguf.read(Path(order.path))
    return Ready(
        port=port,
        context=props["default_generation_settings"]["n_ctx"],
        parallel=props["total_slots"],
        vision=props["modalities"]["vision"],
        vocabulary=gguf.vocabulary(Path(order.path)),
        forms=header.forms,
        certain=header.certain,
    )


if __name__ == "__main__":
    main()
