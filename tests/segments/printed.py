"""What a browser would send for a form that was printed: without JavaScript this is all that pages have."""

from html.parser import HTMLParser

Data = dict[str, list[str]]


class _Reader(HTMLParser):
    """Collects the successful controls of one form, or of a fragment that stands inside a form."""

    def __init__(self, form_id: str | None) -> None:
        super().__init__()
        self.wanted = form_id
        self.form: str | None = None
        self.data: Data = {}
        self.select: str | None = None
        self.options: list[str] = []
        self.selected: list[str] = []
        self.textarea: str | None = None
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.form = given.get("id") or ""
        if self.wanted is not None and given.get("form", self.form) != self.wanted:
            return
        name, value = given.get("name"), given.get("value")
        if tag == "option" and self.select:
            self._option(value or "", "selected" in given)
        if not name or "disabled" in given:
            return
        if tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.data.setdefault(name, []).append(
                "on" if value is None and given.get("type") == "checkbox" else value or ""
            )
        elif tag == "select":
            self.select, self.options, self.selected = name, [], []
        elif tag == "textarea":
            self.textarea, self.text = name, ""

    def _option(self, value: str, selected: bool) -> None:
        self.options.append(value)
        if selected:
            self.selected.append(value)

    def handle_data(self, data: str) -> None:
        if self.textarea:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "select" and self.select:
            self.data.setdefault(self.select, []).extend(self.selected or self.options[:1])
            self.select = None
        elif tag == "textarea" and self.textarea:
            text = self.text.removeprefix("\n").replace("\r\n", "\n").replace("\n", "\r\n")
            self.data.setdefault(self.textarea, []).append(text)
            self.textarea = None


def posted(html: str, form_id: str | None = None) -> Data:
    """The data of the form with this id; without one, of all controls in the text."""
    reader = _Reader(form_id)
    reader.feed(html)
    reader.close()
    return reader.data


def editor(response: object) -> Data:
    """The data of the editor on a page, without the buttons."""
    return posted(response.content.decode(), "editor")  # type: ignore[attr-defined]


def row_ids(data: Data) -> list[str]:
    """The ids of the editor's conditions, in order."""
    return [node.split(":")[0] for node in data["node"] if not node.endswith(":group")]


def group_id(data: Data) -> str:
    """The id of the outermost group."""
    return data["node"][0].split(":")[0]
