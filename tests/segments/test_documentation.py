"""What can be chosen is documented, and nothing is documented that cannot be chosen."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from segments.conditions import CONDITIONS
from segments.gallery import TEMPLATES
from segments.models import Cause, Segment
from segments.operators import OPERATORS
from segments.values import PERIODS, UNITS
from segments.windows import WINDOWS

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "segments.md").read_text()


def part(heading: str) -> str:
    """The text under a heading of the second level."""
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def keys(text: str) -> set[str]:
    """The keys in the first column of its tables."""
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)} - {"kind", "type"}


def first_column(text: str) -> set[str]:
    return set(re.findall(r"^\| ([A-Z].*?) \|", text, re.MULTILINE))


def test_every_operator_is_documented():
    assert keys(part("Operators")) == {operator.key for registry in OPERATORS.values() for operator in registry}


def test_the_negative_operators_are_marked():
    marked = set(re.findall(r"`(\w+)` ✻", PAGE))
    assert marked == {one.key for registry in OPERATORS.values() for one in registry if one.negative}


@pytest.mark.parametrize("family", OPERATORS)
def test_the_words_of_the_editor_are_documented(family: str):
    words = [str(operator.label) for operator in OPERATORS[family]]
    assert [word for word in words if word not in part("Operators")] == []


def test_every_condition_is_documented():
    assert keys(part("Conditions")) == set(CONDITIONS.keys())


def test_every_template_is_documented():
    rows = re.findall(r"^\| ([A-Z].*?) \| (\w+) \| ([\w ]+) \|", part("Templates"), re.MULTILINE)
    assert rows[1:] == [(str(one.name), str(one.goal.label), str(one.kind.label)) for one in TEMPLATES]


def test_every_window_is_documented():
    assert keys(part("Windows")) == set(WINDOWS.keys())
    assert [window.label for window in WINDOWS if str(window.label) not in part("Windows")] == []


def test_every_unit_is_documented():
    assert [unit for unit in [*UNITS, *PERIODS] if f"`{unit}`" not in part("Operators")] == []


def test_every_state_and_cause_is_documented():
    documented = first_column(part("How members stay right"))
    assert documented - {"State", "Why somebody came or went"} == {*Segment.State.labels, *Cause.labels}


def test_every_option_of_the_command_is_documented():
    command = load_command_class(get_commands()["refresh_segments"], "refresh_segments")
    options = {"--segment", "--audit"}
    parser = command.create_parser("manage.py", "refresh_segments")
    own = {text for action in parser._actions for text in action.option_strings if text in options}
    assert own == {text for text in options if text in part("The command")} == options
