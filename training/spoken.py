"""Functions asked for in people's own words: labelled messages of the public sets become requests for functions.

An intent becomes a function without arguments, the slots of a message become the arguments of one. The wording is
real, so what is learnt is that "where's my stuff" and `track_parcel` belong together. Which sets: see `sources.py`,
which reads them.
"""

import random
import re
from collections.abc import Iterable, Iterator
from typing import Any

from training.chat import Conversation, Turn, dumps
from training.functions import NONE
from training.records import record
from training.service import system

Row = dict[str, Any]
SMALL = {"oos", "yes", "no", "maybe", "repeat", "cancel", "goodbye", "greeting", "thank_you", "order", "gas", "text",
         "are_you_a_bot", "what_can_i_ask_you", "user_name", "date", "time",
         "next_song", "what_song"}  # fmt: skip
"""Intents whose messages say nothing by themselves, or that many functions would fit."""
WISH = (
    "Classify the message as {0}. Answer in JSON with the key {1}.",
    "Fill in the ticket: {1} ({0}).",
    "{1}: one of {0}",
    "You sort what customers write. JSON, {1} is one of: {0}",
    "Read the message and return JSON with {1} ({0})",
)
RUN_TOGETHER = {
    "changeseatassignment": "change_seat_assignment", "getproofofinsurance": "get_proof_of_insurance",
    "reportbrokensoftware": "report_broken_software", "orderburgerintent": "order_burger", "getboardingpass":
    "get_boarding_pass", "reportbrokenphone": "report_broken_phone", "reportlostcard": "report_lost_card",
    "transfermoney": "transfer_money", "bookflight": "book_flight", "updateaddress": "update_address",
    "checkclaimstatus": "check_claim_status", "orderdessertintent": "order_dessert", "checkbalance": "check_balance",
    "softwareupdate": "update_software", "disputecharge": "dispute_charge", "expensereport": "file_expense_report",
    "getseatinfo": "get_seat_info", "ordersideintent": "order_side_dish", "viewbillsintent": "view_bills",
    "replacecard": "replace_card", "checkserverstatus": "check_server_status", "closeaccount": "close_account",
    "orderdrinkintent": "order_drink", "orderpizzaintent": "order_pizza", "ordersaladintent": "order_salad",
}  # fmt: skip
FORMS = {
    "finance": ("save_details", "update_account", "bank_form", "fill_form"),
    "insurance": ("save_claim_details", "update_policy", "insurance_form", "register_customer"),
    "airline": ("save_booking_details", "find_booking", "set_passenger", "update_reservation"),
    "software": ("save_order_details", "license_form", "update_customer", "order_software"),
    "media": ("save_contract_details", "set_service", "update_subscription", "media_form"),
    "fastfood": ("add_to_order", "place_order", "order_food", "save_order"),
}
JOINED = {
    "transferamount": "transfer_amount",
    "claimid": "claim_id",
    "policyid": "policy_id",
    "phonenumber": "phone_number",
    "lastuseddate": "last_used_date",
    "lastusedtime": "last_used_time",
    "datacategoryvalues": "data_volume",
    "ssn": "social_security_number",
}
PLACES = {
    "餐馆": (("search_restaurant", "find_restaurant", "餐馆查询", "restaurants"), ("查找餐馆", "Find a restaurant")),
    "景点": (("search_attraction", "find_sight", "景点查询", "sights"), ("查询景点", "Find a sight to visit")),
    "酒店": (("search_hotel", "find_hotel", "酒店查询", "hotels"), ("查询酒店", "Find a hotel")),
    "出租": (("call_taxi", "taxi", "叫车"), ("叫出租车", "Call a taxi")),
    "地铁": (("metro_route", "subway", "地铁查询"), ("查询地铁路线", "Find a metro route")),
}
ASPECTS = {
    "名称": ("name", "名称"),
    "人均消费": ("price_per_person", "budget", "人均消费"),
    "评分": ("rating", "score", "评分"),
    "推荐菜": ("dish", "food", "推荐菜"),
    "游玩时间": ("duration", "visit_time", "游玩时间"),
    "门票": ("ticket_price", "admission", "门票"),
    "价格": ("price", "price_range", "价格"),
    "酒店类型": ("hotel_type", "category", "酒店类型"),
    "出发地": ("origin", "from_place", "出发地"),
    "目的地": ("destination", "to_place", "目的地"),
}


def _words(name: str) -> list[str]:
    """Split the name of an intent into small words."""
    return re.findall(r"[A-Z]?[a-z0-9]+", RUN_TOGETHER.get(name, name).replace("_", " "))


def _named(words: list[str], rng: random.Random) -> str:
    """Write *words* as the name of a function."""
    small = [word.lower() for word in words]
    if rng.random() < 0.25:
        return small[0] + "".join(word.capitalize() for word in small[1:])
    return "_".join(small)


def _schema(name: str, about: str, properties: dict[str, str], rng: random.Random) -> dict[str, Any]:
    """Declare a function; *properties* are the descriptions of its arguments, none of them required."""
    declared = {
        key: {"type": "string", "description": told} if told and rng.random() < 0.4 else {"type": "string"}
        for key, told in properties.items()
    }
    schema: dict[str, Any] = {"name": name}
    if rng.random() < 0.6:
        schema["description"] = about
    schema["parameters"] = {"type": "object", "properties": declared}
    return schema


def _pool(found: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the messages of *found* (text, intent) by intent."""
    pool: dict[str, list[str]] = {}
    for text, name in found:
        if name not in SMALL:
            pool.setdefault(name, []).append(text)
    return pool


def labels(found: Iterable[tuple[str, str]], count: int, rng: random.Random) -> Iterator[Conversation]:
    """Yield *count* messages of *found* (text, intent) with the label among some that it has, as JSON."""
    pool = _pool(found)
    for _ in range(count):
        name, *others = rng.sample(sorted(pool), min(len(pool), rng.randint(3, 8)))
        joined = rng.choice(("_", "_", "_", " "))
        options = {it: joined.join(word.lower() for word in _words(it)) for it in (name, *others)}
        listed = rng.sample([*options.values()], len(options))
        key = rng.choice(("intent", "intent", "label", "category", "topic"))
        wish = rng.choice(WISH).format(rng.choice((", ", ", ", " | ", "/")).join(listed), key)
        turns = (Turn("system", wish), Turn("user", rng.choice(pool[name])))
        if rng.random() < 0.8:
            yield record(turns[rng.randint(0, 1) :], {key: options[name]}, rng, {key: listed})
        else:
            yield Conversation((*turns, Turn("assistant", dumps({key: options[name]}))))


def intents(found: Iterable[tuple[str, str]], count: int, rng: random.Random) -> Iterator[Conversation]:
    """Yield *count* talks in which messages of *found* (text, intent) ask for functions named like intents."""
    pool = _pool(found)
    names = sorted(pool)
    for _ in range(count):
        offered, (stranger, *_) = rng.sample(names, min(len(names), rng.randint(2, 5))), rng.sample(names, 1)
        calls = {name: _named(_words(name), rng) for name in offered}
        parts = {word.lower() for name in offered for word in _words(name)}
        turns = [*system(rng, "en")] if rng.random() < 0.5 else []
        for name in (rng.choice(offered) for _ in range(rng.randint(2, 4))):
            if rng.random() < 0.2 and not parts & {word.lower() for word in _words(stranger)}:
                turns += [Turn("user", rng.choice(pool[stranger])), Turn("assistant", NONE["en"], declines=True)]
            else:
                call = {"name": calls[name], "arguments": {}}
                turns += [Turn("user", rng.choice(pool[name])), Turn("assistant", calls=(call,))]
        yield Conversation(
            tuple(turns), tuple(_schema(calls[n], " ".join(_words(n)).capitalize(), {}, rng) for n in offered)
        )


def _asked(row: Row, keys: dict[str, str], name: str) -> list[Turn]:
    """Return the message of *row* and the call that takes its slots, in the order of *keys*."""
    given = dict(row["slots"])
    arguments = {shown: given[key] for key, shown in keys.items() if key in given}
    return [Turn("user", row["text"]), Turn("assistant", calls=({"name": name, "arguments": arguments},))]


def forms(found: Iterable[Row], count: int, rng: random.Random) -> Iterator[Conversation]:
    """Yield *count* talks in which messages of one trade hold the arguments of one function."""
    trades: dict[str, list[Row]] = {}
    for row in found:
        given = dict(row["slots"])
        apart = len(row["text"].split()) - len(" ".join(given.values()).split())  # words that are no value
        whole = len(given) == len(row["slots"]) and all(value in row["text"] for value in given.values())
        if given and whole and apart > 2:
            trades.setdefault(row["domain"], []).append(row)
    for _ in range(count):
        trade = rng.choice(sorted(trades))
        chosen = rng.sample(trades[trade], rng.randint(1, 3))
        slots = {key for row in chosen for key, _ in row["slots"]}
        every = sorted({key for row in rng.sample(trades[trade], 12) for key, _ in row["slots"]} - slots)
        listed = [*slots, *rng.sample(every, min(len(every), rng.randint(0, 3)))]
        rng.shuffle(listed)
        keys = {key: _named(JOINED.get(key, key).split("_"), rng) for key in sorted(listed, key=lambda _: rng.random())}
        name = rng.choice(FORMS[trade])
        told = {shown: f"The {JOINED.get(key, key).replace('_', ' ')}" for key, shown in keys.items()}
        turns = [turn for row in chosen for turn in _asked(row, keys, name)]
        yield Conversation(tuple(turns), (_schema(name, name.replace("_", " ").capitalize(), told, rng),))


def places(found: Iterable[Row], count: int, rng: random.Random) -> Iterator[Conversation]:
    """Yield *count* talks in which Chinese messages of CrossWOZ ask for one of two or three functions."""
    trades: dict[str, list[Row]] = {}
    for row in found:
        named = {(domain, key): value for domain, key, value in row["slots"]}
        whole = all(value in row["text"] and key in ASPECTS for (_, key), value in named.items())
        if len({domain for domain, _ in named}) == 1 and len(named) == len(row["slots"]) and whole:
            slots = [[key, value] for (_, key), value in named.items()]
            trades.setdefault(row["slots"][0][0], []).append({**row, "slots": slots})
    for _ in range(count):
        domains = rng.sample(sorted(PLACES), rng.randint(1, 3))
        schemas, keyed, called = [], {}, {}
        for domain in domains:
            used = sorted({key for row in trades[domain] for key, _ in row["slots"]})
            keyed[domain] = {key: rng.choice(ASPECTS[key]) for key in rng.sample(used, len(used))}
            called[domain] = rng.choice(PLACES[domain][0])
            told = {shown: key for key, shown in keyed[domain].items()}
            schemas.append(_schema(called[domain], rng.choice(PLACES[domain][1]), told, rng))
        turns = [*system(rng, "zh")] if rng.random() < 0.4 else []
        for domain in (rng.choice(domains) for _ in range(rng.randint(1, 3))):
            turns += _asked(rng.choice(trades[domain]), keyed[domain], called[domain])
        yield Conversation(tuple(turns), tuple(schemas))
