"""Several texts in one cell."""

import pytest

from contacts.several import in_one_cell, of_one_cell

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "texts", [[], ["a"], ["a", "b, c"], ["a|b", "c"], ["a\\"], ["a\\", "|b"], ["\\|"], ["\\\\", "|"], ["C:\\x", "\\"]]
)
def test_what_is_written_is_read(texts: list[str]) -> None:
    assert of_one_cell(in_one_cell(texts)) == texts


@pytest.mark.parametrize(
    ("cell", "texts"), [(" a | b ||c|", ["a", "b", "c"]), ("C:\\x|b", ["C:\\x", "b"]), ("a\\|b", ["a|b"]), ("|", [])]
)
def test_cells_of_other_programs(cell: str, texts: list[str]) -> None:
    assert of_one_cell(cell) == texts
