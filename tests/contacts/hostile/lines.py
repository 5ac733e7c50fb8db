"""JSON lines."""

from tests.contacts.hostile.case import ANA, BO, JSON, NOT_UTF_8, NULL, TWO, Case, text

LINES = [
    Case(
        "JSON lines",
        text('{"email": "ana@example.org", "first_name": "Ana"}\r\n\n{"first_name": "Bo", "email": "bo@example.org"}'),
        TWO,
        name=JSON,
    ),
    Case(
        "JSON lines with byte order mark",
        text('\ufeff{"email": "ana@example.org", "first_name": "Ana"}\n'),
        [ANA],
        name=JSON,
    ),
    Case(
        "Numbers, truth, null",
        text('{"email": "ana@example.org", "a": 12.50, "b": 1e3, "c": true, "d": null, "e": 12345678901234567890}\n'),
        [["ana@example.org", "12.5", "1000", "true", "", "12345678901234567890"]],
        name=JSON,
    ),
    Case(
        "Lists and objects",
        text('{"email": "ana@example.org", "a": ["x", "y|z"], "b": [1, 2], "c": {"d": [null]}, "e": []}\n'),
        [["ana@example.org", r"x|y\|z", "[1, 2]", '{"d": [null]}', ""]],
        name=JSON,
    ),
    Case(
        "A key that comes later",
        text('{"email": "ana@example.org"}\n{"email": "bo@example.org", "first_name": "Bo"}\n'),
        [["ana@example.org", ""], BO],
        name=JSON,
    ),
    Case(
        "A key that comes after 1,000 lines",
        lambda: text('{"email": "ana@example.org"}\n' * 1000 + '{"email": "bo@example.org", "x": 1}\n'),
        1000,
        {1001: "The key “x” is in none of the first 1,000 lines, which name the columns."},
        joined=999,
        name=JSON,
    ),
    Case(
        "A broken line",
        text('{"email": "ana@example.org", "first_name": "Ana"}\n{"email": "x@exa\n'),
        [ANA],
        {2: "The line is not valid JSON: Unterminated string starting at at character 11."},
        name=JSON,
    ),
    Case(
        "An object over several lines",
        text('{\n"email": "ana@example.org"\n}\n'),
        refusal="Line 1: The line is not valid JSON: Expecting property name enclosed in double quotes at character 2.",
        name="people.json",
    ),
    Case(
        "A line that is no object",
        text('{"email": "ana@example.org", "first_name": "Ana"}\n["x@example.org"]\n'),
        [ANA],
        {2: "The line is not a JSON object."},
        name=JSON,
    ),
    Case(
        "A key twice in a line",
        text(
            '{"email": "ana@example.org", "first_name": "Ana"}\n{"email": "x@example.org", "email": "y@example.org"}\n'
        ),
        [ANA],
        {2: "The line has the key “email” twice."},
        name=JSON,
    ),
    Case(
        "Numbers that JSON does not have",
        text('{"email": "ana@example.org", "points": 1}\n{"points": NaN}\n{"points": 1e999}\n'),
        [["ana@example.org", "1"]],
        {2: "NaN is not a JSON number.", 3: "The line has a number with too many digits."},
        name=JSON,
    ),
    Case(
        "A number of 5,000 digits",
        lambda: text('{"email": "ana@example.org", "points": 1}\n{"points": ' + "9" * 5000 + "}\n"),
        [["ana@example.org", "1"]],
        {2: "The line has a number with too many digits."},
        name=JSON,
    ),
    Case(
        "100,000 brackets",
        lambda: text('{"email": "ana@example.org", "a": 1}\n{"a": ' + "[" * 100_000 + "}\n"),
        [["ana@example.org", "1"]],
        {2: "The line is nested too deeply."},
        name=JSON,
    ),
    Case(
        "A null character, escaped",
        text('{"email": "ana@example.org", "first_name": "Ana"}\n{"email": "x\\u0000@example.org"}\n'),
        [ANA],
        {2: NULL},
        name=JSON,
    ),
    Case(
        "Half a character, escaped",
        text('{"email": "ana@example.org", "first_name": "Ana"}\n{"first_name": "\\ud83d"}\n'),
        [ANA],
        {2: "The line has half a character."},
        name=JSON,
    ),
    Case("Objects without keys", text("{}\n{}\n"), refusal="Line 1: The object has no keys.", name=JSON),
    Case(
        "A line in another encoding",
        text('{"email": "ana@example.org", "first_name": "Žofie"}\n{"first_name": "') + b'Jos\xe9"}\n',
        [["ana@example.org", "Žofie"]],
        {2: NOT_UTF_8},
        name=JSON,
    ),
]
