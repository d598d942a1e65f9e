"""What a person would write: a plain GPT in the way of nanoGPT, for the benchmark. Same data, same budget, same judge.

Learned positions, LayerNorm, GELU, tied embedding and head, AdamW with warm-up and a cosine, gradients clipped.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from run import Shape, fail_with_what_fits, join

DEPTH = 2  # blocks
WIDTH = 64  # channels of the residual stream
HEADS = 2  # of attention
BATCH_ROWS = 8  # sequences a step
DEVICE_ROWS = 8  # sequences at a time
LEARNING_RATE = 4e-3  # AdamW; the best of 0.5e-3 to 16e-3 at the default size
WARM_UP = 0.4  # share of the run; the best of 0.05 to 0.4, as the small embedding has to grow first
FINAL_LR = 0.1  # share of the learning rate
WEIGHT_DECAY = 0.1  # of matrices
BETAS = (0.9, 0.95)
CLIP = 1.0  # norm of all gradients
THREADS = 1  # of the processor


class Block(nn.Module):
    """Attention and MLP with LayerNorm before each."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention, self.before_mlp = nn.LayerNorm(WIDTH, bias=False), nn.LayerNorm(WIDTH, bias=False)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.down = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x is [rows, length, WIDTH]."""
        rows, length, _ = x.shape
        parts = self.qkv(self.before_attention(x)).view(rows, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = (part.transpose(1, 2) for part in parts.unbind(2))
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(rows, length, WIDTH))
        mlp: Tensor = self.down(F.gelu(self.up(self.before_mlp(x))))
        return x + mlp


class GPT(nn.Module):
    """Token and position embeddings, blocks, and the token embedding once more as the head."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.tokens = nn.Embedding(shape.vocabulary, WIDTH)
        self.positions = nn.Embedding(shape.sequence_length, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.last = nn.LayerNorm(WIDTH, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                residual = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / (math.sqrt(2 * DEPTH) if residual else 1))

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [rows, length] to logits [rows, length, vocabulary]."""
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.size(1), device=tokens.device))
        for block in self.blocks:
            x = block(x)
        return F.linear(self.last(x), self.tokens.weight)

    def loss(self, rows: Tensor) -> Tensor:
        """Mean loss in nats a token of rows [rows, length + 1]."""
        return F.cross_entropy(self(rows[:, :-1]).flatten(0, 1).float(), rows[:, 1:].flatten())


def rate(progress: float) -> float:
    """The learning rate at a share of the run."""
    if progress < WARM_UP:
        return LEARNING_RATE * (progress + 0.01) / (WARM_UP + 0.01)
    fallen = (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2
    return LEARNING_RATE * (FINAL_LR + (1 - FINAL_LR) * fallen)


def main() -> None:
    """Train until the budget is spent, and hand over."""
    run = join()
    torch.manual_seed(run.seed)
    torch.set_num_threads(THREADS)
    on_gpu = run.device.startswith("cuda")
    model = GPT(run.shape).to(run.device)
    matrices = [p for p in model.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS, fused=on_gpu)
    loss_of: Callable[[Tensor], Tensor] = torch.compile(model.loss) if on_gpu else model.loss
    if on_gpu:
        torch.set_float32_matmul_precision("high")

    def gradients(rows: Tensor, share: float) -> Tensor:
        with torch.autocast("cuda", torch.bfloat16, enabled=on_gpu):
            loss = loss_of(rows)
        (loss * share).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def warm_up(rows: int) -> None:
        gradients(torch.randint(run.vocabulary, (rows, run.sequence_length + 1), device=run.device), 1.0)
        optimizer.zero_grad()

    try:
        warm_up(DEVICE_ROWS)
    except (MemoryError, RuntimeError) as error:
        fail_with_what_fits(error, DEVICE_ROWS, warm_up)
    for batch in run.batches(BATCH_ROWS):
        for group in optimizer.param_groups:
            group["lr"] = rate(run.progress)
        parts = torch.split(batch, DEVICE_ROWS)
        loss = torch.stack([gradients(part, 1 / len(parts)) for part in parts]).mean()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad()
        run.tell(loss)
    used = sum(p.numel() for p in model.parameters()) - model.positions.weight.numel()
    flops = 6.0 * used + 12.0 * DEPTH * WIDTH * run.sequence_length
    run.hand_over(model.state_dict(), depth=DEPTH, flops_per_token=flops)


def predictor(weights: dict[str, Tensor], shape: Shape) -> Callable[[Tensor], Tensor]:
    """How the weights are used: token ids [rows, length] to logits [rows, length, vocabulary]."""
    torch.set_num_threads(THREADS)
    model = GPT(shape).to(shape.device)
    model.load_state_dict(weights)
    return model.eval()


if __name__ == "__main__":
    main()
