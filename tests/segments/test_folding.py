"""Every letter of Unicode is the same as its other cases, on the database as in Python."""

import sys

import pytest
from django.db import connection

from contacts.folding import fold

LETTERS = [chr(number) for number in range(1, sys.maxunicode + 1) if not 0xD800 <= number <= 0xDFFF]
CASED = [
    letter for letter in LETTERS if {letter.lower(), letter.upper(), letter.title(), letter.casefold()} != {letter}
]


def test_all_cases_of_a_letter_are_the_same():
    apart = [
        letter
        for letter in CASED
        for other in (letter.lower(), letter.upper(), letter.title(), letter.casefold(), fold(letter))
        if fold(other) != fold(letter)
    ]
    assert apart == []


@pytest.mark.django_db
@pytest.mark.parametrize("around", ["{}", "a{}", "{}a", "Σ{}ς"])
def test_the_database_folds_as_python(around: str):
    texts = [around.format(letter) for letter in CASED]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT muster_fold(column1) FROM (VALUES {', '.join(['(%s)'] * len(texts))}) t", texts)
        folded = [row[0] for row in cursor.fetchall()]
    assert folded == [fold(text) for text in texts]
