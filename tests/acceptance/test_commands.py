"""The command line as its users see it: real processes, their output and their exit status."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openai
import psutil
import pytest
from servers import Server, environment, serving

from parley import __version__
from parley.engine.shelf import BUILTIN_FILE

PATIENCE = 60
QUESTION = [{"role": "user", "content": "How do I return an item?"}]


def parley(*arguments: str | Path, said: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with *said* on its standard input."""
    command = [sys.executable, "-m", "parley", *map(str, arguments)]
    return subprocess.run(
        command, input=said, capture_output=True, text=True, env=environment(environ), check=False, timeout=PATIENCE
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence of a command that ended with status 2."""
    assert done.returncode == 2, done.stderr
    (sentence,) = done.stderr.splitlines()
    return sentence


@contextmanager
def started(*arguments: str | Path, workers: int = 1) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run `parley serve` in a terminal until the block ends; yields the process and all that it said when ready."""
    command = [sys.executable, "-m", "parley", "serve", "--listen", "127.0.0.1:0", "--workers", str(workers)]
    ours, theirs = os.openpty()
    plain = environment({"TERM": "dumb"})
    process = subprocess.Popen([*command, *map(str, arguments)], stdout=theirs, env=plain)
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8") as terminal:
        try:
            said = ""
            while not re.search(r"\n  -d '.*\n|parley key create.*\n", said):
                said += terminal.readline()
            yield process, said
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(PATIENCE)


def address(said: str) -> str:
    """Return the API's address from what a server said."""
    found = re.search(r"http://[\d.:]+/v1", said)
    assert found
    return found[0]


def ask(base_url: str, key: str, *, retries: int = 0) -> str:
    """Ask parley-mini a question and return its answer."""
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=retries) as client:
        answer = client.chat.completions.create(model="parley-mini", messages=QUESTION, max_tokens=20)  # type: ignore[arg-type]
    return answer.choices[0].message.content or ""


def test_the_first_start_shows_a_call_that_works_as_pasted(tmp_path: Path) -> None:
    """The three lines of curl, run by a shell, get an answer."""
    with started("--data", tmp_path) as (_, said):
        pasted = said[said.index("curl ") :]
        done = subprocess.run(["sh", "-c", pasted], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert pasted.count("\n") == 3
    assert json.loads(done.stdout)["model"] == "parley-mini"


def test_a_start_without_a_terminal_makes_no_key(tmp_path: Path) -> None:
    """A service's journal would keep it; the log names the settings and the data folder instead."""
    command = [sys.executable, "-m", "parley", "serve", "--listen", "127.0.0.1:0", "--data", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment({}))
    assert process.stdout
    while "parley key create" not in process.stdout.readline():
        assert process.poll() is None
    process.terminate()
    said, logged = process.communicate(timeout=PATIENCE)
    assert "sk-parley-" not in said + logged
    assert len(parley("key", "list", "--data", tmp_path).stdout.splitlines()) == 1
    lines = [json.loads(line) for line in logged.splitlines()]
    assert [line["event"] for line in lines] == ["started", "stopping", "stopped"]
    assert (lines[0]["data"], lines[0]["settings"], lines[0]["version"]) == (str(tmp_path), None, __version__)
    assert (lines[1]["why"], lines[1]["open_calls"], lines[2]["given_up"]) == ("SIGTERM", 0, 0)
    assert {line["pid"] for line in lines} == {process.pid}


def test_the_parent_of_workers_logs_their_start_and_stop(tmp_path: Path) -> None:
    """It says so once, each worker its own stop; the process ids tell whose line it is."""
    command = [sys.executable, "-m", "parley", "serve", "--listen", "127.0.0.1:0", "--workers", "2"]
    process = subprocess.Popen(
        [*command, "--data", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment({})
    )
    assert process.stdout
    while "parley key create" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    lines = [json.loads(line) for line in process.communicate(timeout=PATIENCE)[1].splitlines()]
    parents = [(line["event"], line.get("why")) for line in lines if line["pid"] == process.pid]
    assert parents == [("started", None), ("stopping", "SIGINT"), ("stopped", None)]
    workers = sorted((line["event"], line.get("why")) for line in lines if line["pid"] != process.pid)
    assert workers == [("stopped", None)] * 2 + [("stopping", "SIGINT")] * 2


def test_a_later_start_shows_no_key(tmp_path: Path) -> None:
    """With a key in the store it tells the address and how to make another."""
    parley("key", "create", "--data", tmp_path)
    with started("--data", tmp_path) as (_, said):
        assert "sk-parley-" not in said


def test_a_key_made_before_the_first_start_opens(tmp_path: Path) -> None:
    """`key create` prints only the key, and needs no server."""
    key = parley("key", "create", "--project", "shop", "--data", tmp_path).stdout
    assert re.fullmatch(r"sk-parley-\S+\n", key)
    with started("--data", tmp_path) as (_, said):
        assert ask(address(said), key.strip())


def test_a_key_made_meanwhile_opens_until_it_is_revoked(tmp_path: Path) -> None:
    """Both work beside a running server, at once; a revoked key is named by its prefix in the list."""
    with started("--data", tmp_path) as (_, said):
        key = parley("key", "create", "--name", "meanwhile", "--data", tmp_path).stdout.strip()
        assert ask(address(said), key)
        assert parley("key", "revoke", key, "--data", tmp_path).returncode == 0
        with pytest.raises(openai.AuthenticationError):
            ask(address(said), key)
    listed = json.loads(parley("key", "list", "--json", "--data", tmp_path).stdout)
    assert [entry["revoked_at"] is None for entry in listed] == [True, False]
    assert key not in parley("key", "list", "--data", tmp_path).stdout


def test_revoking_what_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """An unknown key ends with status 1 and says how to find the right one."""
    done = parley("key", "revoke", "nobody", "--data", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """It names the address, and no key is made."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        assert where in refused(parley("serve", "--listen", where, "--data", tmp_path))
    assert json.loads(parley("key", "list", "--json", "--data", tmp_path).stdout) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[server]\nlissten = 1", "server.lissten"),
        ("[server", "parley.toml"),
        ('[models.a]\ntargets=["x/y"]', "models"),
    ],
)
def test_wrong_settings_are_one_sentence(text: str, path: str, tmp_path: Path) -> None:
    """It names the path of what is wrong; `serve` and `check` say the same."""
    file = tmp_path / "parley.toml"
    file.write_text(text)
    sentence = refused(parley("serve", "--config", file, "--data", tmp_path))
    assert path in sentence
    assert refused(parley("check", "--config", file)) == sentence


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """So is a data folder that cannot be made."""
    assert "nowhere.toml" in refused(parley("check", "--config", tmp_path / "nowhere.toml"))
    (tmp_path / "file").touch()
    assert str(tmp_path) in refused(parley("serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "file" / "data"))


def test_check_shows_everything_but_secrets(tmp_path: Path) -> None:
    """Where keys are from, the prices, the database without its password; it touches nothing."""
    file = tmp_path / "parley.toml"
    file.write_text(
        '[store]\nurl = "postgresql://me:hidden@127.0.0.1:1/db"\n'
        '[upstreams.main]\nbase_url = "https://api.openai.com/v1"\nkey = { env = "MAIN_KEY" }\n'
        '[models."gpt-4o"]\ntargets = ["main/gpt-4o", "local/parley-mini"]\n'
    )
    done = parley("check", "--config", file, "--data", tmp_path / "data", MAIN_KEY="very-secret")
    assert done.returncode == 0, done.stderr
    for shown in ("MAIN_KEY: there", "genai-prices", "free", "postgresql://me:***@127.0.0.1:1/db"):
        assert shown in done.stdout
    assert not re.search("hidden|very-secret", done.stdout + done.stderr)
    assert not (tmp_path / "data").exists()


def test_check_names_a_missing_key(tmp_path: Path) -> None:
    """A secret that is not there is said with its path, and ends with status 2."""
    file = tmp_path / "parley.toml"
    file.write_text('[upstreams.main]\nbase_url = "http://h/v1"\nkey = { env = "NOT_THERE" }\n')
    assert "upstreams.main.key" in refused(parley("check", "--config", file, "--data", tmp_path))


def test_a_model_is_added_called_and_removed(tmp_path: Path) -> None:
    """A GGUF file is copied with its checksum shown; a running server offers it until it is removed."""
    with started("--data", tmp_path) as (_, said):
        added = parley("model", "add", BUILTIN_FILE, "--name", "twin", "--data", tmp_path).stdout
        listed = json.loads(parley("model", "list", "--json", "--data", tmp_path).stdout)
        assert listed[1]["sha256"] in added
        key = parley("key", "create", "--data", tmp_path).stdout.strip()
        with openai.OpenAI(base_url=address(said), api_key=key) as client:
            answer = client.chat.completions.create(model="twin", messages=QUESTION, max_tokens=5)  # type: ignore[arg-type]
            assert answer.model == "twin"
            assert parley("model", "remove", "twin", "--data", tmp_path).returncode == 0
            assert "twin" not in {model.id for model in client.models.list()}


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    """A file that is not GGUF is not taken, and leaves nothing behind."""
    (tmp_path / "x.gguf").write_bytes(b"nothing")
    done = parley("model", "add", tmp_path / "x.gguf", "--data", tmp_path / "data")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert parley("model", "list", "--data", tmp_path / "data").stdout.count("\n") == 2


def test_a_running_answer_ends_after_sigterm(tmp_path: Path) -> None:
    """The stream is told to its end, and the server then leaves with status 0."""
    key = parley("key", "create", "--data", tmp_path).stdout.strip()
    with (
        started("--data", tmp_path) as (process, said),
        openai.OpenAI(base_url=address(said), api_key=key) as client,
        client.chat.completions.create(model="parley-mini", messages=QUESTION, max_tokens=400, stream=True) as stream,  # type: ignore[call-overload]
    ):
        chunks = iter(stream)
        next(chunks)
        process.terminate()
        assert [chunk.choices[0].finish_reason for chunk in chunks][-1] in {"stop", "length"}
        assert process.wait(PATIENCE) == 0


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the workers of a server, without their models."""
    return psutil.Process(process.pid).children()


def wait_until_gone(processes: list[psutil.Process]) -> None:
    """Wait for processes that are not our own children."""
    _, alive = psutil.wait_procs(processes, PATIENCE)
    assert not alive


def test_a_killed_worker_is_started_again(tmp_path: Path) -> None:
    """The other one answers meanwhile; then there are two again, and all of them end well."""
    key = parley("key", "create", "--data", tmp_path).stdout.strip()
    with started("--data", tmp_path, workers=2) as (process, said):
        first, second = workers_of(process)
        first.kill()
        assert ask(address(said), key, retries=2)
        until = time.monotonic() + PATIENCE
        while len(workers_of(process)) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert second in workers_of(process)
        assert len(workers_of(process)) == 2
        process.terminate()
        assert process.wait(PATIENCE) == 0
        wait_until_gone([second])


def test_no_worker_outlives_its_parent(tmp_path: Path) -> None:
    """When the parent is killed, the workers stop by themselves."""
    with started("--data", tmp_path, workers=2) as (process, _):
        orphans = workers_of(process)
        process.kill()
        wait_until_gone(orphans)


def test_every_worker_knows_a_revoked_key(tmp_path: Path) -> None:
    """A key that is revoked is dead at once in every process."""
    key = parley("key", "create", "--data", tmp_path).stdout.strip()
    with started("--data", tmp_path, workers=2) as (_, said):
        answers = [ask(address(said), key) for _ in range(6)]
        parley("key", "revoke", key, "--data", tmp_path)
        assert all(answers)
        for _ in range(6):
            with pytest.raises(openai.AuthenticationError):
                ask(address(said), key)


def test_a_chat_runs_on_a_server_of_its_own(tmp_path: Path) -> None:
    """Where nobody listens it brings its own server, keeps the talk, and leaves no key that opens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"127.0.0.1:{free.getsockname()[1]}"
    said = "Hello!\nAnd again.\n/clear\n/model parley-mini\n/quit\n"
    done = parley("chat", "--data", tmp_path, said=said, PARLEY_SERVER__LISTEN=nobody)
    assert done.returncode == 0, done.stderr
    tokens = [int(found) for found in re.findall(r"(\d+) tokens in, \d+ out, ", done.stdout)]
    assert len(tokens) == 2
    assert tokens[1] > tokens[0]
    keys = json.loads(parley("key", "list", "--json", "--data", tmp_path).stdout)
    assert [entry["revoked_at"] is not None for entry in keys] == [True]


def test_a_chat_tells_an_error_in_one_line(parley: Server) -> None:
    """A wrong key is told in the server's own words, and ends a talk that comes from a pipe."""
    command = [sys.executable, "-m", "parley", "chat", "parley-mini", "--url", parley.url, "--key", "sk-wrong"]
    done = subprocess.run(
        command, input="Hello\n", capture_output=True, text=True, env=environment({}), check=False, timeout=PATIENCE
    )
    assert done.returncode == 1
    assert re.fullmatch(r"parley: Incorrect API key provided: .*\n", done.stderr)


def test_a_piped_talk_ends_where_a_call_fails(parley: Server) -> None:
    """With status 1 and the reason on standard error; that the model is not listed was said before."""
    command = [sys.executable, "-m", "parley", "chat", "no-such-model", "--url", parley.url]
    told = environment({"OPENAI_API_KEY": parley.key()})
    done = subprocess.run(
        command, input="Hello\nAgain\n", capture_output=True, text=True, env=told, check=False, timeout=PATIENCE
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no-such-model" in done.stderr
    assert "The server does not list no-such-model" in done.stdout


def test_the_demo_goes_through() -> None:
    """It ends with status 0, has shown the refusal of a wrong key, and its records."""
    done = parley("demo", PARLEY_STORE__URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert done.returncode == 0, done.stderr
    assert "AuthenticationError (401)" in done.stdout
    assert done.stdout.count("200 answered") == 16
    assert done.stdout.count('get_order({"order_id": "KX4411-202"})') == 2  # in Chinese and in English


def test_help_loads_no_heavy_module() -> None:
    """What costs time is loaded only by the command that needs it."""
    program = "import sys, parley.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"openai", "sqlalchemy", "uvicorn", "genai_prices", "bpe_openai", "rich.progress"} & {*loaded}


def test_a_log_in_a_pipe_is_json(tmp_path: Path) -> None:
    """Every line that a server writes on standard error is a JSON object."""
    wrong = "sk-wrong-0123456789-abcd"
    with serving(tmp_path, "") as server, openai.OpenAI(base_url=server.base_url, api_key=wrong) as client:
        with pytest.raises(openai.AuthenticationError):
            client.models.list(extra_headers={"X-Forwarded-For": "203.0.113.7"})
        lines = server.log().splitlines()
        assert json.loads(lines[0])["event"] == "started"
        told = json.loads(lines[1])
        assert (told["event"], told["client"], told["forwarded_for"]) == ("no valid key", "127.0.0.1", "203.0.113.7")
        assert told["key"] == "sk-wr***abcd"
        assert wrong not in server.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_server_well(number: signal.Signals, tmp_path: Path) -> None:
    """SIGTERM and Ctrl+C both end with status 0."""
    with started("--data", tmp_path) as (process, _):
        os.kill(process.pid, number)
        assert process.wait(PATIENCE) == 0
