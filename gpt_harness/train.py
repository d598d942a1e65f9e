"""A small GPT, trained and scored: the one file that an experiment edits. Run it: `python train.py`."""

from __future__ import annotations

import math
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evaluate import bits_per_byte
from prepare import SEQUENCE_LENGTH, VOCABULARY, batches, load, steps

# --- What to play with ----------------------------------------------------------------------------------------------

DEPTH = 2  # transformer blocks
WIDTH = 64  # channels of the residual stream
HEAD_WIDTH = 32  # channels of one attention head; WIDTH is a multiple of it
MLP_RATIO = 4  # hidden channels of the MLP, in widths
ROTARY_BASE = 10_000  # longest wavelength of the position encoding, in tokens
BATCH_ROWS = 8  # windows a step; more rows mean fewer steps in the same token budget

MATRIX_LR = 0.04  # Muon, for the matrices inside the blocks
EMBEDDING_LR = 0.1  # AdamW, for token and value embeddings
HEAD_LR = 0.008  # AdamW, for the output layer
SCALAR_LR = 0.02  # AdamW, for the mixing scalars
ADAM_BETAS = (0.8, 0.95)
MUON_MOMENTUM = 0.95
WARMDOWN = 0.5  # share of the run over which learning rates fall to zero
SEED = 1337
THREADS = (
    1  # of the CPU: for matrices this small a second one gains little, and on a busy machine they wait by spinning
)

DIVERGED = 20.0  # nats a token: a loss above this never comes back

# --- Model ----------------------------------------------------------------------------------------------------------


def norm(x: Tensor) -> Tensor:
    """RMSNorm without weights (Zhang and Sennrich, 2019)."""
    return F.rms_norm(x, (x.size(-1),))


def rotary_table(length: int, width: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary position embeddings (Su et al., 2021), each [length, width // 2]."""
    frequencies = ROTARY_BASE ** (-torch.arange(0, width, 2) / width)
    angles = torch.arange(length)[:, None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair of channels by its position; x is [rows, heads, length, width]."""
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, left * sin + right * cos), dim=-1)


class Attention(nn.Module):
    """Causal self-attention with normalised queries and keys, and an embedding of the token mixed into its value."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = WIDTH // HEAD_WIDTH
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.value_embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.value_mix = nn.Parameter(torch.tensor(1.0))
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, tokens: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x is [rows, length, WIDTH], tokens [rows, length]."""
        rows, length, _ = x.shape
        query, key, value = self.qkv(x).chunk(3, dim=-1)
        value = value + self.value_mix * self.value_embedding(tokens)
        query, key, value = (
            part.view(rows, length, self.heads, HEAD_WIDTH).transpose(1, 2) for part in (query, key, value)
        )
        query, key = rotate(norm(query), cos, sin), rotate(norm(key), cos, sin)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(rows, length, WIDTH))
        return out


class Block(nn.Module):
    """Attention, then an MLP with squared ReLU (So et al., 2021), each added to the residual stream."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.up = nn.Linear(WIDTH, MLP_RATIO * WIDTH, bias=False)
        self.down = nn.Linear(MLP_RATIO * WIDTH, WIDTH, bias=False)
        nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor, tokens: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x is [rows, length, WIDTH]."""
        x = x + self.attention(norm(x), tokens, cos, sin)
        x = x + self.down(F.relu(self.up(norm(x))).square())
        return x


class GPT(nn.Module):
    """A decoder-only transformer."""

    cos: Tensor
    sin: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        nn.init.normal_(self.head.weight, std=0.001)
        cos, sin = rotary_table(SEQUENCE_LENGTH, HEAD_WIDTH)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [rows, length] to logits [rows, length, VOCABULARY]."""
        length = tokens.size(1)
        x = norm(self.embedding(tokens))
        for block in self.blocks:
            x = block(x, tokens, self.cos[:length], self.sin[:length])
        logits: Tensor = self.head(norm(x))
        return logits


# --- Optimizers -----------------------------------------------------------------------------------------------------


def orthogonal(gradient: Tensor, iterations: int = 5) -> Tensor:
    """The nearest matrix with orthonormal rows or columns, roughly, by a quintic Newton-Schulz iteration.

    The step of Muon (Keller Jordan, 2024); the coefficients are the ones published with it.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    flip = gradient.size(0) > gradient.size(1)
    x: Tensor = gradient.T if flip else gradient
    x = x / (x.norm() + 1e-7)
    for _ in range(iterations):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if flip else x


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal, for the matrices inside the blocks (Keller Jordan, 2024)."""

    def __init__(self, matrices: list[nn.Parameter], lr: float) -> None:
        super().__init__(matrices, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update with Nesterov momentum; tall matrices get a larger step, so that outputs move alike."""
        for group in self.param_groups:
            for matrix in group["params"]:
                momentum = self.state[matrix].setdefault("momentum", torch.zeros_like(matrix))
                momentum.lerp_(matrix.grad, 1 - MUON_MOMENTUM)
                update = orthogonal(matrix.grad.lerp(momentum, MUON_MOMENTUM))
                scale = max(1.0, matrix.size(0) / matrix.size(1)) ** 0.5
                matrix.add_(update, alpha=-group["lr"] * scale)


def optimizers(model: GPT) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW with a rate of its own for everything else."""
    inside = dict(model.blocks.named_parameters())
    embeddings = [model.embedding.weight, *(p for name, p in inside.items() if "embedding" in name)]
    matrices = [p for name, p in inside.items() if p.ndim == 2 and "embedding" not in name]
    scalars = [p for p in inside.values() if p.ndim < 2]
    groups = [
        {"params": embeddings, "lr": EMBEDDING_LR},
        {"params": [model.head.weight], "lr": HEAD_LR},
        {"params": scalars, "lr": SCALAR_LR},
    ]
    made = [torch.optim.AdamW(groups, betas=ADAM_BETAS, eps=1e-10, weight_decay=0.0), Muon(matrices, MATRIX_LR)]
    for optimizer in made:
        for group in optimizer.param_groups:
            group["full_lr"] = group["lr"]
    return made


def rate(progress: float) -> float:
    """Share of the full learning rate at a share of the run."""
    return min(1.0, (1 - progress) / WARMDOWN)


# --- Training -------------------------------------------------------------------------------------------------------


def train_step(model: GPT, batch: Tensor, made: list[torch.optim.Optimizer], progress: float) -> float:
    """One step on token ids [rows, SEQUENCE_LENGTH + 1]; returns the loss in nats a token."""
    logits = model(batch[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())
    loss.backward()  # type: ignore[no-untyped-call]
    for optimizer in made:
        for group in optimizer.param_groups:
            group["lr"] = group["full_lr"] * rate(progress)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def main() -> None:
    """Train within the token budget, score, print the summary."""
    began = time.perf_counter()
    torch.manual_seed(SEED)
    torch.set_num_threads(THREADS)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    data, model = load(), GPT().to(device)
    made, total = optimizers(model), steps(BATCH_ROWS)
    training_began = time.perf_counter()
    for step, batch in enumerate(batches(data, BATCH_ROWS), 1):
        loss = train_step(model, torch.from_numpy(batch).to(device), made, (step - 1) / total)
        if not math.isfinite(loss) or loss > DIVERGED:
            sys.exit(f"Training diverged: loss {loss:.3g} at step {step} of {total}. Try a lower learning rate.")
        if step % max(1, total // 10) == 0 or step == total:
            print(f"step {step}/{total} loss {loss:.4f} after {time.perf_counter() - training_began:.1f} s", flush=True)
    training_seconds = time.perf_counter() - training_began
    val_bpb = bits_per_byte(model.eval(), data, device)
    print("---")
    print(f"val_bpb: {val_bpb:.6f}")
    print(f"training_seconds: {training_seconds:.1f}")
    print(f"total_seconds: {time.perf_counter() - began:.1f}")
    print(f"peak_memory_mb: {peak_memory_mb(device):.0f}")
    print(f"total_tokens_M: {total * BATCH_ROWS * SEQUENCE_LENGTH / 1e6:.3f}")
    print(f"num_steps: {total}")
    print(f"num_params_M: {sum(p.numel() for p in model.parameters()) / 1e6:.3f}")
    print(f"depth: {DEPTH}")


def peak_memory_mb(device: str) -> float:
    """Peak memory in MiB: of the GPU if there is one, else of the process."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    main()
