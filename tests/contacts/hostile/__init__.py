"""Files as they come from anywhere, and exactly what each of them gives. docs/imports-files.md shows them as tables."""

from tests.contacts.hostile.case import Case
from tests.contacts.hostile.delimited import DELIMITED
from tests.contacts.hostile.encoded import ENCODED
from tests.contacts.hostile.lines import LINES
from tests.contacts.hostile.misnamed import WRONG_NAMES
from tests.contacts.hostile.values import VALUES
from tests.contacts.hostile.workbooks import WORKBOOKS

GROUPS = {
    "CSV and the like": DELIMITED,
    "Encodings": ENCODED,
    "What is in the cells": VALUES,
    "Files that are something else": WRONG_NAMES,
    "Workbooks": WORKBOOKS,
    "JSON lines": LINES,
}
CASES: list[Case] = [case for cases in GROUPS.values() for case in cases]
