"""Reads a form of several parts as it arrives: its fields, and the bytes of the one file in it."""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from offhook.web.call import BadCall

FORM = "multipart/form-data"
#: Of all fields together; a prompt is the longest of them.
MOST_FIELD_BYTES = 256_000
MOST_FIELDS = 100


class Form:
    """One form; `feed` it, and take the bytes of its file away each time. Raises BadCall for any fault."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind.decode("latin-1") != FORM or not boundary:
            raise BadCall(f"The body must be a form: {FORM}, with a boundary.")
        self.file_name: str | None = None
        self.fields: dict[str, list[str]] = {}
        self._left_bytes, self._count = MOST_FIELD_BYTES, 0
        self._name, self._is_file, self._has_ended = "", False, False
        self._header, self._value, self._content = b"", b"", bytearray()
        self._file = bytearray()
        self._parser = self._made(boundary)

    def _made(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_begin": self._header_begins,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_ends,
                    "on_end": self._ends,
                },
            )
        except FormParserError as error:
            raise BadCall(f"The form cannot be read: {error}.") from None

    def feed(self, piece: bytes) -> None:
        """Read on."""
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise BadCall(f"The form cannot be read: {error}.") from None

    def file_bytes(self) -> bytes:
        """Return the bytes of the file that have come since the last call."""
        found, self._file = bytes(self._file), bytearray()
        return found

    def end(self) -> None:
        """Make sure that the form is whole and has a file."""
        if not self._has_ended:
            raise BadCall("The form ends before its last boundary.")
        if self.file_name is None:
            raise BadCall("The form has no part `file` with a file name.")

    def field(self, name: str, default: str = "") -> str:
        """Return the last value of a field."""
        return self.fields.get(name, [default])[-1]

    # What the parser calls

    def _part_begins(self) -> None:
        self._count += 1
        if self._count > MOST_FIELDS:
            raise BadCall(f"The form has more than {MOST_FIELDS} parts.")
        self._name, self._is_file, self._content = "", False, bytearray()

    def _header_begins(self) -> None:
        self._header, self._value = b"", b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._header.lower() != b"content-disposition":
            return
        _, options = parse_options_header(self._value.decode("latin-1"))
        self._name = options.get(b"name", b"").decode(errors="replace")
        if b"filename" in options:
            self._begin_file(options[b"filename"].decode(errors="replace"))

    def _begin_file(self, name: str) -> None:
        if self._name != "file" or self.file_name is not None:
            raise BadCall("The form must have one file, in the part `file`.")
        self._is_file, self.file_name = True, name

    def _headers_end(self) -> None:
        if not self._name:
            raise BadCall("A part of the form has no name.")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._file += data[start:end]
            return
        self._left_bytes -= end - start
        if self._left_bytes < 0:
            raise BadCall(f"The fields of the form have more than {MOST_FIELD_BYTES:,} bytes.")
        self._content += data[start:end]

    def _part_ends(self) -> None:
        if not self._is_file:
            text = self._content.decode(errors="replace")
            self.fields.setdefault(self._name.removesuffix("[]"), []).append(text)

    def _ends(self) -> None:
        self._has_ended = True
