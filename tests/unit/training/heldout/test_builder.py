"""The held-out set is the same every time, big enough, and right about itself."""

import json

import pytest
from jsonschema import Draft202012Validator

from training.evaluate.judges import holds
from training.heldout.builder import MIX, build
from training.heldout.cases import LANGUAGES, Case

EVERY = list(build())


def of(*kinds: str) -> list[Case]:
    """Return the cases of *kinds*."""
    return [case for case in EVERY if case.kind in kinds]


def test_same_seed_same_cases() -> None:
    """Two sets of one seed are equal, and another seed gives another."""
    assert list(build()) == EVERY
    assert list(build(2)) != EVERY


def test_a_quick_set_is_part_of_the_full_one() -> None:
    """What the tests ask is what a full run asks, and about sixty cases."""
    quick = list(build(quick=True))
    assert 50 <= len(quick) <= 70
    assert all(case in EVERY for case in quick)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_cases_in_both_languages(language: str) -> None:
    """Several hundred in each."""
    found = [case for case in EVERY if case.language == language]
    assert len(found) >= 500
    assert {case.kind.split(".")[0] for case in found} == {name for name, *_ in MIX}


def test_no_question_comes_twice() -> None:
    """Each case of a kind asks something else."""
    for language in LANGUAGES:
        for kind, *_ in MIX:
            said = [it.said() for it in EVERY if it.kind.split(".")[0] == kind and it.language == language]
            assert len(said) == len(set(said)), kind


def test_calls_fit_their_schemas() -> None:
    """Each right call is of a function on offer, and its arguments are what that one takes."""
    for case in of("choice", "two"):
        offered = {tool["function"]["name"]: tool["function"]["parameters"] for tool in case.tools}
        assert len(offered) == len(case.tools)
        for call in case.calls:
            schema = offered[call["name"]] | {"additionalProperties": False}
            Draft202012Validator(schema).validate(call["arguments"])


def test_arguments_stand_in_the_words() -> None:
    """What a right call passes can be copied from the user's turn."""
    for case in of("choice", "two"):
        for call in case.calls:
            for value in call["arguments"].values():
                assert str(value) in case.messages[-1]["content"], case


def test_no_function_fits_where_none_is_to_be_called() -> None:
    """Where a request is for a function, that one is not on offer."""
    assert all(not case.calls and case.tools for case in of("none"))


def test_facts_stand_in_the_passage() -> None:
    """The right value stands in the system message whole, once, and is no other fact's value."""
    for case in of("fact.number", "fact.date", "fact.name"):
        assert holds(case.messages[0]["content"], case.values[0]), case
        assert case.values[0] not in case.others, case


def test_absent_facts_do_not_stand_in_the_passage() -> None:
    """No passage holds a fact of the question that it is said to lack."""
    for case in of("absent"):
        assert len(case.others) >= 3
        assert case.messages[1]["content"] not in case.messages[0]["content"]


def test_results_hold_what_must_be_told() -> None:
    """Every value that the answer must tell stands in the function's result, which is JSON."""
    for case in of("result"):
        told = case.messages[-1]["content"]
        json.loads(told)
        assert all(value in told for value in case.values), case


def test_tickets_are_right_by_their_own_schema() -> None:
    """The ticket that is right can be written under the schema, and its entities stand in the talk."""
    for case in of("ticket"):
        entities = {key.removeprefix("entities."): it for key, it in case.ticket.items() if key.startswith("entities.")}
        made = {key: it for key, it in case.ticket.items() if "." not in key} | {"summary": "", "entities": entities}
        Draft202012Validator(case.schema or {}).validate(made)
        assert all(value in case.said() for value in entities.values()), case
