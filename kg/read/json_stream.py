"""Records out of JSON of any shape, one at a time: JSON Lines, arrays, and the wrappers in which services answer.

>>> import tempfile
>>> from pathlib import Path
>>> path = Path(tempfile.mkdtemp(), "a.json")
>>> _ = path.write_text('{"meta": {"count": 2}, "results": [\\n {"title": "A"},\\n {"title": "B"}]}')
>>> list(values(Source("a.json", path)))
[(2, {'title': 'A'}), (3, {'title': 'B'})]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO, Any

from kg.model import ReadError
from kg.read.opening import MAX_RECORD, Source, lines, misencoded

#: Keys under which services put their list of records, and those that lead to such a key.
LISTS = frozenset(
    {"articles", "data", "docs", "entries", "items", "papers", "publications", "records", "results", "works"}
)
PATHS = frozenset({"hits", "message", "response"})
_TITLES = frozenset({"title", "display_name", "paperid", "corpusid", "doi", "abstract"})

Values = Iterator[tuple[int | None, Any]]

_DECODER = json.JSONDecoder()
_TOLERANT = json.JSONDecoder(strict=False)  # a raw tab in a string harms nobody; on one line it cannot hide a border
_BLANK = re.compile(r"[ \t\r\n]*")


def values(source: Source) -> Values:
    """Each record with the line where it starts; a `ReadError` in place of one that is broken."""
    return _values_of_lines(source) if _is_lines(source) else _values_of_document(source)


def _is_lines(source: Source) -> bool:
    head = source.head_text(1 << 20)
    rows = [row for row in head.lstrip("\ufeff").split("\n") if row.strip()]
    if not rows or not rows[0].lstrip().startswith("{"):
        return False
    if len(rows) == 1:
        return len(head) < 1 << 20
    if _parses(rows[0]):
        return True
    end = rows[0].rstrip()[-1]
    return end == "}" or (end not in "{[,:" and _parses(rows[1]))


def _parses(row: str) -> bool:
    try:
        return isinstance(_TOLERANT.decode(row.strip()), dict)
    except (ValueError, RecursionError):
        return False


def _values_of_lines(source: Source) -> Values:
    with source.text() as stream:
        for number, line in lines(source, stream):
            text = line.strip(" \t\r\n\ufeff")
            if not text:
                continue
            if error := misencoded(text, source, number):
                yield number, error
                continue
            try:
                value = _TOLERANT.decode(text)
            except ValueError as error:
                reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                column = f", column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
                yield number, ReadError(f"broken JSON{column}: {reason}", path=source.name, line=number)
            except RecursionError:
                yield number, ReadError("broken JSON: nested too deeply", path=source.name, line=number)
            else:
                for record in unwrapped(value):
                    yield number, record


def unwrapped(value: Any) -> Iterator[Any]:
    """The records in one JSON value: itself, the elements of an array, or what a wrapper holds."""
    if isinstance(value, list):
        yield from value
        return
    if isinstance(value, dict) and not _is_record(value):
        for key in value:
            if key in LISTS and isinstance(value[key], list):
                yield from value[key]
                return
            if key in PATHS and isinstance(value[key], dict | list):
                yield from unwrapped(value[key])
                return
    yield value


def _is_record(value: dict[str, Any]) -> bool:
    return any(key.casefold() in _TITLES for key in value)


def _values_of_document(source: Source) -> Values:
    with source.text() as stream:
        cursor = _Cursor(source, stream)
        try:
            while cursor.peek():
                yield from _document(cursor)
        except ReadError as error:
            yield error.line, error


def _document(cursor: _Cursor) -> Values:
    """One value of the outermost level; raises the `ReadError` after which nothing more can be read."""
    if cursor.peek() == "[":
        yield from _array(cursor)
    elif cursor.peek() == "{":
        yield from _object(cursor)
    else:
        line = cursor.line()
        yield line, cursor.value()


def _array(cursor: _Cursor) -> Values:
    cursor.take("[")
    if cursor.peek() == "]":
        cursor.take("]")
        return
    while True:
        cursor.peek()
        line, indent = cursor.line(), cursor.indent()
        try:
            value = cursor.value()
            if cursor.peek() not in (",", "]"):
                raise cursor.error("expected , or ] after an element of the array")
        except ReadError as error:
            if not cursor.skip_to(indent):
                raise ReadError(
                    f"{error.reason}; the rest of this file is not read", path=error.path, line=error.line
                ) from error
            yield error.line, error
            continue
        yield line, value
        if cursor.peek() == "]":
            cursor.take("]")
            return
        cursor.take(",")


def _object(cursor: _Cursor) -> Values:
    """The lists that a wrapper holds, streamed, or else the whole object as one record."""
    start, found = cursor.line(), False
    rest: dict[str, Any] = {}
    cursor.take("{")
    while cursor.peek() != "}":
        key = cursor.value()
        if not isinstance(key, str):
            raise cursor.error("expected a name in double quotes")
        cursor.take(":")
        opening = cursor.peek()
        if key in LISTS and opening == "[" and not _is_record(rest):
            yield from _array(cursor)
            found = True
        elif key in PATHS and opening in ("{", "[") and not _is_record(rest):
            yield from _document(cursor)
            found = True
        else:
            rest[key] = cursor.value()
        if cursor.peek() == ",":
            cursor.take(",")
        elif cursor.peek() != "}":
            raise cursor.error("expected , or } in an object")
    cursor.take("}")
    if not found:
        yield start, rest


class _Cursor:
    """A place in a JSON text of which only a window is in memory."""

    def __init__(self, source: Source, stream: IO[str]) -> None:
        self._source, self._stream = source, stream
        self._text, self._at, self._done = "", 0, False
        self._line, self._counted = 1, 0

    def line(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def indent(self) -> str | None:
        """The newline and blanks before this place, or None where something else stands before it on the line."""
        begin = self._text.rfind("\n", 0, self._at)
        blank = self._text[begin : self._at] if begin >= 0 else ""
        return blank if begin >= 0 and not blank.strip() else None

    def error(self, reason: str, at: int | None = None) -> ReadError:
        offset = self._at if at is None else at
        number = self.line() + self._text.count("\n", self._at, offset)
        return ReadError(f"broken JSON: {reason}", path=self._source.name, line=number)

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            self.line()
            if match := _BLANK.match(self._text, self._at):
                self._at = match.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, character: str) -> None:
        if self.peek() != character:
            raise self.error(f"expected {character}" + ("" if self.peek() else ", but the file ends"))
        self._at += 1

    def value(self) -> Any:
        """The value that starts here."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - 16
                if cut and self._more():
                    continue
                raise self.error(error.msg, error.pos) from error
            except ValueError as error:
                raise self.error(str(error)) from error
            except RecursionError as error:
                raise self.error("nested too deeply") from error
            if end >= len(self._text) and self._more():
                continue  # a number may go on
            if wrong := misencoded(self._text[self._at : end], self._source, self.line()):
                self._at = end
                return wrong
            self._at = end
            return value

    def skip_to(self, indent: str | None) -> bool:
        """Go to the next line that starts an object with this indentation; False where there is none."""
        if indent is None:
            return False
        self._at += 1
        while True:
            found = self._text.find(f"{indent}{{", self._at)
            if found >= 0:
                self.line()
                self._at = found + len(indent)
                return True
            self.line()
            self._at = max(self._at, len(self._text) - len(indent))
            if not self._more():
                return False

    def _more(self) -> bool:
        if self._done:
            return False
        kept = len(self._text) - self._at
        if kept > MAX_RECORD:
            raise ReadError(
                f"a record of more than {MAX_RECORD:,} characters is no paper", path=self._source.name, line=self.line()
            )
        self.line()
        before = min(self._at, 256)  # enough to see the indentation of the place
        self._text = self._text[self._at - before :]
        self._at = self._counted = before
        chunk = self._stream.read(max(1 << 20, kept))
        self._done = not chunk
        self._text += chunk
        return bool(chunk)
