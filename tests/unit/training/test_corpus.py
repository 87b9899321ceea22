"""The corpus of the built-in model: what it is grown from must be sound before hours are spent on it.

Only what needs neither torch nor the public data sets: templates, conversations, rendering.
"""

# ruff: noqa: S311 - these draws are meant to repeat

import itertools
import json
import random
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from training import drills, extraction, functions, grounded, service
from training.chat import BEGIN, END, START, Conversation, Turn, call_text, cut, document, tool_text
from training.corpus import own
from training.guises import bare, parts, styled
from training.records import record
from training.templates.spin import SLOT, plain, spin, variants
from training.templates.values import Values

CALL = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.DOTALL)
LANGUAGES = pytest.mark.parametrize("language", service.LANGUAGES)


def test_same_seed_same_corpus() -> None:
    """Two corpora of one seed are equal, and another seed gives another."""
    first, second = ([doc.text for doc in own(3, 60)] for _ in range(2))
    assert first == second
    assert first != [doc.text for doc in own(4, 60)]


def test_a_longer_corpus_begins_like_a_shorter_one() -> None:
    """A document depends on the seed and its number alone."""
    assert [doc.text for doc in own(3, 20)] == [doc.text for doc in itertools.islice(own(3, 50), 20)]


def test_spin_chooses_nested_alternatives() -> None:
    """Every way to spin a template is reached, and no bracket stays."""
    template = "(a|b (c|d)|) <city>"
    found = {spin(template, random.Random(n)) for n in range(200)}
    assert found == {"a <city>", "b c <city>", "b d <city>", "<city>"}
    assert variants("(a|b)(c|d)") == 4


def test_plain_takes_the_first_alternatives() -> None:
    """What is learnt as an answer has one wording."""
    assert plain("(a|b (c|d)|) (|x) <city>") == "a <city>"


@LANGUAGES
def test_an_answer_follows_from_the_topic(language: str) -> None:
    """Whoever asks and however, the same matter is answered in the same words, but for the values."""
    for topic in service.topics(language):
        said = {service.answer(topic, Values(random.Random(n), language)) for n in range(5)}
        assert len(said) == 1 or SLOT.search(plain(topic.answers[0])), topic.name


def test_an_open_bracket_is_an_error() -> None:
    """A broken template is refused instead of learnt."""
    with pytest.raises(ValueError, match="does not close"):
        spin("(a|b", random.Random(1))


@LANGUAGES
def test_every_template_fills(language: str) -> None:
    """Each question and answer spins and fills without a slot or a bracket left over."""
    for topic in service.topics(language):
        assert topic.questions, topic.name
        assert topic.answers, topic.name
        for text in (*topic.questions, *topic.answers):
            shown = spin(text, random.Random(1))
            for slot in SLOT.findall(shown):
                assert Values(random.Random(1), language)(slot), (topic.name, slot)
            assert not set("()") & set(shown), shown


@LANGUAGES
def test_questions_have_paraphrases(language: str) -> None:
    """No topic hangs on a single wording."""
    for topic in service.topics(language):
        assert sum(variants(text) for text in topic.questions) >= 4, topic.name


@LANGUAGES
def test_a_question_keeps_its_values(language: str) -> None:
    """However a question is roughened, what was filled in stands in it unchanged."""
    for number in range(400):
        rng = random.Random(number)
        values = Values(rng, language)
        asked = service.ask(rng.choice(service.topics(language)), rng, values)
        capitalised = asked[:1].lower() + asked[1:]
        assert all(value in asked or value in capitalised for value in values.kept.values()), asked


@LANGUAGES
def test_roughening_spares_listed_values(language: str) -> None:
    """A text that is filled already keeps the values in it."""
    for number in range(400):
        rng = random.Random(number)
        values = Values(rng, language)
        kept = [values(slot) for slot in ("product", "reason", "task", "mail", "order", "person")]
        rough = service.roughen("something about " + ", ".join(kept) + " tomorrow.", rng, language)
        assert all(value in rough for value in kept), rough


def test_some_customers_change_the_language() -> None:
    """In some conversations a later turn is in the other language, and so is its answer."""
    talks = [service.chat(random.Random(number), "en").turns for number in range(300)]
    spoken = [[turn.text for turn in talk if turn.role == "assistant"] for talk in talks]
    assert any(answers[0].isascii() and not answers[-1].isascii() for answers in spoken)


MAKERS = pytest.mark.parametrize("maker", [functions.call, functions.several])
Maker = Callable[[random.Random, str], Conversation]


@MAKERS
@LANGUAGES
def test_calls_fit_their_schemas(language: str, maker: Maker) -> None:
    """Each call passes declared arguments in the declared order, the required ones among them."""
    for number in range(200):
        talk = maker(random.Random(number), language)
        schemas = {tool["name"]: tool["parameters"] for tool in talk.tools}
        for made in (call for turn in talk.turns for call in turn.calls):
            schema = schemas[made["name"]]
            order = [key for key in schema["properties"] if key in made["arguments"]]
            assert list(made["arguments"]) == order
            assert set(schema.get("required", [])) <= set(made["arguments"])


@MAKERS
@LANGUAGES
def test_arguments_stand_in_the_request(language: str, maker: Maker) -> None:
    """What a call passes can be copied: it stands in a user's words."""
    for number in range(200):
        talk = maker(random.Random(number), language)
        said = " ".join(turn.text for turn in talk.turns if turn.role == "user").lower()
        for made in (call for turn in talk.turns for call in turn.calls):
            missing = [value for value in made["arguments"].values() if str(value).lower() not in said]
            assert len(missing) <= 1, (missing, said)  # a slip of the pen may fall into one value


@LANGUAGES
def test_no_call_calls_nothing_at_first(language: str) -> None:
    """Where nothing fits, the first answer is a sentence."""
    for number in range(100):
        talk = functions.no_call(random.Random(number), language)
        first = next(turn for turn in talk.turns if turn.role == "assistant")
        assert first.text
        assert not first.calls


@LANGUAGES
def test_calls_and_refusals_take_turns(language: str) -> None:
    """Under one set of functions some requests are called for, and others told that there is none or just answered."""
    talks = [functions.several(random.Random(number), language) for number in range(100)]
    answers = [[bool(turn.calls) for turn in talk.turns if turn.role == "assistant"] for talk in talks]
    assert sum(any(made) and not all(made) for made in answers) > 50
    none = [turn for talk in talks for turn in talk.turns if turn.text == functions.NONE[language]]
    assert len(none) > 5
    assert all(len({tool["name"] for tool in talk.tools}) == len(talk.tools) >= 2 for talk in talks)


@LANGUAGES
def test_json_tasks_answer_with_one_object(language: str) -> None:
    """The last answer parses, on one line; or it is a form of a schema, and its texts were said or are an answer."""
    ways = set()
    for number in range(200):
        task = extraction.task(random.Random(number), language)
        last = task.turns[-1]
        ways.add(last.recorded)
        if last.recorded:
            [call], [tool] = last.calls, task.tools
            assert call["arguments"].keys() <= tool["parameters"]["properties"].keys()
        else:
            assert isinstance(json.loads(last.text), dict)
            assert "\n" not in last.text
    assert ways == {True, False}


def test_rendered_calls_parse_back() -> None:
    """A call that is rendered is the call that a parser finds."""
    call = {"name": "f", "arguments": {"city": "北京", "count": 3}}
    asked = (
        Conversation((Turn("user", str(n)), Turn("assistant", calls=(call,))), ({"name": "f"},)) for n in range(20)
    )
    found = next(found for doc in map(document, asked) if (found := CALL.search(doc.text)))
    assert json.loads(found[1]) == call


TALK = (Turn("user", "u"), Turn("assistant", "hello"), Turn("user", "v"), Turn("assistant", "bye"))


def test_only_answers_are_learnt() -> None:
    """The learnt spans are the assistant's words and their ends."""
    doc = document(Conversation(TALK))
    assert [doc.text[begin:end] for begin, end in doc.learnt] == [f"hello{END}", f"bye{END}"]
    assert doc.text.startswith(f"{BEGIN}{START}user\nu{END}\n")


def test_what_is_known_is_read_last() -> None:
    """The system message and the functions stand before the last answer, which alone is learnt."""
    doc = document(Conversation((Turn("system", "s"), *TALK)))
    assert [doc.text[begin:end] for begin, end in doc.learnt] == [f"bye{END}"]
    assert doc.text.endswith(f"{START}user\nv{END}\n{START}system\ns{END}\n{START}assistant\nbye{END}\n")
    asked = document(Conversation((Turn("system", "s"), *TALK[:3])))
    assert asked.text.endswith(f"v{END}\n{START}system\ns{END}\n")


def test_what_the_user_said_is_read_again_behind_functions() -> None:
    """The last three messages, in one; but not where a result is what is to be answered."""
    told = f"{START}system\n# Tools\n<tools>\n# =f\n</tools>{END}\n"
    four = (Turn("user", "s"), Turn("user", "t"), *TALK)
    doc = document(Conversation(four, ({"name": "f"},)))
    assert doc.text.endswith(f"v{END}\n{told}{START}user\nt\nu\nv{END}\n{START}assistant\nbye{END}\n")
    assert [doc.text[begin:end] for begin, end in doc.learnt] == [f"bye{END}"]
    asked = document(Conversation(four[:-1], ({"name": "f"},)))
    assert asked.text == doc.text.removesuffix(f"{START}assistant\nbye{END}\n")
    result = document(Conversation((*four[:-1], Turn("tool", "5"), four[-1]), ({"name": "f"},)))
    later = document(Conversation((*four[:-1], Turn("tool", "5"), *TALK[:2], Turn("user", "w")), ({"name": "f"},)))
    assert later.text.endswith(f"{told}{START}user\nu\nw{END}\n")  # since the result alone
    assert result.text.endswith(f"</tool_response>{END}\n{told}{START}assistant\nbye{END}\n")


def test_the_arguments_of_a_call_are_thought_of_in_the_order_they_are_told() -> None:
    """Each behind its own line, as it was said; what is left out has a dash; then the call; two calls one by one."""
    properties = {"city": {"type": "string", "description": "The town"}, "n": {"type": "integer"}, "x": {}}
    tool = {"name": "book", "parameters": {"properties": properties, "required": ["city"]}}
    turn = Turn("assistant", calls=({"name": "book", "arguments": {"n": 2, "city": "Rome"}},))
    docs = [document(Conversation((Turn("user", f"for 2, in Rome, {n}"), turn), (tool,))) for n in range(20)]
    form = "<think>\n# book\n- city= the town: Rome\n- n?integer: 2\n- x?{}: -\n</think>\n"
    learnt = {tuple(doc.text[begin:end] for begin, end in doc.learnt) for doc in docs}
    values = ("<think>\n# book\n", " Rome\n", " 2\n", " -\n</think>\n")  # where the engine writes the rest
    assert learnt == {(f"{form}{call_text(turn.calls[0])}{END}",), values}
    assert all(form in doc.text for doc in docs)
    assert all((doc.weight > 1) == (len(doc.learnt) > 1) for doc in docs)  # decisions are few, and weigh more
    joined = replace(turn, calls=({"name": "book", "arguments": {"city": "罗马"}},))
    assert "city= the town:罗马\n" in document(Conversation((Turn("user", "去罗马"), joined), (tool,))).text
    twice = document(Conversation((Turn("user", "in Rome"), replace(turn, calls=turn.calls * 2)), (tool,)))
    assert twice.text.count("# book\n- city= the town: Rome") == 2


def test_what_is_lacking_is_asked_for() -> None:
    """A question mark stands for it in the form, a dash for what need not be given, and the question follows."""
    properties = {"city": {"type": "string"}, "day": {"type": "string"}, "x": {"type": "string"}}
    tool = {"name": "book", "parameters": {"properties": properties, "required": ["city", "day"]}}
    known = {"name": "book", "arguments": {"city": "Rome"}}
    asked = Turn("user", "in Rome"), Turn("assistant", "Which day?", lacks=known)
    doc = document(Conversation(asked, (tool,)))
    assert "# book\n- city=: Rome\n- day=: ?\n- x?: -\n</think>\nWhich day?" in doc.text
    assert doc.text[slice(*doc.learnt[-1])].endswith(f"Which day?{END}")


def test_what_was_thought_is_gone_from_earlier_answers() -> None:
    """No client sends it back; so with a thought, too, only the last answer is learnt."""
    found = (Turn("user", "where?"), Turn("assistant", "It is in Rome, by the way.", found="Rome"))
    first = [Turn("user", "It is in Rome, by the way."), Turn("assistant", "Noted.")]
    docs = [document(Conversation((*first, Turn("user", str(n)), *found, *found))) for n in range(20)]
    assert {doc.text.count("<think>") for doc in docs} == {1}
    learnt = {doc.text[begin:end] for doc in docs for begin, end in doc.learnt}
    thought = "<think>\nRome\n</think>\nIt is in Rome, b"
    assert learnt == {thought, f"{thought}y the way.{END}"}  # most often only what has to be looked up


def test_a_conversation_ends_with_any_of_its_answers() -> None:
    """It is cut behind an answer that is not only heard; one without anything known stays whole."""
    heard = (Turn("user", "t"), Turn("assistant", "which?", heard=True))
    talk = Conversation((Turn("system", "s"), *heard, *TALK))
    ends = {cut(talk, random.Random(number)).turns[-1].text for number in range(50)}
    assert ends == {"hello", "bye"}
    assert cut(Conversation(TALK), random.Random(99)).turns == TALK


def test_a_record_teaches_its_values_alone() -> None:
    """The lines of its form are read, and no call follows; what stands in an object has a line as well."""
    found = {"item": "lamp", "more": {"item": "u", "town": "Rome"}}
    talk = record((Turn("user", "u lamp"),), found, random.Random(99), {"item": ("lamp", "bed")}, ("when",))
    doc = document(talk)
    _, *learnt = (doc.text[begin:end] for begin, end in doc.learnt)
    assert learnt == [" lamp\n", " -\n", "u\n", "Rome\n</think>\n"]
    assert doc.text.split("# service_ticket\n")[1].split("\n")[:4] == [
        "- item=lamp|bed: lamp",
        "- when?: -",
        "- more.item=:u",
        "- town=:Rome",
    ]
    assert "tool_call" not in doc.text


def test_a_list_is_one_line_with_all_that_was_said() -> None:
    """A request may name several values for an argument that takes a list; the rest of the call is as ever."""
    made = [functions._listed(random.Random(number), "en" if number % 2 else "zh", []) for number in range(60)]
    lists = 0
    for talk in (it for it in made if it):
        arguments = talk.turns[-1].calls[0]["arguments"]
        found = next(it for it in arguments.values() if isinstance(it, list))
        lists += len(found) > 1
        assert all(it in talk.turns[-2].text for it in found)
        assert "; ".join(found) in document(talk).text
    assert lists > 20


def test_a_record_may_hold_a_list() -> None:
    """One in twelve has a list of one."""
    talks = [record((Turn("user", "u"),), {"town": "Rome", "n": 3}, random.Random(number)) for number in range(200)]
    listed = [talk for talk in talks if talk.turns[-1].calls[0]["arguments"]["town"] == ["Rome"]]
    assert 4 <= len(listed) <= 40
    assert "- town=list:Rome\n" in document(listed[0]).text


def test_a_heard_answer_is_not_learnt() -> None:
    """What nothing before it explains is only read."""
    doc = document(Conversation((Turn("user", "u"), Turn("assistant", "any words", heard=True))))
    assert doc.learnt == []
    assert f"assistant\nany words{END}" in doc.text


def test_a_forced_answer_does_not_teach_its_beginning() -> None:
    """The brace that a grammar forces is read, not learnt."""
    doc = document(Conversation((Turn("user", "u"), Turn("assistant", '{"a": 1}', forced=True))))
    assert [doc.text[begin:end] for begin, end in doc.learnt] == [f'"a": 1}}{END}']


@LANGUAGES
def test_a_drill_is_copying(language: str) -> None:
    """Every value of an answer stands in what was said before, except where it is said that there is none."""
    for number in range(300):
        talk = drills.drill(random.Random(number), language)
        said = ""
        for turn in talk.turns:
            if turn.role == "assistant" and said and not turn.text.startswith(("Noted", "记下")):
                copied = [*json.loads(turn.text).values()] if turn.text.startswith("{") else [turn.text]
                begin, end = drills.UNKNOWN[language].split("{}")
                unknown = turn.text.startswith(begin) and turn.text.endswith(end)
                assert unknown or any(value in said or is_told(value, said) for value in copied), turn.text
            said += turn.text + "\n"


@LANGUAGES
def test_a_grounded_answer_takes_its_numbers_from_the_passage(language: str) -> None:
    """Whatever number an answer gives stands in the passage, and what is not given is said without one."""
    for number in range(300):
        first, *turns = grounded.grounded(random.Random(number), language).turns
        for turn in turns:
            if turn.role == "assistant":
                assert turn.found in turn.text
                assert turn.found in first.text
                assert all(found in first.text for found in re.findall(r"\d[\d.,:-]*\d|\d", turn.text)), turn.text


@LANGUAGES
def test_a_question_and_its_fact_name_the_same_thing(language: str) -> None:
    """Each question names all that its fact is about, and each fact holds what is asked for."""
    for name, topic in grounded.topics(language).items():
        assert topic.slot not in topic.things, name
        assert sum(variants(line) for line in topic.lines["?"]) >= 2, name
        for line in (spin(line, random.Random(n)) for line in topic.lines["?"] for n in range(20)):
            assert set(SLOT.findall(line)) == topic.things, line
        for line in (spin(line, random.Random(n)) for line in topic.lines["!"] for n in range(20)):
            assert {*topic.things, topic.slot} <= set(SLOT.findall(line)), line


def is_told(text: str, said: str) -> bool:
    """Tell whether *text* is a value of *said* within a sentence of `drills.SAID`."""
    forms = [re.escape(form) for form in drills.SAID.values()]
    labels = (".+?", ".+")  # a label may hold the very word that ends it
    frames = [form.replace(r"\{0\}", label).replace(r"\{1\}", "(.+?)") for form in forms for label in labels]
    found = (re.fullmatch(frame, text) for frame in frames)
    return any(match[1] in said for match in found if match)


def test_a_function_is_read_with_its_name_behind_what_tells_it_and_its_arguments_with_it_before() -> None:
    """What is required, of which type and which choices there are, is in the text; a bare function too."""
    schema = {
        "name": "book_room",
        "description": "Book a room",
        "parameters": {
            "type": "object",
            "properties": {
                "day": {"type": "string", "description": "The day"},
                "beds": {"type": "integer"},
                "floor": {"type": "string", "enum": ["low", "high"], "description": "Where"},
                "extras": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["day"],
        },
    }
    assert tool_text(schema).splitlines() == [
        "# book a room=book_room",
        "- day= the day",
        "- beds?integer",
        "- floor?low|high where",
        "- extras?list",
    ]
    assert tool_text({"name": "stop"}) == "# =stop"


def test_a_name_is_the_same_however_it_is_joined() -> None:
    """Callers join the words of a name in their own ways; which function it is does not change."""
    styles = {styled("find_movies", random.Random(number)) for number in range(60)}
    assert styles == {"find_movies", "FindMovies", "findMovies"}
    assert {bare(style) for style in styles} == {"findmovies"}
    assert parts("GetHTTPPage2") == ["get", "http", "page", "2"]
    assert styled("查询", random.Random(1)) == "查询"
