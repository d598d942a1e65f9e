"""What an experiment may use of a GPU: which numbers it is fast with, and attention that leaves out what is out of sight."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

Blocks = Any
"""Which blocks of places are in sight of which: torch's `BlockMask`, whose module takes long to import."""

_AMPERE, _HOPPER = 8, 9


def has_bfloat16(device: str) -> bool:
    """Whether a device has units for bfloat16: a GPU from Ampere on."""
    return device.startswith("cuda") and torch.cuda.get_device_capability(device)[0] >= _AMPERE


def blocks_in_sight(length: int, window: int, device: str) -> Blocks | None:
    """What a window sees of so many tokens, in blocks; None where everything is in sight. It is the same for every step, so it is
    made once, and not compiled.
    """
    from torch.nn.attention.flex_attention import create_block_mask

    def sees(row: Tensor, head: Tensor, here: Tensor, there: Tensor) -> Tensor:
        return (here >= there) & (here - there < window)

    return create_block_mask(sees, None, None, length, length, device=device) if window < length else None


def leave_out_blocks(model: nn.Module, length: int, device: str) -> None:
    """Give every part of a model that has a `window` the `blocks` that it sees."""
    for part in model.modules():
        if isinstance(window := getattr(part, "window", None), int):
            part.blocks = blocks_in_sight(length, window, device)  # type: ignore[assignment]


def attend_in_blocks(query: Tensor, key: Tensor, value: Tensor, blocks: Blocks) -> Tensor:
    """Attention over the blocks in sight alone (FlexAttention, Dong et al., 2024), to be compiled; all [rows, heads, length,
    width] and of one kind of number.
    """
    from torch.nn.attention.flex_attention import flex_attention

    out = flex_attention(query, key, value, block_mask=blocks)
    assert isinstance(out, Tensor)
    return out


def use_fast_attention() -> str:
    """Let torch's attention use FlashAttention 3 (Shah et al., 2024) on Hopper, where its package is installed; returns its name.
    Elsewhere torch chooses among its own kernels, cuDNN's among them, and nothing is returned.
    """
    activate = getattr(torch.nn.attention, "activate_flash_attention_impl", None)
    hopper = torch.cuda.is_available() and torch.cuda.get_device_capability()[0] == _HOPPER
    if not (activate and hopper and find_spec("flash_attn_interface")):
        return ""
    activate("FA3")
    return "FA3"
