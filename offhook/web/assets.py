"""The files that pages load: served under an address with their hash, so that browsers keep them for good."""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256
from pathlib import Path, PurePosixPath

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
FOR_GOOD = "public, max-age=31536000, immutable"


class Assets:
    """The files of a folder, read once; another file under `static/` is none of them."""

    def __init__(self, folder: Path = FOLDER) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.suffix in TYPES)
        self._files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

    @cached_property
    def version(self) -> str:
        """What changes with any of the files."""
        content = sha256()
        for name, data in self._files.items():
            content.update(name.encode() + b"\0" + sha256(data).digest())
        return content.hexdigest()[:16]

    def url(self, name: str) -> str:
        """Return the address of a file. Raises KeyError."""
        _ = self._files[name]
        return f"/static/{self.version}/{name}"

    async def serve(self, request: Request) -> Response:
        """Answer with a file; one of another version is not kept by the browser."""
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404)
        kept = FOR_GOOD if request.path_params["version"] == self.version else "no-cache"
        headers = {"cache-control": kept}
        return Response(self._files[name], media_type=TYPES[PurePosixPath(name).suffix], headers=headers)
