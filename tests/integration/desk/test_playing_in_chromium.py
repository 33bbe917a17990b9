"""Chromium plays every kind of recording through the desk, and after a seek it plays what is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from shared.store.store import Store
from tests.desk import DeskServer
from tests.integration.desk.sounds import BEEP_SECONDS, SECONDS, added, beep
from tests.integration.desk.test_playback_copies import played
from tests.recordings import FLOAT, PCM, encoded, extensible, fmt, pcm, rf64, wav

#: Chromium reports the time that it has decoded, a little before the loudspeaker has it.
EXACT_SECONDS = 0.1
#: Codecs fill up their last block.
PADDED_SECONDS = 0.15
WAV, COPY = "audio/wav", "audio/mp4"

#: What a page hears: an element that seeks, and where the beep is in what is decoded at once.
LISTEN = """async ({url, at}) => {
  const audio = new Audio();
  const once = (name) => new Promise((done, fail) => {
    audio.addEventListener(name, done, {once: true});
    audio.addEventListener("error", () => fail(new Error(audio.error.message)), {once: true});
  });
  audio.preload = "auto";
  const playable = once("canplay");
  audio.src = url;
  await playable;
  const seeked = once("seeked");
  audio.currentTime = at - 0.25;
  await seeked;
  const from = audio.currentTime;

  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaElementSource(audio).connect(analyser);
  analyser.connect(context.destination);
  const samples = new Float32Array(analyser.fftSize);
  await audio.play();
  const heard = await new Promise((done) => {
    const look = () => {
      analyser.getFloatTimeDomainData(samples);
      const isLoud = samples.some((sample) => Math.abs(sample) > 0.4);
      if (isLoud || audio.currentTime > at + 3) done(audio.currentTime);
      else setTimeout(look, 2);
    };
    look();
  });
  audio.pause();

  const bytes = await (await fetch(url)).arrayBuffer();
  const decoded = await new OfflineAudioContext(1, 16000, 16000).decodeAudioData(bytes);
  const loud = decoded.getChannelData(0).findIndex((sample) => Math.abs(sample) > 0.4);
  await context.close();
  return {duration: audio.duration, from, heard, decoded: loud / decoded.sampleRate};
}"""

Made = Callable[[], bytes]
KINDS: dict[str, tuple[Made, str]] = {
    "8 bits.wav": (lambda: wav(fmt(bits=8), pcm(beep(16_000), 8)), WAV),
    "24 bits.wav": (lambda: wav(extensible(PCM, 1, 16_000, 24), pcm(beep(16_000), 24)), WAV),
    "A-law.wav": (lambda: encoded("wav", "pcm_alaw", 8_000, sound=beep(8_000)), WAV),
    "float.wav": (lambda: wav(fmt(FLOAT, bits=32), beep(16_000).astype("<f4").tobytes()), COPY),
    "big-endian.wav": (lambda: wav(fmt(order=">"), pcm(beep(16_000), order=">"), order=">"), COPY),
    "rf64.wav": (lambda: rf64(fmt(), pcm(beep(16_000))), COPY),
    "stale header.wav": (lambda: wav(fmt(), pcm(beep(16_000)), size=16_000), COPY),
    "adpcm.wav": (lambda: encoded("wav", "adpcm_ms", 8_000, sound=beep(8_000)), COPY),
    "flac.flac": (lambda: encoded("flac", "flac", 16_000, sound=beep(16_000)), "audio/flac"),
    "aac.m4a": (lambda: encoded("mp4", "aac", 16_000, sound=beep(16_000)), "audio/mp4"),
    "constant.mp3": (lambda: encoded("mp3", "libmp3lame", 16_000, sound=beep(16_000)), "audio/mpeg"),
    "opus.ogg": (lambda: encoded("ogg", "libopus", 48_000, sound=beep(48_000)), "audio/ogg"),
    "opus.webm": (lambda: encoded("webm", "libopus", 48_000, sound=beep(48_000)), "audio/webm"),
    "adts.aac": (lambda: encoded("adts", "aac", 16_000, sound=beep(16_000)), COPY),
    "aiff.aiff": (lambda: encoded("aiff", "pcm_s16be", 16_000, sound=beep(16_000)), COPY),
    "amr.amr": (lambda: encoded("amr", "libopencore_amrnb", 8_000, sound=beep(8_000)), COPY),
    "wma.wma": (lambda: encoded("asf", "wmav2", 16_000, sound=beep(16_000)), COPY),
}


@pytest.fixture(scope="module")
def blank(context: BrowserContext, desk: DeskServer) -> Page:
    """An empty page of the desk, whose scripts may fetch audio."""
    page = context.new_page()
    page.goto(f"{desk.url}/api/v1")
    return page


@pytest.mark.parametrize("name", KINDS)
def test_chromium_plays_it_and_finds_a_moment_in_it(
    blank: Page, client: httpx.Client, desk_store: Store, tmp_path: Path, name: str
) -> None:
    make, mime = KINDS[name]
    path = tmp_path / name
    path.write_bytes(make())
    record = added(desk_store, path)
    found = played(client, record.id)
    assert (found["mime"], found["why"]) == (mime, None)
    url = f"/api/v1/records/{record.id}/audio"
    heard = blank.evaluate(LISTEN, {"url": url, "at": BEEP_SECONDS})
    assert abs(heard["duration"] - SECONDS) < PADDED_SECONDS
    assert abs(heard["from"] - (BEEP_SECONDS - 0.25)) < EXACT_SECONDS
    assert abs(heard["heard"] - BEEP_SECONDS) < EXACT_SECONDS
    assert abs(heard["decoded"] - BEEP_SECONDS) < EXACT_SECONDS
