"""What CTranslate2 says when a GPU cannot be used, or has no memory left.

All of it comes as RuntimeError or ValueError, and can be told by its words alone.
"""

from __future__ import annotations

import re

import ctranslate2

from transcribe_worker import memory

LONGEST_MESSAGE = 200
_ALLOCATION = re.compile(r"CUBLAS_STATUS_ALLOC_FAILED", re.IGNORECASE)
#: `CUDA failed with error …`, `cuBLAS failed with status …`, `Library libcublas.so.12 is not found …`
_FAULT = re.compile(r"cuda|cublas|cudnn", re.IGNORECASE)
#: Takes the least memory; the first that the GPU knows.
SMALL_TYPES = ("int8_float16", "int8_bfloat16", "int8")


def ran_out(error: Exception) -> bool:
    """Whether there was too little memory, on a GPU or beside it."""
    return memory.ran_out(error) or _ALLOCATION.search(str(error)) is not None


def is_at_fault(error: Exception) -> bool:
    """Whether an error comes from the GPU, its driver or its libraries."""
    return ran_out(error) or _FAULT.search(str(error)) is not None


def cause(error: Exception) -> str:
    """Why the GPU is used less, or not at all."""
    if ran_out(error):
        return "the GPU was out of memory"
    return f"the GPU cannot be used: {' '.join(str(error).split())[:LONGEST_MESSAGE]}"


def small_type() -> str | None:
    """The compute type that takes the least memory of the GPU; None if it knows none of them."""
    try:
        supported = ctranslate2.get_supported_compute_types("cuda")
    except (RuntimeError, ValueError):
        return None
    return next((kind for kind in SMALL_TYPES if kind in supported), None)
