"""What an export can be written as: a registry with one short class for each format."""

from contacts.exports.formats.base import FORMATS, Format, Note
from contacts.exports.formats.delimited import Csv
from contacts.exports.formats.html import Html
from contacts.exports.formats.json_lines import JsonLines
from contacts.exports.formats.spreadsheet import Xlsx

__all__ = ["FORMATS", "Csv", "Format", "Html", "JsonLines", "Note", "Xlsx"]
