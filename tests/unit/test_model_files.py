"""Where the models are, with the model that is installed beside offhook and no network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from faster_whisper import available_models
from faster_whisper.tokenizer import _LANGUAGE_CODES

from shared.errors import ModelMissing, SettingsError
from shared.languages import LANGUAGES
from transcribe_worker import model_files
from transcribe_worker.model_files import NAMES, WEIGHTS

ROOT = Path(__file__).parents[2]

PULL = """
import sys
from pathlib import Path
from transcribe_worker.model_files import DownloadFailed, pull
try:
    pull(Path(sys.argv[1]), sys.argv[2])
except DownloadFailed as error:
    print(error, end="")
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def put(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(b"weights")
    return folder


def pull_without_network(models: Path, name: str) -> str:
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", PULL, str(models), name],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(models.parent / "cache")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_the_names_are_those_that_faster_whisper_can_download():
    assert list(NAMES) == available_models()


def test_the_bundled_model_is_found_on_a_fresh_machine(models: Path, bundled: Path):
    folder = model_files.find(models, "tiny.en")

    assert folder == bundled
    assert (folder / WEIGHTS).stat().st_size > 1_000_000


def test_the_bundled_model_is_found_before_there_is_a_models_folder(tmp_path: Path, bundled: Path):
    assert model_files.find(tmp_path / "missing", "tiny.en") == bundled


@pytest.mark.parametrize("name", ["small", "large-v3", "Systran/faster-whisper-small"])
def test_a_missing_model_is_an_error_that_says_how_to_fetch_it(models: Path, name: str):
    with pytest.raises(ModelMissing) as caught:
        model_files.find(models, name)

    assert f"offhook models pull {name}" in str(caught.value)


@pytest.mark.parametrize("name", ["~nobody-of-this-name", "x" * 5_000, "x\0y", "/" + "x" * 300])
def test_a_name_that_no_folder_can_have_is_a_missing_model(models: Path, name: str):
    with pytest.raises(ModelMissing):
        model_files.find(models, name)


def test_a_downloaded_model_is_found(models: Path):
    folder = put(models / "small")

    assert model_files.find(models, "small") == folder


def test_a_model_of_a_repository_is_found_under_a_name_without_a_slash(models: Path):
    folder = put(models / "somebody--their-model")

    assert model_files.find(models, "somebody/their-model") == folder


def test_a_downloaded_model_wins_over_the_bundled_one(models: Path):
    folder = put(models / "tiny.en")

    assert model_files.find(models, "tiny.en") == folder


def test_a_folder_of_ones_own_is_found_by_its_path(tmp_path: Path, models: Path):
    folder = put(tmp_path / "elsewhere" / "mine")

    assert model_files.find(models, str(folder)) == folder


def test_a_missing_folder_of_ones_own_is_an_error_that_names_it(tmp_path: Path, models: Path):
    with pytest.raises(ModelMissing) as caught:
        model_files.find(models, str(tmp_path / "nowhere"))

    assert str(tmp_path / "nowhere") in str(caught.value)
    assert "pull" not in str(caught.value)


def test_a_folder_without_weights_is_no_model(models: Path):
    (models / "small").mkdir()

    with pytest.raises(ModelMissing):
        model_files.find(models, "small")


@pytest.mark.parametrize("name", ["small", "small.part"])
def test_half_a_download_is_never_taken_for_a_model(models: Path, name: str):
    put(model_files.partial_folder(models, "small"))

    with pytest.raises(ModelMissing):
        model_files.find(models, name)


def test_half_a_download_is_not_listed_as_a_model(models: Path):
    put(model_files.partial_folder(models, "small"))
    put(model_files.partial_folder(models, "somebody/their-model"))

    listed = {model.name: model.folder for model in model_files.listed(models)}
    assert list(listed) == list(NAMES)
    assert listed["small"] is None


def test_the_list_shows_every_name_once_and_where_it_is(models: Path, bundled: Path):
    own, small = put(models / "own"), put(models / "small")

    listed = list(model_files.listed(models))

    assert [model.name for model in listed] == [*NAMES, "own"]
    here = {model.name: model.folder for model in listed if model.folder}
    assert here == {"tiny.en": bundled, "small": small, "own": own}
    assert [model.name for model in listed if model.bundled] == ["tiny.en"]


def test_an_unknown_name_is_refused_before_anything_is_downloaded(models: Path):
    with pytest.raises(SettingsError) as caught:
        model_files.pull(models, "smal")

    assert "smal." in str(caught.value)
    assert "offhook models list" in str(caught.value)
    assert list(models.iterdir()) == []


def test_a_download_without_a_network_fails_with_one_line_and_the_remedy(models: Path):
    message = pull_without_network(models, "small")

    assert message.startswith("The model small cannot be downloaded (")
    assert len(message.splitlines()) == 1
    assert "Check the network and try again" in message
    assert str(models / "small") in message


def test_a_failed_download_leaves_the_model_that_is_there(models: Path):
    folder = put(models / "small")

    pull_without_network(models, "small")

    assert (model_files.find(models, "small") / WEIGHTS).read_bytes() == b"weights"
    assert folder.is_dir()


def test_the_languages_are_those_of_faster_whisper():
    assert set(LANGUAGES) == set(_LANGUAGE_CODES)


def test_a_model_for_english_hears_no_other_language(tmp_path: Path):
    find = model_files.find
    assert find(tmp_path, "tiny.en", "en") == find(tmp_path, "tiny.en", "auto")
    with pytest.raises(ModelMissing, match=r"hears English only, not de\. Run: offhook models pull tiny;"):
        find(tmp_path, "tiny.en", "de")
