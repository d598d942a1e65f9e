"""Shared memory that a GPU copies to and from directly."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


@contextmanager
def pinned(memory: Tensor, device: str) -> Iterator[None]:
    """Have the driver lock memory for copies to a device; where it will not, they are slower and as right. Nothing to do
    but for CUDA.
    """
    if not device.startswith("cuda"):
        yield
        return
    cuda: Any = torch.cuda
    cuda.init()
    refused = cuda.cudart().cudaHostRegister(memory.data_ptr(), memory.nbytes, 0)
    if int(refused):
        # The error stays with the driver, and the next kernel would be blamed for it.
        with contextlib.suppress(RuntimeError):
            torch.zeros(1, device=device).add_(1)
    try:
        yield
    finally:
        if not int(refused):
            cuda.cudart().cudaHostUnregister(memory.data_ptr())
