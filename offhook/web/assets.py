"""The files that pages load: served under an address with their hash, so that browsers keep them for good."""

from __future__ import annotations

import re
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
_IMPORT = re.compile(r"""^\s*(?:import|export)\b[^;'"]*?['"](\.[^'"]+)['"]""", re.MULTILINE)


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

    def modules(self, name: str) -> list[str]:
        """Return the modules that a module needs, itself first, so that a page can ask for all at once."""
        found: dict[str, None] = {}
        waiting = [name]
        while waiting:
            module = waiting.pop()
            if module not in found and module in self._files:
                found[module] = None
                text = self._files[module].decode()
                waiting += [_beside(module, other) for other in _IMPORT.findall(text)]
        return list(found)

    async def serve(self, request: Request) -> Response:
        """Answer with a file; one of another version is not kept by the browser."""
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404)
        kept = FOR_GOOD if request.path_params["version"] == self.version else "no-cache"
        headers = {"cache-control": kept}
        return Response(self._files[name], media_type=TYPES[PurePosixPath(name).suffix], headers=headers)


def _beside(module: str, other: str) -> str:
    """Return the name of a module that another one imports by a relative path."""
    parts: list[str] = []
    for part in (PurePosixPath(module).parent / other).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
