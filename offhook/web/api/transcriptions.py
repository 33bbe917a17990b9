"""What programs made for OpenAI's audio API call: transcriptions, and the models they may ask for."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from offhook.desk import model_names
from offhook.desk.desk import Desk
from offhook.web.call import Answers, Stream
from offhook.web.dispatch import as_response
from offhook.web.form import FORM
from offhook.web.openai_errors import answering
from offhook.web.transcriptions import transcriptions
from offhook.web.work import Work
from shared.errors import ModelMissing


class Model(msgspec.Struct):
    """A model that programs may ask for."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "offhook"


class Models(msgspec.Struct):
    """The models on this machine; `whisper-1` means the default one."""

    data: list[Model]
    object: Literal["list"] = "list"


def _models(desk: Desk, work: Work) -> Answers:
    async def answer(_: Request) -> Response:
        return as_response(Models([Model(name) for name in await work.run(model_names.present, desk)]))

    return answering(answer)


def _model(desk: Desk, work: Work) -> Answers:
    async def answer(request: Request) -> Response:
        name = request.path_params["model"]
        if name not in await work.run(model_names.present, desk):
            await work.run(model_names.chosen, desk, name, "auto")
            raise ModelMissing
        return as_response(Model(name))

    return answering(answer)


ENDPOINTS = (
    Stream("GET", "/v1/models", _models, "Models, as OpenAI lists them", answer=Models),
    Stream("GET", "/v1/models/{model:str}", _model, "A model, as OpenAI shows it", answer=Model),
    Stream(
        "POST",
        "/v1/audio/transcriptions",
        transcriptions,
        "The transcript of a file, as OpenAI answers",
        takes=FORM,
        answer=dict[str, Any],
    ),
)
