"""JSON tasks: read a short message and answer with one JSON object, which ends.

Most often it is asked for by a schema, and filled in as a form; else the request names the keys.
"""

import random
from collections.abc import Sequence
from typing import Any

from training.chat import Conversation, Turn, dumps
from training.records import record
from training.service import LANGUAGES, answer, ask, roughen, topics
from training.templates.spin import fill, spin
from training.templates.values import Values

FIELDS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "person": (
        ("name", "name", "customer_name", "full_name", "customer", "user", "姓名"),
        "(my name is|I am|I'm|this is|it's) <person>",
        "(我叫|我是|我的名字是|姓名)<person>",
    ),
    "city": (
        ("city", "city", "location", "place", "town", "城市"),
        "(I live in|I am from|I'm in|send it to|deliver to) <city>",
        "(我住在|我在|我来自|请送到|地址是)<city>",
    ),
    "order": (
        ("order_id", "order_number", "order", "id", "订单号"),
        "(my order is|order number|it is about order|the order number is) <order>",
        "(订单号是|订单|我的订单是|关于订单)<order>",
    ),
    "mail": (
        ("email", "mail", "e_mail", "邮箱"),
        "(my email is|write to|my mail is|reach me at) <mail>",
        "(我的邮箱是|邮箱|请发到)<mail>",
    ),
    "phone": (
        ("phone", "phone_number", "telephone", "电话"),
        "(my phone is|call me at|my number is) <phone>",
        "(我的电话是|电话|请打)<phone>",
    ),
    "amount": (
        ("amount", "price", "total", "sum", "金额"),
        "(I paid|it cost|the price was|I was charged) <amount>(| dollars| euros)",
        "(我付了|花了|价格是|金额)<amount>元",
    ),
    "date": (
        ("date", "day", "when", "日期"),
        "(I ordered it on|it came on|please come on|the date is) <date>",
        "(下单日期是|请在|日期是)<date>",
    ),
    "product": (
        ("product", "item", "article", "商品"),
        "(I bought|I ordered|I want|it is about) a <product>",
        "(我买了|我订了|我想要|关于)<product>",
    ),
    "count": (
        ("quantity", "count", "number", "数量"),
        "(I need|send me|I want) <count> (pieces|of them)",
        "(我要|需要)<count>(个|件)",
    ),
    "color": (("color", "colour", "颜色"), "(in|the colour is|I want it in) <color>", "(颜色是|要)<color>"),
}
NUMBERS = {"amount", "count"}
INTENTS: dict[str, tuple[str, ...]] = {
    "return": ("return", "return", "return_item", "退货"),
    "refund": ("refund", "refund", "退款"),
    "delivery": ("delivery", "shipping", "track_order", "物流"),
    "cancel": ("cancel", "cancel_order", "取消"),
    "invoice": ("invoice", "invoice", "发票"),
    "payment": ("payment", "payment", "付款"),
    "password": ("password", "account", "reset_password", "账号"),
    "complaint": ("complaint", "complaint", "投诉"),
    "greet": ("greeting", "greeting", "hello", "问候"),
    "damaged": ("damaged", "broken_item", "破损"),
    "human": ("human", "handover", "agent", "人工"),
    "hours": ("hours", "opening_hours", "营业时间"),
}
MOODS = {
    "en": {
        "positive": "(I am very happy|great service|I love it|thank you so much|it works perfectly|"
        "excellent <product>)",
        "negative": "(this is terrible|I am angry|bad service|the <product> is broken|I hate it|very disappointed|"
        "never again)",
        "neutral": "(the parcel came on <date>|I have a <product>|my order is <order>|it is <color>)",
    },
    "zh": {
        "positive": "(非常满意|服务很好|我很喜欢|太棒了|<product>很好用|谢谢，很满意)",
        "negative": "(太差了|我很生气|服务很糟糕|<product>坏了|非常失望|再也不买了)",
        "neutral": "(包裹<date>到了|我有一个<product>|订单是<order>|颜色是<color>)",
    },
}
WISHES = {
    "en": (
        "(Extract|Return|Give me|Read out) (the |)<keys> (as|in) JSON(.|:)",
        "(Answer|Reply|Respond) (only |)(in|with) JSON with the keys <keys>.",
        "Extract <keys> from the (text|message) and (answer in|return) JSON.",
        "Return a JSON object with <keys>.",
    ),
    "zh": (
        "(请|)(提取|抽取|返回)<keys>，(以|用)JSON(格式|)(返回|输出|回答)。",
        "(只|请)用JSON回答，包含字段：<keys>。",
        "从(文本|消息)中提取<keys>，输出JSON。",
        "请返回包含<keys>的JSON对象。",
    ),
}
PLAIN = {
    "en": (
        "You are a helpful assistant.",
        "You read customer messages.",
        "Extract the data.",
        "Answer in JSON.",
        "You are a ticket system.",
    ),
    "zh": ("你是一个客服助手。", "你负责读取客户消息。", "提取信息。", "请用JSON回答。", "你是工单系统。"),
}


def _pose(
    rng: random.Random, language: str, text: str, value: dict[str, Any], choices: dict[str, Sequence[str]] | None = None
) -> Conversation:
    """Return the task in one of its ways: as a form, or with the keys in the system turn or with the text."""
    keys, reply = list(value), dumps(value)
    form = rng.random()
    if form < 0.6:
        told = (Turn("system", rng.choice(PLAIN[language])),) if rng.random() < 0.5 else ()
        return record((*told, Turn("user", text)), value, rng, choices)
    spoken = rng.random() < 0.2 and language == "en"
    joined = " and ".join(keys) if spoken else ("、" if language == "zh" and rng.random() < 0.5 else ", ").join(keys)
    wish = spin(rng.choice(WISHES[language]), rng).replace("<keys>", joined)
    if form < 0.8:
        return Conversation((Turn("system", wish), Turn("user", text), Turn("assistant", reply)))
    both = (
        f"{wish}{rng.choice([' ', chr(10)])}{text}"
        if rng.random() < 0.7
        else f"{text}{rng.choice([' ', chr(10)])}{wish}"
    )
    return Conversation((Turn("user", both), Turn("assistant", reply)))


def fields(rng: random.Random, language: str) -> Conversation:
    """Return a task that copies values out of a message; a key may be asked for that the message lacks."""
    values = Values(rng, language)
    chosen = rng.sample(sorted(FIELDS), rng.choices((1, 2, 3, 4), (2, 4, 3, 1))[0])
    clauses = [fill(spin(FIELDS[slot][1 if language == "en" else 2], rng), values) for slot in chosen]
    rng.shuffle(clauses)
    text = (
        ("，".join(clauses) + "。") if language == "zh" else rng.choice([", ", ". ", " and ", ", "]).join(clauses) + "."
    )
    wanted = rng.sample(chosen, rng.randint(max(1, len(chosen) - 1), len(chosen)))
    keys = [rng.choice(FIELDS[slot][0] if language == "zh" else FIELDS[slot][0][:-1]) for slot in wanted]
    found: dict[str, Any] = {}
    for key, slot in zip(keys, wanted, strict=True):
        kept = values(slot)
        found[key] = (float(kept) if "." in kept else int(kept)) if slot in NUMBERS else kept
    return _pose(rng, language, roughen(text, rng, "en") if language == "en" else text, found)


def intent(rng: random.Random, language: str) -> Conversation:
    """Return a task that sorts a message, sometimes with a value and sometimes with an answer beside it."""
    values = Values(rng, language)
    topic = rng.choice([topic for topic in topics(language) if topic.name in INTENTS])
    text = ask(topic, rng, values)
    labels = {name: rng.choice(INTENTS[name] if language == "zh" else INTENTS[name][:-1]) for name in INTENTS}
    key = rng.choice(["intent", "intent", "category", "topic", "label", "type"])
    found: dict[str, Any] = {key: labels[topic.name]}
    if rng.random() < 0.25:
        found[rng.choice(["language", "lang"])] = language
    if "order" in values.kept:
        found["order_id"] = values("order")
    if "product" in values.kept and rng.random() < 0.5:
        found["product"] = values("product")
    if rng.random() < 0.2:
        found[rng.choice(["answer", "reply", "message"])] = answer(topic, values)
    if rng.random() < 0.5:
        others = rng.sample(sorted(set(labels.values()) - {labels[topic.name]}), rng.randint(2, 5))
        options = [*others, labels[topic.name]]
        rng.shuffle(options)
        wish = {
            "en": f"Classify the message as {', '.join(options)}. Answer in JSON with the key {key}.",
            "zh": f"把消息分类为：{'、'.join(options)}。用JSON回答，字段为{key}。",
        }[language]
        return Conversation(
            (Turn("system", wish), Turn("user", text), Turn("assistant", dumps({key: labels[topic.name]})))
        )
    options = rng.sample(sorted(set(labels.values())), rng.randint(3, 8))
    if labels[topic.name] not in options:
        options[rng.randrange(len(options))] = labels[topic.name]
    return _pose(rng, language, text, found, {key: options})


def mood(rng: random.Random, language: str) -> Conversation:
    """Return a task that judges the tone of a message."""
    tone = rng.choice(sorted(MOODS[language]))
    text = roughen(fill(spin(MOODS[language][tone], rng), Values(rng, language)), rng, language)
    key = rng.choice(["sentiment", "sentiment", "mood", "tone"])
    return _pose(rng, language, text, {key: tone}, {key: rng.sample([*MOODS[language]], len(MOODS[language]))})


def reply(rng: random.Random, language: str) -> Conversation:
    """Return an ordinary question that is to be answered inside a JSON object."""
    values = Values(rng, language)
    topic = rng.choice(topics(language))
    text = ask(topic, rng, values)
    found = {
        rng.choice(
            [
                "answer",
                "answer",
                "reply",
                "message",
                "text",
                "response",
                "greeting" if topic.name == "greet" else "answer",
            ]
        ): answer(topic, values)
    }
    return _pose(rng, language, text, found)


def task(rng: random.Random, language: str) -> Conversation:
    """Return one JSON task."""
    if language not in LANGUAGES:
        message = f"no such language: {language}"
        raise ValueError(message)
    return rng.choices((fields, intent, mood, reply), (6, 3, 1, 1))[0](rng, language)
