"""A small GPT and how it is trained: the one file that an experiment edits.

`autoresearch-mcp train`, in this folder, trains and scores it. From here come weights and a way to use them; data, seed
and budget come from `run`, and the score from somebody else.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from run import Run, Shape, fail_with_what_fits, join

# --- What to play with ----------------------------------------------------------------------------------------------

DEPTH = 2  # transformer blocks: the dial of size, everything else follows
ASPECT = 32  # channels of the residual stream for each block
HEAD_WIDTH = 32  # channels of one attention head; DEPTH * ASPECT is a multiple of it
MLP_RATIO = 4  # hidden channels of the MLP, in widths
WINDOWS = "L"  # attention of the blocks in turn: L sees everything, S the last SHORT_WINDOW; the last block is L
SHORT_WINDOW = 1 / 8  # in sequence lengths
VALUE_EMBEDDING_EVERY = 1  # blocks; counted from the last one
ROTARY_BASE = 10_000  # longest wavelength of the position encoding, in tokens
SOFTCAP = 15.0  # logits stay within plus and minus this

BATCH_ROWS = 8  # sequences a step
DEVICE_ROWS = 8  # sequences at a time: lower it when memory runs out; BATCH_ROWS is a multiple of it
MATRIX_LR = 0.04  # Muon, for the matrices inside the blocks
EMBEDDING_LR = 0.1  # AdamW, for token and value embeddings
HEAD_LR = 0.008  # AdamW, for the output layer
SCALAR_LR = 0.02  # AdamW, for the mixing scalars
ADAM_BETAS = (0.8, 0.95)
MOMENTUM = 0.95  # Muon
ROW_MEMORY = 0.95  # of the size of each row's update, Muon
WEIGHT_DECAY = 0.0  # Muon; only where it agrees with the gradient
WARM_UP = 0.0  # share of the run over which learning rates rise
WARM_DOWN = 0.5  # share of the run over which they fall
FINAL_LR = 0.0  # share of the learning rates at the end
PRECISION = "auto"  # of matrix products: bf16, fp32; auto is bf16 on a GPU, where it is fast
THREADS = 1  # of the processor: small matrices gain little from a second one, and on a busy machine both wait

LOSS_TOKENS = 16_384  # tokens whose logits are held at a time

# --- Model ----------------------------------------------------------------------------------------------------------


def precision(device: str) -> torch.autocast:
    """What matrix products are made with on a device: bfloat16 or as the weights are."""
    kind = device.partition(":")[0]
    coarse = PRECISION == "bf16" or (PRECISION == "auto" and kind == "cuda")
    return torch.autocast(kind, torch.bfloat16, enabled=coarse)


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
    return torch.cat((left * cos - right * sin, left * sin + right * cos), dim=-1).to(x.dtype)


def attend(query: Tensor, key: Tensor, value: Tensor, window: int) -> Tensor:
    """Causal attention over the last `window` tokens, all [rows, heads, length, width]."""
    length = query.size(2)
    if window >= length:
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)
    if query.is_cuda and torch.compiler.is_compiling():
        return _attend_in_blocks(query, key, value, window)
    places = torch.arange(length, device=query.device)
    behind = places[:, None] - places[None, :]
    return F.scaled_dot_product_attention(query, key, value, attn_mask=(behind >= 0) & (behind < window))


def _attend_in_blocks(query: Tensor, key: Tensor, value: Tensor, window: int) -> Tensor:
    """The same on a GPU, without the blocks that are out of sight (FlexAttention, Dong et al., 2024)."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    def sees(row: Tensor, head: Tensor, here: Tensor, there: Tensor) -> Tensor:
        return (here >= there) & (here - there < window)

    length = query.size(2)
    mask = create_block_mask(sees, None, None, length, length, device=str(query.device))
    out = flex_attention(query, key, value, block_mask=mask)
    assert isinstance(out, Tensor)
    return out


class Attention(nn.Module):
    """Self-attention with normalised queries and keys; an embedding of the token, through a gate, is part of its value."""

    def __init__(self, width: int, vocabulary: int, window: int, with_embedding: bool) -> None:
        super().__init__()
        self.heads, self.window = width // HEAD_WIDTH, window
        self.qkv = nn.Parameter(torch.empty(3, width, width).uniform_(-1, 1) * (width**-0.5))
        self.out = nn.Parameter(torch.zeros(width, width))
        self.value_embedding = nn.Embedding(vocabulary, width) if with_embedding else None
        self.value_gate = nn.Parameter(torch.zeros(self.heads, HEAD_WIDTH)) if with_embedding else None

    def forward(self, x: Tensor, tokens: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x is [rows, length, width], tokens [rows, length]."""
        rows, length, width = x.shape
        mixed = F.linear(x, self.qkv.flatten(0, 1)).view(rows, length, 3, self.heads, HEAD_WIDTH)
        query, key, value = mixed.unbind(2)
        if self.value_embedding is not None and self.value_gate is not None:
            gate = 2 * torch.sigmoid(F.linear(x[..., :HEAD_WIDTH], self.value_gate))
            value = value + gate[..., None] * self.value_embedding(tokens).view_as(value)
        query, key, value = (part.transpose(1, 2) for part in (query, key, value.to(query.dtype)))
        seen = attend(rotate(norm(query), cos, sin), rotate(norm(key), cos, sin), value, self.window)
        return F.linear(seen.transpose(1, 2).reshape(rows, length, width), self.out)


class Block(nn.Module):
    """Attention, then an MLP with squared ReLU (So et al., 2021), each added to the residual stream.

    Before both, the stream is mixed anew with what the embedding put into it.
    """

    def __init__(self, width: int, vocabulary: int, window: int, with_embedding: bool) -> None:
        super().__init__()
        self.attention = Attention(width, vocabulary, window, with_embedding)
        self.up = nn.Parameter(torch.empty(MLP_RATIO * width, width).uniform_(-1, 1) * (width**-0.5))
        self.down = nn.Parameter(torch.zeros(width, MLP_RATIO * width))
        self.keep = nn.Parameter(torch.tensor(1.0))
        self.recall = nn.Parameter(torch.tensor(0.1))

    def forward(self, x: Tensor, first: Tensor, tokens: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x and first are [rows, length, width]."""
        x = self.keep * x + self.recall * first
        x = x + self.attention(norm(x), tokens, cos, sin)
        return x + F.linear(F.relu(F.linear(norm(x), self.up)).square(), self.down)


class GPT(nn.Module):
    """A decoder-only transformer."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, length = DEPTH * ASPECT, shape.sequence_length
        self.embedding = nn.Embedding(shape.vocabulary, width)
        self.blocks = nn.ModuleList(
            Block(width, shape.vocabulary, window(layer, length), (DEPTH - 1 - layer) % VALUE_EMBEDDING_EVERY == 0)
            for layer in range(DEPTH)
        )
        self.head = nn.Parameter(torch.randn(shape.vocabulary, width) * 0.001)
        cos, sin = rotary_table(length, HEAD_WIDTH)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def features(self, tokens: Tensor) -> Tensor:
        """Token ids [rows, length] to what the head reads, [rows, length, width]."""
        length, kind = tokens.size(1), tokens.device.type
        first = x = norm(self.embedding(tokens))
        if torch.is_autocast_enabled(kind):
            first = x = x.to(torch.get_autocast_dtype(kind))
        for block in self.blocks:
            x = block(x, first, tokens, self.cos[:length], self.sin[:length])
        return norm(x)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [rows, length] to logits, float32 [rows, length, vocabulary]."""
        with precision(tokens.device.type):
            return softcapped(F.linear(self.features(tokens), self.head).float())

    def loss(self, tokens: Tensor) -> Tensor:
        """Mean loss in nats a token of rows [rows, length + 1]."""
        features = self.features(tokens[:, :-1]).flatten(0, 1)
        loss: Tensor = HeadLoss.apply(features, self.head.to(features.dtype), tokens[:, 1:].flatten())  # type: ignore[no-untyped-call]
        return loss


def window(layer: int, length: int) -> int:
    """How many tokens a block sees, its own among them."""
    short = WINDOWS[layer % len(WINDOWS)] == "S" and layer < DEPTH - 1
    return max(1, int(length * SHORT_WINDOW)) if short else length


def softcapped(logits: Tensor) -> Tensor:
    """Logits pressed into plus and minus SOFTCAP (Gemma 2, 2024)."""
    return SOFTCAP * torch.tanh(logits / SOFTCAP)


class HeadLoss(torch.autograd.Function):
    """Cross-entropy through the head, some tokens at a time. Gradients are made on the way, so that the logits of all
    tokens, the largest thing there is, never exist at once (the idea of Wijmans et al., 2024).
    """

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, head: Tensor, targets: Tensor) -> Tensor:
        """x [tokens, width], head [vocabulary, width], targets [tokens]."""
        count = x.size(0)
        total = torch.zeros((), device=x.device)
        to_x, to_head = torch.empty_like(x), torch.zeros_like(head, dtype=torch.float32)
        for begin in range(0, count, LOSS_TOKENS):
            part, wanted = x[begin : begin + LOSS_TOKENS], targets[begin : begin + LOSS_TOKENS, None]
            squashed = (part @ head.T).float().div_(SOFTCAP).tanh_()
            chances = torch.log_softmax(SOFTCAP * squashed, dim=-1)
            total -= chances.gather(-1, wanted).sum()
            slope = chances.exp_().scatter_add_(-1, wanted, torch.full_like(wanted, -1, dtype=torch.float32))
            slope = slope.mul_(squashed.square_().neg_().add_(1)).div_(count).to(x.dtype)
            to_x[begin : begin + LOSS_TOKENS] = slope @ head
            to_head += slope.T @ part
        ctx.save_for_backward(to_x, to_head.to(head.dtype))
        return total / count

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        """The gradients of forward, times what comes from above."""
        to_x, to_head = ctx.saved_tensors  # type: ignore[attr-defined]
        return to_x * slopes[0], to_head * slopes[0], None


# --- Optimizers -----------------------------------------------------------------------------------------------------

POLAR_STEPS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
)
POLAR_MARGIN = 1.01


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest matrices with orthonormal rows or columns, roughly; [count, rows, columns].

    Polar Express (Amsel et al., 2025): the coefficients are the ones published with it.
    """
    flip = matrices.size(-2) > matrices.size(-1)
    x: Tensor = matrices.mT if flip else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * POLAR_MARGIN + 1e-7)
    for a, b, c in POLAR_STEPS:
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    x = x.mT if flip else x
    return x


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal (Jordan et al., 2024), with rows of like size (NorMuon, Li et al., 2025).

    Each group holds the parameters of one shape, whose last two dimensions are the matrix: they are updated as one.
    """

    def __init__(self, matrices: list[nn.Parameter], lr: float) -> None:
        shapes = dict.fromkeys(matrix.shape for matrix in matrices)
        groups = [{"params": [m for m in matrices if m.shape == shape], "lr": lr} for shape in shapes]
        super().__init__(groups, {})
        self._update = torch.compile(muon_update, dynamic=False) if matrices[0].is_cuda else muon_update

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update with Nesterov momentum; tall matrices get a larger step, so that outputs move alike."""
        for group in self.param_groups:
            some: list[nn.Parameter] = group["params"]
            size = some[0].shape[-2:]
            gradients = torch.stack([m.grad for m in some if m.grad is not None]).view(-1, *size)
            state = self.state[some[0]]
            if not state:
                state["momentum"] = torch.zeros_like(gradients)
                state["rows"] = torch.zeros_like(gradients[..., :1])
            rate = torch.tensor(group["lr"] * max(1.0, size[0] / size[1]) ** 0.5, device=gradients.device)
            weights = torch.stack([matrix.data for matrix in some]).view(-1, *size)
            updated = self._update(weights, gradients, state["momentum"], state["rows"], rate)
            for matrix, new in zip(some, updated.view(len(some), *some[0].shape), strict=True):
                matrix.copy_(new)


def muon_update(weights: Tensor, gradients: Tensor, momentum: Tensor, rows: Tensor, rate: Tensor) -> Tensor:
    """New weights [count, rows, columns]; `momentum` and `rows`, what is remembered, are changed."""
    momentum.lerp_(gradients, 1 - MOMENTUM)
    update = gradients.lerp(momentum, MOMENTUM)
    working = torch.bfloat16 if update.is_cuda else torch.float32
    update = orthogonal(update.to(working)).float()
    size = update.norm(dim=(-2, -1), keepdim=True)
    rows.lerp_(update.square().mean(-1, keepdim=True), 1 - ROW_MEMORY)
    update = update * (rows + 1e-10).rsqrt()
    update = update * (size / (update.norm(dim=(-2, -1), keepdim=True) + 1e-10))
    if WEIGHT_DECAY:
        update = update + WEIGHT_DECAY * weights * (update * weights > 0)
    new: Tensor = weights - rate * update
    return new


def optimizers(model: GPT) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW with a rate of its own for everything else."""
    inside = dict(model.blocks.named_parameters())
    embeddings = [p for name, p in inside.items() if "embedding" in name]
    matrices = [p for name, p in inside.items() if name.rpartition(".")[2] in {"qkv", "out", "up", "down"}]
    named = {id(p) for p in (*embeddings, *matrices)}
    groups = [
        {"params": [model.embedding.weight, *embeddings], "lr": EMBEDDING_LR},
        {"params": [model.head], "lr": HEAD_LR},
        {"params": [p for p in inside.values() if id(p) not in named], "lr": SCALAR_LR},
    ]
    fused = next(model.parameters()).is_cuda
    adam = torch.optim.AdamW(groups, betas=ADAM_BETAS, eps=1e-10, weight_decay=0.0, fused=fused)
    made = [adam, Muon(matrices, MATRIX_LR)]
    for optimizer in made:
        for group in optimizer.param_groups:
            group["full_lr"] = group["lr"]
    return made


def rate(progress: float) -> float:
    """Share of the full learning rates at a share of the run."""
    if progress < WARM_UP:
        return progress / WARM_UP
    down = min(1.0, (1 - progress) / WARM_DOWN) if WARM_DOWN else 1.0
    return FINAL_LR + (1 - FINAL_LR) * down


# --- Training -------------------------------------------------------------------------------------------------------


class Trainer:
    """A model, its optimizers, and how a step is made on the device there is."""

    def __init__(self, shape: Shape) -> None:
        self.model = GPT(shape).to(shape.device)
        self.optimizers = optimizers(self.model)
        self._shape = shape
        self._loss: Callable[[Tensor], Tensor] = self.model.loss
        if self._on_gpu:
            torch.set_float32_matmul_precision("high")
            self._loss = torch.compile(self.model.loss, dynamic=False)

    @property
    def _on_gpu(self) -> bool:
        return self._shape.device.startswith("cuda")

    def gradients(self, rows: Tensor, share: float) -> Tensor:
        """Add the gradients of rows [rows, length + 1] times a share; returns their loss in nats a token."""
        with precision(self._shape.device):
            loss = self._loss(rows)
        (loss * share).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def step(self, batch: Tensor, progress: float) -> Tensor:
        """One update from a batch; returns its loss in nats a token."""
        parts = torch.split(batch, DEVICE_ROWS)
        loss = torch.stack([self.gradients(part, 1 / len(parts)) for part in parts]).mean()
        self._update(rate(progress))
        return loss

    def _update(self, share: float) -> None:
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def warm_up(self, rows: int = DEVICE_ROWS) -> None:
        """Compile and find room, by a step on made-up tokens that changes nothing, before the budget begins."""
        size = (rows, self._shape.sequence_length + 1)
        made_up = torch.randint(self._shape.vocabulary, size, device=self._shape.device)
        self.gradients(made_up, 1.0)
        self._update(0.0)
        for optimizer in self.optimizers:
            optimizer.state.clear()


def flops_per_token(model: GPT) -> float:
    """Operations of a step for each token, in the usual way of counting (Chowdhery et al., 2022)."""
    blocks = [block for block in model.blocks if isinstance(block, Block)]
    matrices = sum(p.numel() for block in blocks for p in block.parameters() if p.ndim > 1)
    tables = sum(b.attention.value_embedding.weight.numel() for b in blocks if b.attention.value_embedding is not None)
    seen = sum(block.attention.window for block in blocks)
    return 6.0 * (matrices - tables + model.head.numel()) + 12.0 * DEPTH * ASPECT * seen


def main() -> None:
    """Train until the budget is spent, and hand over."""
    run: Run = join()
    torch.manual_seed(run.seed)
    torch.set_num_threads(THREADS)
    trainer = Trainer(run.shape)
    try:
        trainer.warm_up()
    except (MemoryError, RuntimeError) as error:
        fail_with_what_fits(error, DEVICE_ROWS, trainer.warm_up)
    for batch in run.batches(BATCH_ROWS):
        run.tell(trainer.step(batch, run.progress))
    run.hand_over(trainer.model.state_dict(), depth=DEPTH, flops_per_token=flops_per_token(trainer.model))


def predictor(weights: dict[str, Tensor], shape: Shape) -> Callable[[Tensor], Tensor]:
    """How the weights are used: token ids [rows, length] to logits [rows, length, vocabulary]."""
    torch.set_num_threads(THREADS)
    model = GPT(shape).to(shape.device)
    model.load_state_dict(weights)
    return model.eval()


if __name__ == "__main__":
    assert math.isclose(WARM_UP + WARM_DOWN, min(1.0, WARM_UP + WARM_DOWN)), "the schedule is longer than the run"
    main()
