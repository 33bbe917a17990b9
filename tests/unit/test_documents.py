"""Transcripts as documents and tables, read back by parsers of others."""

from __future__ import annotations

import csv
import io
import sys
import time
from itertools import pairwise

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from archive.exports import FORMATS, TEXTS
from archive.formats.document import ExtraMissing, as_docx
from archive.formats.markdown import as_markdown
from archive.formats.tables import COLUMNS
from archive.formats.text import as_text
from archive.transcript import Transcript
from shared.speakers import ME, THEM
from shared.words import Segment
from tests.transcripts import corrected, said_by, sentence, transcript

HELLO, FINE = sentence("Hello there.", 1000), sentence("Fine, thanks.", 3_661_000)
LABELLED = transcript(
    HELLO, FINE, labels=[said_by(ME, 0, 1), said_by(THEM, 2, 3, 0.4)], names={THEM: "Ada Lovelace"}
)
HOSTILE = [
    *(
        "<b>Ada</b>",
        "=cmd()|' /C calc'!A0",
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "# h",
        "* a",
        "1. a",
        "> a",
        "---",
        "a_b_c",
    ),
    *(
        "`x`",
        "![x](y)",
        "<script>",
        "&lt;",
        "a|b",
        "\x1b[31mred",
        "[a]: b",
        "~~x~~",
        "| a |",
        "    code",
        "\u202eabc",
    ),
]


def shown(text: str) -> str:
    """A text on one line, without controls."""
    return " ".join("".join(it if it.isprintable() else " " for it in text).split())


def rows(found: Transcript) -> list[dict[str, str]]:
    """The rows of a CSV file as Python's reader takes them."""
    text = FORMATS["csv"].content(found).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def markdown(found: Transcript) -> list[tuple[str, str]]:
    """The blocks of a Markdown file as markdown-it reads them: the tag and the text that is shown."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(as_markdown(found))
    return [(one.tag, _plain(two.children or [])) for one, two in pairwise(tokens) if two.type == "inline"]


def _plain(tokens: list[object]) -> str:
    kinds = {token.type: token for token in tokens}  # type: ignore[attr-defined]
    assert set(kinds) <= {"text", "text_special", "strong_open", "strong_close", "hardbreak"}
    return "".join("\n" if it.type == "hardbreak" else it.content for it in tokens)  # type: ignore[attr-defined]


def paragraphs(found: Transcript) -> list[str]:
    """The paragraphs of a Word document as python-docx reads them."""
    return [it.text for it in docx.Document(io.BytesIO(as_docx(found))).paragraphs]


def test_text_has_the_time_and_the_speaker_of_each_passage_once_a_speaker_is_known() -> None:
    assert as_text(transcript(HELLO, FINE)) == "Hello there.\nFine, thanks.\n"
    assert as_text(LABELLED) == "[00:00:01] Me: Hello there.\n[01:01:01] Ada Lovelace (?): Fine, thanks.\n"


def test_markdown_has_the_facts_and_a_paragraph_for_each_turn() -> None:
    assert markdown(LABELLED) == [
        ("h1", "Zoë, Łukasz & 李"),
        *(("p", "Length: 00:01:01"), ("p", "Language: en"), ("p", "Model: tiny.en")),
        ("p", "Me [00:00:01]\nHello there."),
        ("p", "Ada Lovelace (?) [01:01:01]\nFine, thanks."),
    ]


def test_a_word_document_has_the_facts_and_a_paragraph_for_each_turn() -> None:
    assert paragraphs(LABELLED) == [
        "Zoë, Łukasz & 李",
        *("Length: 00:01:01", "Language: en", "Model: tiny.en"),
        "Me [00:00:01]\nHello there.",
        "Ada Lovelace (?) [01:01:01]\nFine, thanks.",
    ]
    document = docx.Document(io.BytesIO(as_docx(LABELLED)))
    assert (document.core_properties.title, document.core_properties.author) == (
        "Zoë, Łukasz & 李",
        "offhook",
    )
    assert [run.bold for run in document.paragraphs[4].runs] == [True, None]


def test_csv_has_a_row_for_each_passage() -> None:
    first, second = rows(LABELLED)
    assert tuple(first) == COLUMNS
    assert tuple(first.values()) == ("1.0", "1.6", "Me", "me", "0.9", "Hello there.", "")
    assert tuple(second.values())[2:5] == ("Ada Lovelace (?)", "them", "0.4")
    assert FORMATS["csv"].content(LABELLED).startswith(b"\xef\xbb\xbfstart_seconds,")


def test_passages_of_a_speaker_one_after_another_are_one_paragraph_of_a_document() -> None:
    found = transcript(HELLO, sentence("And hi.", 9000), labels=[said_by(ME, 0, 3)])
    assert markdown(found)[-1] == ("p", "Me [00:00:01]\nHello there. And hi.")
    assert paragraphs(found)[-1] == "Me [00:00:01]\nHello there. And hi."
    assert len(rows(found)) == 2


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_title_a_name_and_a_text_with_marks_are_shown_as_they_are(hostile: str) -> None:
    found = transcript(
        Segment(0, 900, hostile, HELLO.words[:1]),
        title=hostile,
        labels=[said_by(ME, 0, 0)],
        names={ME: hostile},
    )
    text = shown(hostile)
    assert (markdown(found)[0], markdown(found)[-1]) == (("h1", text), ("p", f"{text} [00:00:00]\n{text}"))
    assert (paragraphs(found)[0], paragraphs(found)[-1]) == (text, f"{text} [00:00:00]\n{text}")
    (row,) = rows(found)
    assert (row["speaker"].removeprefix("'"), row["text"].removeprefix("'")) == (text, text)


texts = st.text(st.characters(codec="utf-8"), max_size=30)


@given(texts, texts, texts)
def test_no_cell_begins_like_a_formula_and_every_file_can_be_read(title: str, name: str, text: str) -> None:
    found = transcript(
        Segment(0, 900, text, HELLO.words[:1]), title=title, labels=[said_by(ME, 0, 0, 0.5)], names={ME: name}
    )
    assert not [cell for row in rows(found) for cell in row.values() if cell.startswith(tuple("=+-@\t\r"))]
    assert len(rows(found)) == (1 if shown(text) else 0) or not text.isprintable()
    assert paragraphs(found)[0]
    assert markdown(found)[0][0] == "h1"


@given(texts)
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    found = markdown(transcript(Segment(0, 900, f"x {text} y")))
    assert found[-1][0] == "p"
    assert found[-1][1].startswith("[00:00:00]\nx")
    assert found[-1][1].endswith("y")


def test_a_person_reads_the_corrected_text_in_every_format() -> None:
    found = transcript(HELLO, corrections=[corrected(1, 1, "Zwetschgenmann.")])
    for write in (FORMATS[name].text for name in TEXTS if name != "json"):
        assert write
        assert "Hello Zwetschgenmann." in write(found).replace("\\", "")
    assert "Hello Zwetschgenmann." in paragraphs(found)[-1]


def test_without_the_package_for_word_documents_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(ExtraMissing, match=r"-m pip install python-docx"):
        as_docx(LABELLED)


def test_an_empty_transcript_is_a_valid_file() -> None:
    assert rows(transcript()) == []
    assert markdown(transcript(title=""))[0] == ("h1", "Recording 7")
    assert len(paragraphs(transcript())) == 4


def test_text_from_right_to_left_is_marked_as_such_in_a_word_document() -> None:
    document = docx.Document(io.BytesIO(as_docx(transcript(sentence("مرحبا بك"), title="x"))))
    assert [run.font.rtl for run in document.paragraphs[-1].runs][-1] is True


@pytest.mark.long
def test_a_day_of_eighty_thousand_words_is_written_in_seconds_in_every_format() -> None:
    segments = [sentence("Ten words are here, and they are all the same.", 4000 * n) for n in range(8000)]
    found = transcript(
        *segments, labels=[said_by((ME, THEM)[n % 2], 10 * n, 10 * n + 9) for n in range(8000)]
    )
    for form in FORMATS.values():
        began = time.process_time()
        assert len(form.content(found)) > 50_000
        assert time.process_time() - began < 10
