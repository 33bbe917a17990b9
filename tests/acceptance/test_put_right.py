"""What a person puts right stays when the recording is transcribed again, by a real engine."""

from __future__ import annotations

from pathlib import Path

from tests.stage import Stage


def test_corrections_and_speakers_stay_over_another_transcription(
    stage: Stage, short_wav: Path, tmp_path: Path
) -> None:
    stage.home.mkdir(mode=0o700)
    (stage.home / "glossary.txt").write_text("".join(f"Okafor{number}\n" for number in range(300)))
    assert stage.offhook("transcribe", short_wav).returncode == 0
    (record,) = stage.records()
    assert "prompt_cut" in record["flags"]
    text = stage.offhook("edit", "1", "--print").stdout
    assert "application" in text
    changed = tmp_path / "changed.txt"
    changed.write_text(text.replace("application", "letter of motivation").replace("details", "particulars"))
    assert "2 places corrected" in stage.offhook("edit", "1", "--from", changed).stdout
    said = stage.read("show", "1")["passages"]
    (number,) = {it["first_word"] for it in said if "motivation" in it["text"]}
    assert stage.offhook("speaker", "1", "--words", str(number), "Laura").returncode == 0

    (stage.home / "glossary.txt").unlink()
    stage.offhook("retry", "1", "--preset", "careful", "--beam-size", "2")
    with stage.process("transcribe_worker"):
        again = stage.finished(short_wav.stem)
        stage.wait_for(lambda: stage.records()[0]["transcript_stem"], "the files to be written again")

    assert again["status"] == "completed"
    assert "prompt_cut" not in again["flags"]
    shown = stage.read("show", "1")
    texts = " ".join(it["text"] for it in shown["passages"])
    assert "letter of motivation" in texts
    assert "particulars" in texts
    assert shown["unplaced"] == []
    assert [it["name"] for it in shown["speakers"] if it["name"] == "Laura"] == ["Laura"]
    assert {hit["record_id"] for hit in stage.read("search", "motivation")["hits"]} == {1}
    stem = stage.records()[0]["transcript_stem"]
    assert "particulars" in " ".join(Path(f"{stem}.txt").read_text("utf-8").split())
