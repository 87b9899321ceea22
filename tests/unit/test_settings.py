"""The settings: what is read, what is refused, and that the error names the place."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from parley.core.money import FREE
from parley.errors import SettingsError
from parley.settings import OPENAI_URL, PriceSettings, Secret, Settings, chosen_price, load

CONTRACT = """
[server]
listen = "127.0.0.1:8080"
[store]
url = "sqlite:///parley.db"              # or postgresql://...
[upstreams.main]
kind = "openai"
base_url = "https://api.example.com/v1"
key = { env = "EXAMPLE_API_KEY" }        # or { file = "..." }
[models."gpt-4o"]
targets = ["main/gpt-4o", "local/parley-mini"]        # in order of preference
price = { input = "2.50", output = "10.00" }          # dollars per million tokens
[models."*"]
targets = ["main/*"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a parley.toml that is not there yet."""
    return tmp_path / "parley.toml"


def read(file: Path, text: str, **environ: str) -> Settings:
    """Return the settings of *text*."""
    file.write_text(text, "utf-8")
    return load(file, environ)


def refused(file: Path, text: str, **environ: str) -> str:
    """Return the words with which *text* is refused."""
    with pytest.raises(SettingsError) as failure:
        read(file, text, **environ)
    return failure.value.message


def test_the_contract_is_read(file: Path) -> None:
    """The form that users rely on."""
    settings = read(file, CONTRACT)
    assert settings.server.address == ("127.0.0.1", 8080)
    assert settings.store.url == "sqlite:///parley.db"
    assert settings.upstreams["main"].key == Secret(env="EXAMPLE_API_KEY")
    assert settings.models["gpt-4o"].targets == ["main/gpt-4o", "local/parley-mini"]
    assert list(settings.listed) == ["gpt-4o"]


def test_no_file_is_needed() -> None:
    """The defaults are a working server."""
    assert load(None, {}) == Settings()


def test_openai_is_an_upstream_when_its_key_is_there() -> None:
    """Without a file; every model passes through."""
    settings = load(None, {"OPENAI_API_KEY": "sk-x"})
    assert settings.upstreams["openai"].base_url == OPENAI_URL
    assert settings.models["*"].targets == ["openai/*"]


@pytest.mark.parametrize("key", ["sk-parley-x", "sk-admin-parley-x"])
def test_a_key_of_ours_leads_nowhere(key: str) -> None:
    """Whoever did the first steps has it in OPENAI_API_KEY, for clients: OpenAI must not get to see it."""
    assert load(None, {"OPENAI_API_KEY": key}) == Settings()


def test_a_file_says_all(file: Path) -> None:
    """With a file the environment's key makes no upstream."""
    assert read(file, "", OPENAI_API_KEY="sk-x").upstreams == {}


UP = '[upstreams.a]\nbase_url = "https://a.example/v1"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wibble = 1", "wibble: there is no such setting"),
        ("[server]\nlisen = 'x'", "server.lisen: there is no such setting; did you mean listen?"),
        ("[server]\nworkers = 0", "server.workers: must be a whole number from 1 to 256, not 0"),
        ("[server]\nworkers = 'two'", "server.workers: must be a whole number from 1 to 256, not text"),
        ("server = 5", "server: must be a table, not 5"),
        (UP + "wibble = 1", "upstreams.a.wibble: there is no such setting"),
        (UP + "kind = 'telepathy'", 'upstreams.a.kind: must be "openai", not "telepathy"'),
        (UP + "key = 'sk-literal'", 'upstreams.a.key: must be { env = "NAME" } or { file = "PATH" }, not text'),
        (UP + "key = { env = 'A', file = 'b' }", "either { env"),
        (UP + "key = {}", "either { env"),
        (UP + "timeouts = { connect = 0 }", "upstreams.a.timeouts.connect: must be a number above 0, not 0"),
        (
            UP + "price = 'cheap'",
            'upstreams.a.price: must be { input = "2.50", output = "10.00" } or "free", not "cheap"',
        ),
        (UP + "price = { input = '1' }", "upstreams.a.price.output: this setting is missing"),
        ("[upstreams.a]", "upstreams.a.base_url: this setting is missing"),
        (UP + "price = { input = '-1', output = '1' }", 'input = "-1" is not an amount'),
        (UP + "price = { input = '1', output = 'NaN' }", 'output = "NaN" is not an amount'),
        (UP + "price = { input = 'Infinity', output = '1' }", 'input = "Infinity" is not an amount'),
        ("[upstreams.local]\nbase_url = 'https://a.example'", "upstreams.local: the name is taken"),
        ("[upstreams.'a/b']\nbase_url = 'https://a.example'", "upstreams.a/b: "),
        ("[models.m]\ntargets = []", 'models."m".targets: must be a list of text, at least one, not an empty list'),
        ("[models.m]\ntargets = ['b/x']", 'models."m".targets: `b/x`'),
        ("[models.m]\ntargets = ['local']", 'models."m".targets: `local`'),
        (UP + "[models.'g*t']\ntargets = ['a/*']", 'models."g*t": `*` can only be a name\'s last sign'),
        (UP + "[models.m]\ntargets = ['a/gpt-*']", 'models."m".targets: `a/gpt-*` is no pattern'),
        ("[engine]\nenabled = false\n[models.m]\ntargets = ['local/x']", "engine.enabled is false"),
        ("this is not toml", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(file: Path, text: str, words: str) -> None:
    """With its path, in words a person can act on."""
    assert words in refused(file, text)


def test_a_file_that_cant_be_read_is_named(file: Path) -> None:
    """It is not there, is a folder, or no text; in words, without a number of the system's."""
    for make, words in (
        (lambda: None, rf"^there is no file {file}$"),
        (lambda: file.write_bytes(b"\xff"), rf"^{file} cannot be read: it is not UTF-8 text$"),
        (lambda: (file.unlink(), file.mkdir()), rf"^{file} cannot be read: is a directory$"),
    ):
        make()
        with pytest.raises(SettingsError, match=words):
            load(file, {})


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:", ":80", "127.0.0.1:99999", "::1:80", "http://x:1"])
def test_an_address_is_host_and_port(file: Path, address: str) -> None:
    """Nothing else."""
    with pytest.raises(SettingsError, match=r"server\.listen"):
        _ = read(file, f"[server]\nlisten = '{address}'").server.address


@pytest.mark.parametrize("origin", ["*", "null", "https://a.example", "http://localhost:3000", "app://obsidian.md"])
def test_an_origin_is_as_browsers_send_it(file: Path, origin: str) -> None:
    """Scheme, host, and a port that is not the usual one; or all."""
    assert read(file, f"[server]\ncors_origins = ['{origin}']").server.cors_origins == [origin]


@pytest.mark.parametrize("origin", ["", "a.example", "https://a.example/", "https://A.example", "https://*.a.example"])
def test_what_no_browser_sends_is_no_origin(file: Path, origin: str) -> None:
    """It would never fit, in silence."""
    assert f"cors_origins: `{origin}` is not an origin" in refused(file, f"[server]\ncors_origins = ['{origin}']")


@pytest.mark.parametrize(
    ("address", "parts"), [("192.0.2.1:80", ("192.0.2.1", 80)), ("[::1]:8080", ("::1", 8080)), ("host:0", ("host", 0))]
)
def test_addresses_of_all_kinds(file: Path, address: str, parts: tuple[str, int]) -> None:
    """IPv4, IPv6, names; port 0 is any free one."""
    assert read(file, f"[server]\nlisten = '{address}'").server.address == parts


def test_the_environment_lies_over_the_file(file: Path) -> None:
    """Numbers, booleans and texts; case does not matter."""
    settings = read(
        file,
        CONTRACT,
        PARLEY_SERVER__LISTEN="192.0.2.1:1234",
        PARLEY_SERVER__WORKERS="3",
        PARLEY_ENGINE__ENABLED="true",
        PARLEY_STORE__URL="postgresql://u:p@h/d",
    )
    assert settings.server.address == ("192.0.2.1", 1234)
    assert settings.server.workers == 3
    assert settings.store.url == "postgresql://u:p@h/d"


def test_a_wrong_variable_is_named(file: Path) -> None:
    """Itself, and not the file, which may be right."""
    assert refused(file, "", PARLEY_SERVER__WIBBLE="1") == "PARLEY_SERVER__WIBBLE: there is no such setting"
    assert refused(file, "", PARLEY_SERVER__WORKERS="many").startswith(
        "PARLEY_SERVER__WORKERS: server.workers: must be"
    )
    assert refused(file, "[server]\nworkers = 0", PARLEY_ENGINE__PARALLEL="2").startswith(f"{file}: server.workers: ")


def test_a_variable_over_what_is_no_section_is_refused(file: Path) -> None:
    """Not a crash."""
    assert "server" in refused(file, "server = 5", PARLEY_SERVER__WORKERS="1")


def test_other_variables_are_not_ours(file: Path) -> None:
    """PARLEY_DATA, PARLEY_CONFIG and the like have no section."""
    assert read(file, "", PARLEY_DATA="x", PARLEY_CONFIG="y", PARLEY_API_KEY="k", HOME="z") == Settings()


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is asked for."""
    monkeypatch.setenv("A_SECRET", "sk-1")
    assert Secret(env="A_SECRET").reveal("upstreams.a.key") == "sk-1"


def test_a_key_in_the_place_of_a_name_is_not_repeated() -> None:
    """Who pastes the key itself finds it in no error and no log."""
    with pytest.raises(SettingsError) as told:
        Secret(env="sk-pasted-by-mistake").reveal("upstreams.a.key")
    assert "sk-" not in told.value.message
    assert told.value.message.startswith("upstreams.a.key.env: ")


@pytest.mark.parametrize("value", [None, ""])
def test_a_secret_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """By the setting that wants it, and the variable."""
    monkeypatch.delenv("A_SECRET", raising=False)
    if value is not None:
        monkeypatch.setenv("A_SECRET", value)
    with pytest.raises(SettingsError, match=r"upstreams\.a\.key: the environment variable A_SECRET is not set"):
        Secret(env="A_SECRET").reveal("upstreams.a.key")


def test_a_secret_is_the_first_line_of_its_file(file: Path) -> None:
    """Without the line's end."""
    file.write_text("sk-1 \nrubbish\n", "utf-8")
    assert Secret(file=str(file)).reveal("upstreams.a.key") == "sk-1"


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read"), (b"\n", "is empty"), (b"\xff", "cannot be read")]
)
def test_a_secret_file_that_holds_none_is_named(file: Path, content: bytes | None, words: str) -> None:
    """Missing, empty, or no text."""
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"upstreams.a.key: the file .* {words}"):
        Secret(file=str(file)).reveal("upstreams.a.key")


def test_prices_are_exact() -> None:
    """Dollars as text become whole nano-dollars; cached input costs as input unless told."""
    price = PriceSettings(input="0.15", output="0.60").price()
    assert (price.input, price.output, price.cached_input) == (150_000_000, 600_000_000, 150_000_000)
    assert PriceSettings(input="1", output="1", cached_input="0").price().cached_input == 0
    assert Decimal(price.input) / 10**9 == Decimal("0.15")


def test_the_first_price_that_is_set_counts() -> None:
    """A model may be free by word; None is no price."""
    own = PriceSettings(input="1", output="2")
    assert chosen_price(None, own) == own.price()
    assert chosen_price("free", own) == FREE
    assert chosen_price(None, None) is None


def test_settings_never_change() -> None:
    """They are frozen, all the way down."""
    with pytest.raises(AttributeError):
        Settings().server.workers = 2  # type: ignore[misc]


def test_every_setting_has_its_sentence() -> None:
    """The reference is made from them."""
    for branch in ("server", "store", "engine"):
        for field in msgspec.structs.fields(type(getattr(Settings(), branch))):
            [meta] = field.type.__metadata__
            described = meta.description or (meta.extra_json_schema or {}).get("description")
            assert described, field.name
            assert described.endswith(".")
