"""What is in the cells."""

from tests.contacts.hostile.case import ANA, BO, HEADER, Case, text

VALUES = [
    Case("Nothing that tells contacts apart", text("first_name,city\nAna,Rome\n"), [["Ana", "Rome"]], keyless=True),
    Case(
        "The same email in another case",
        text(f"{HEADER}ana@example.org,Ana\nANA@Example.ORG,Anna\n"),
        [ANA, ["ANA@Example.ORG", "Anna"]],
        joined=1,
    ),
    Case(
        "An email with letters of the world",
        text(f"{HEADER}josé@bücher.example,José\n"),
        [["josé@bücher.example", "José"]],
        invalid={2: "Email: Enter a valid email address."},
    ),
    Case(
        "An email in a domain with letters of the world",
        text(f"{HEADER}ana@bücher.example,Ana\n"),
        [["ana@bücher.example", "Ana"]],
    ),
    Case(
        "Emails that are none",
        text(f"{HEADER}ana@,Ana\n@example.org,B\na b@example.org,C\nana..b@example.org,D\n"),
        4,
        invalid=dict.fromkeys((2, 3, 4, 5), "Email: Enter a valid email address."),
    ),
    Case(
        "An email of 255 characters",
        text(f"{HEADER}{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.example,A\n"),
        1,
        invalid={2: "Email: Ensure this value has at most 254 characters (it has 258)."},
    ),
    Case(
        "A row without an email",
        text(f"{HEADER},Ana\nbo@example.org,Bo\n"),
        [["", "Ana"], BO],
        invalid={2: "The row has neither an email nor an external id."},
    ),
    Case("A formula", text(f"{HEADER}ana@example.org,=1+1\n"), [["ana@example.org", "=1+1"]]),
    Case(
        "A formula that an export has made harmless",
        text(f"{HEADER}ana@example.org,'=1+1\n"),
        [["ana@example.org", "=1+1"]],
    ),
    Case(
        "An error of a spreadsheet",
        text(f"{HEADER}ana@example.org,#N/A\n"),
        [["ana@example.org", "#N/A"]],
        invalid={2: "First name: “#N/A” is an error of a spreadsheet, not a value."},
    ),
    Case(
        "29 February",
        text("email,birthday\nana@example.org,2024-02-29\nx@example.org,2023-02-29\n"),
        2,
        invalid={3: "Date of birth: “2023-02-29” is not a date and time that exists."},
    ),
    Case(
        "31 February, the day first",
        text("email,birthday\nana@example.org,31/01/1970\nx@example.org,31/02/1970\n"),
        2,
        invalid={3: "Date of birth: “31/02/1970” is not a date and time that exists."},
    ),
    Case("The month first", text("email,birthday\nana@example.org,01/31/1970\nbo@example.org,02/03/1970\n"), 2),
    Case(
        "The first and the last day", text("email,birthday\nana@example.org,0001-01-01\nbo@example.org,9999-12-31\n"), 2
    ),
    Case(
        "Years of two digits",
        text("email,birthday\nana@example.org,31/01/70\n"),
        1,
        invalid={
            2: "Date of birth: The year of “31/01/70” must have four digits: which century is meant cannot be told."
        },
    ),
    Case(
        "A moment before the year 1",
        text("email,newsletter since\nana@example.org,2024-01-01\nx@example.org,0001-01-01 00:00+14:00\n"),
        2,
        invalid={3: "Newsletter since: “0001-01-01 00:00+14:00” is not a date and time that exists."},
    ),
    Case(
        "A number beyond what is stored",
        text("email,points\nana@example.org,3\nx@example.org,99999999999\n"),
        2,
        invalid={3: "Points: Ensure this value is less than or equal to 2147483647."},
    ),
    Case(
        "Digits of other scripts",
        text("email,points\nana@example.org,3\nx@example.org,٣\nbo@example.org,4\n"),
        3,
        invalid={3: "Points: “٣” is not a number such as 1234.50."},
    ),
]
