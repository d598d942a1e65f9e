"""Optimizers without the compiler: the classes of `torch.optim` import it, used or not, which takes a second of each run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw


class Optimizer:
    """Parameters in groups with settings of their own, and what is remembered of them; used as one of torch's is."""

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        self.param_groups = groups
        self.state: dict[Tensor, dict[str, Any]] = {}

    def step(self) -> None:
        """Update what has a gradient."""
        raise NotImplementedError

    def zero_grad(self, *, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for parameter in (one for group in self.param_groups for one in group["params"] if one.grad is not None):
            parameter.grad = None if set_to_none else parameter.grad.zero_()


class AdamW(Optimizer):
    """AdamW (Loshchilov and Hutter, 2019), by torch's function for all of a group at once. A group has `params` and `lr`, and may
    have `betas`, `eps` and `weight_decay` of its own.
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__([{"betas": betas, "eps": eps, "weight_decay": weight_decay, **group} for group in groups])

    @torch.no_grad()
    def step(self) -> None:
        """Update what has a gradient."""
        for group in self.param_groups:
            some = [one for one in group["params"] if one.grad is not None]
            known = [self.state.get(one) or self._begin(one) for one in some]
            adamw(
                some,
                [one.grad for one in some],
                [one["mean"] for one in known],
                [one["square"] for one in known],
                [],
                [one["steps"] for one in known],
                fused=True,
                amsgrad=False,
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                lr=group["lr"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=False,
            )

    def _begin(self, parameter: Tensor) -> dict[str, Any]:
        self.state[parameter] = {
            "mean": torch.zeros_like(parameter),
            "square": torch.zeros_like(parameter),
            "steps": torch.zeros((), device=parameter.device),
        }
        return self.state[parameter]
