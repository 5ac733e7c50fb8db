"""Files that tests read, from what is in them."""

from io import BytesIO

from contacts.imports.sources import Table, detect, open_table


def table_of(content: str | bytes, name: str = "people.csv") -> Table:
    """The table that is read from a file of this content, encoded in UTF-8 when it is a text."""
    file = BytesIO(content.encode() if isinstance(content, str) else content)
    return open_table(file, detect(file, name))
