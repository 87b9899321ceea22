"""The formats of texts, as patterns that the engine's grammar holds.

Each is narrower than its format: what it allows, the format allows, but not the other way round. A fraction of a
second has at most six digits, a UUID is of version 4, a URI is one of `http` or `https` without a query.
"""

_LEAP = "[12][0-9](0[48]|[2468][048]|[13579][26])-02-29"
_DAY = "(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31"
_DATE = f"([12][0-9]{{3}}-({_DAY})|{_LEAP})"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = rf"{_CLOCK}:[0-5][0-9](\.[0-9]{{1,6}})?(Z|[+-]{_CLOCK})"
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL}){{0,4}}\.[A-Za-z]{{2,10}}"
_WORD = "[A-Za-z0-9_+-]{1,20}"
_HOURS = "[0-9]{1,2}H"
_MINUTES = "[0-9]{1,2}M"
_HEX = "[0-9a-f]"

PATTERNS = {
    "date": f"^{_DATE}$",
    "time": f"^{_TIME}$",
    "date-time": f"^{_DATE}T{_TIME}$",
    "duration": f"^P([0-9]{{1,4}}D|([0-9]{{1,4}}D)?T({_HOURS}({_MINUTES})?|{_MINUTES}([0-9]{{1,2}}S)?|[0-9]{{1,2}}S))$",
    "email": rf"^{_WORD}(\.{_WORD}){{0,2}}@{_HOST}$",
    "hostname": f"^{_HOST}$",
    "ipv4": rf"^{_BYTE}(\.{_BYTE}){{3}}$",
    "ipv6": f"^({_HEX}{{1,4}}:){{7}}{_HEX}{{1,4}}$",
    "uri": rf"^https?://{_HOST}(/[A-Za-z0-9_.~-]{{1,40}}){{0,8}}/?$",
    "uuid": f"^{_HEX}{{8}}-{_HEX}{{4}}-4{_HEX}{{3}}-[89ab]{_HEX}{{3}}-{_HEX}{{12}}$",
}
UNHELD = frozenset(
    {
        "idn-email",
        "idn-hostname",
        "iri",
        "iri-reference",
        "json-pointer",
        "regex",
        "relative-json-pointer",
        "uri-reference",
        "uri-template",
    }
)  # what JSON Schema knows besides; any other name says nothing about the text
