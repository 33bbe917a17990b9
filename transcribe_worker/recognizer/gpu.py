"""Recognises the errors of CTranslate2 for a GPU that cannot be used, or has no memory left.

They are all RuntimeError or ValueError, and differ in their messages alone.
"""

from __future__ import annotations

import re

import ctranslate2

from transcribe_worker import memory

LONGEST_MESSAGE = 200
_ALLOCATION = re.compile(r"CUBLAS_STATUS_ALLOC_FAILED", re.IGNORECASE)
#: `CUDA failed with error …`, `cuBLAS failed with status …`, `Library libcublas.so.12 is not found …`
_FAULT = re.compile(r"cuda|cublas|cudnn", re.IGNORECASE)
#: Compute types that take the least memory, in order of preference.
SMALL_TYPES = ("int8_float16", "int8_bfloat16", "int8")


def ran_out(error: Exception) -> bool:
    """Whether memory ran out, of the GPU or of the machine."""
    return memory.ran_out(error) or _ALLOCATION.search(str(error)) is not None


def is_at_fault(error: Exception) -> bool:
    """Whether an error comes from the GPU, its driver or its libraries."""
    return ran_out(error) or _FAULT.search(str(error)) is not None


def cause(error: Exception) -> str:
    """Return in words why the GPU is used less, or not at all."""
    if ran_out(error):
        return "the GPU was out of memory"
    return f"the GPU cannot be used: {' '.join(str(error).split())[:LONGEST_MESSAGE]}"


def small_type() -> str | None:
    """Return the compute type that takes the least memory of the GPU; None if it knows none of them."""
    try:
        supported = ctranslate2.get_supported_compute_types("cuda")
    except (RuntimeError, ValueError):
        return None
    return next((kind for kind in SMALL_TYPES if kind in supported), None)
