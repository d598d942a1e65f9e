"""A small GPT and how it is trained: the one file that an experiment edits.

`autoresearch-mcp train`, in this folder, trains and scores it. From here come weights and a way to use them; data, seed
and budget come from `run`, and the score from somebody else.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from gpu import Blocks, attend_in_blocks, has_bfloat16, leave_out_blocks, use_fast_attention
from torch import Tensor, nn

from optimizer import AdamW, Optimizer
from run import Run, Shape, fail_with_what_fits, join

# --- What to play with ----------------------------------------------------------------------------------------------

DEPTH = 2  # transformer blocks: the dial of size, everything else follows
ASPECT = 32  # channels of the residual stream for each block
HEAD_WIDTH = 32  # channels of one attention head; DEPTH * ASPECT is a multiple of it
MLP_RATIO = 4  # hidden channels of the MLP, in widths
SQUARED_RELU = False  # in the MLP; else GELU
WINDOWS = "L"  # attention of the blocks in turn: L sees everything, S the last SHORT_WINDOW; the last block is L
SHORT_WINDOW = 1 / 8  # in sequence lengths
VALUE_EMBEDDING_EVERY = 2  # blocks; counted from the last one
PAIR_ROWS = 5  # rows of the table that pairs of tokens are looked up in, in vocabularies
ROTARY_BASE = 10_000  # longest wavelength of the position encoding, in tokens
SOFTCAP = 0.0  # logits stay within plus and minus this; 0 lets them be

BATCH_ROWS = 8  # sequences a step
DEVICE_ROWS = 8  # sequences at a time: lower it when memory runs out; BATCH_ROWS is a multiple of it
MUON = False  # for the matrices inside the blocks, where its own work is little beside theirs; else AdamW
MATRIX_LR = 0.01  # for the matrices inside the blocks; Muon takes four times as much
EMBEDDING_LR = 0.2  # AdamW, for tables of tokens and of pairs, at LR_WIDTH
HEAD_LR = 0.004  # AdamW, for the output layer, at LR_WIDTH
LR_WIDTH = 768  # channels; narrower models take larger steps, by the root of what they lack
SCALAR_LR = 0.02  # AdamW, for gates and mixing scalars
ADAM_BETAS = (0.8, 0.95)
FIRST_MOMENTUM = 0.85  # Muon, at first
MOMENTUM = 0.95  # Muon, later
MOMENTUM_STEPS = 300  # from the first to the later
UPDATE_MEMORY = 0.95  # of the sizes of rows or columns of updates, Muon
WEIGHT_DECAY = 0.0  # Muon, falling to 0; only where it agrees with the gradient
WARM_DOWN = 0.5  # share of the run over which they fall
FINAL_LR = 0.0  # share of the learning rates at the end
PRECISION = "auto"  # of matrix products: bf16, fp32; auto is bf16 on a GPU, where it is fast
THREADS = 1  # of the processor: small matrices gain little from a second one, and on a busy machine both wait

LOSS_TOKENS = 16_384  # tokens whose logits are held at a time

# --- Model ----------------------------------------------------------------------------------------------------------


def precision(device: str) -> torch.autocast:
    """What matrix products are made with on a device: bfloat16 or as the weights are."""
    return torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=coarse(device))


def coarse(device: str) -> bool:
    """Whether bfloat16 is what a device computes with."""
    return PRECISION == "bf16" or (PRECISION == "auto" and has_bfloat16(device))


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


def attend(query: Tensor, key: Tensor, value: Tensor, window: int, blocks: Blocks | None = None) -> Tensor:
    """Causal attention over the last `window` tokens, all [rows, heads, length, width]; on a GPU over the blocks in sight."""
    length = query.size(2)
    if window >= length:
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)
    if blocks is not None:
        return attend_in_blocks(query, key, value, blocks)
    places = torch.arange(length, device=query.device)
    behind = places[:, None] - places[None, :]
    return F.scaled_dot_product_attention(query, key, value, attn_mask=(behind >= 0) & (behind < window))


def own(name: str) -> torch.Generator:
    """Random numbers of one parameter, by the run's seed and its name. Whatever else is added, dropped or resized leaves its
    first weights as they were, so that two runs of one seed differ by the change alone (common random numbers).
    """
    return torch.Generator().manual_seed((torch.initial_seed() + int.from_bytes(name.encode())) % (2**61 - 1))


def spread(name: str, *size: int) -> Tensor:
    """First weights that keep the size of what they multiply."""
    bound = (3 / size[-1]) ** 0.5
    return nn.init.uniform_(torch.empty(size), -bound, bound, generator=own(name))


def table(name: str, rows: int, width: int, deviation: float) -> nn.Embedding:
    """An embedding of so many rows, normal with a deviation."""
    return nn.Embedding(rows, width, _weight=torch.randn(rows, width, generator=own(name)) * deviation)


class Attention(nn.Module):
    """Self-attention with normalised queries and keys; an embedding of the token, through a gate, is part of its value."""

    def __init__(self, layer: int, width: int, vocabulary: int, window: int, with_embedding: bool) -> None:
        super().__init__()
        self.heads, self.window = width // HEAD_WIDTH, window
        self.blocks: Blocks | None = None
        self.qkv = nn.Parameter(spread(f"{layer}.qkv", 3, width, width))
        self.out = nn.Parameter(torch.zeros(width, width))
        self.value_embedding = (
            table(f"{layer}.value_embedding", vocabulary, width, width**-0.5) if with_embedding else None
        )
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
        query, key = (rotate(norm(part), cos, sin).to(value.dtype) for part in (query, key))  # norms may be float32
        seen = attend(query, key, value, self.window, self.blocks)
        return F.linear(seen.transpose(1, 2).reshape(rows, length, width), self.out)


class Block(nn.Module):
    """Attention, then an MLP with GELU or squared ReLU (So et al., 2021), each added to the residual stream.

    Before both, the stream is mixed anew with what the embedding put into it, and with what is known of a token's pair.
    """

    def __init__(self, layer: int, width: int, vocabulary: int, window: int, with_embedding: bool) -> None:
        super().__init__()
        self.attention = Attention(layer, width, vocabulary, window, with_embedding)
        self.up = nn.Parameter(spread(f"{layer}.up", MLP_RATIO * width, width))
        self.down = nn.Parameter(torch.zeros(MLP_RATIO * width, width))
        self.recall = nn.Parameter(torch.tensor(0.1))
        self.pair = nn.Parameter(torch.tensor(0.1))

    def forward(self, x: Tensor, first: Tensor, pairs: Tensor, tokens: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x, first and pairs are [rows, length, width]."""
        x = x + self.recall * first + self.pair * pairs
        x = x + self.attention(norm(x), tokens, cos, sin)
        hidden = F.linear(norm(x), self.up)
        return x + (F.relu(hidden).square() if SQUARED_RELU else F.gelu(hidden)) @ self.down


class GPT(nn.Module):
    """A decoder-only transformer."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, length = DEPTH * ASPECT, shape.sequence_length
        self.embedding = table("embedding", shape.vocabulary, width, 1.0)
        self.pairs = table("pairs", PAIR_ROWS * shape.vocabulary, width, 0.0)
        self.blocks = nn.ModuleList(
            Block(
                layer, width, shape.vocabulary, window(layer, length), (DEPTH - 1 - layer) % VALUE_EMBEDDING_EVERY == 0
            )
            for layer in range(DEPTH)
        )
        self.head = nn.Parameter(torch.randn(shape.vocabulary, width, generator=own("head")) * 0.001)
        cos, sin = rotary_table(length, HEAD_WIDTH)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for part in self.modules() if coarse(shape.device) else ():
            if isinstance(part, nn.Embedding):  # the most of all weights, and Adam remembers them twice
                part.to(torch.bfloat16)

    def features(self, tokens: Tensor) -> Tensor:
        """Token ids [rows, length] to what the head reads, [rows, length, width]."""
        length, kind = tokens.size(1), tokens.device.type
        x = norm(self.embedding(tokens))
        pairs = self.pairs(pair_rows(tokens, self.pairs.num_embeddings))
        if torch.is_autocast_enabled(kind):
            x, pairs = (part.to(torch.get_autocast_dtype(kind)) for part in (x, pairs))
        first = x
        for block in self.blocks:
            x = block(x, first, pairs, tokens, self.cos[:length], self.sin[:length])
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


def pair_rows(tokens: Tensor, rows: int) -> Tensor:
    """Where each token stands in a table with the one before it, [rows, length]; some pairs share a place."""
    before = F.pad(tokens[:, :-1], (1, 0))
    return ((before * 36_313) ^ (tokens * 27_191)) % rows


def window(layer: int, length: int) -> int:
    """How many tokens a block sees, its own among them."""
    short = WINDOWS[layer % len(WINDOWS)] == "S" and layer < DEPTH - 1
    return max(1, int(length * SHORT_WINDOW)) if short else length


def softcapped(logits: Tensor) -> Tensor:
    """Logits pressed into plus and minus SOFTCAP (Gemma 2, 2024)."""
    return SOFTCAP * torch.tanh(logits / SOFTCAP) if SOFTCAP else logits


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
            logits = softcapped((part @ head.T).float())
            chances = torch.log_softmax(logits, dim=-1)
            total -= chances.gather(-1, wanted).sum()
            slope = chances.exp_().scatter_add_(-1, wanted, torch.full_like(wanted, -1, dtype=torch.float32))
            if SOFTCAP:
                slope.mul_(logits.div_(SOFTCAP).square_().neg_().add_(1))
            slope = slope.div_(count).to(x.dtype)
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
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if flip else x


class Muon(Optimizer):
    """Momentum, made orthogonal (Jordan et al., 2024), with rows, or columns of wide matrices, of like size (NorMuon, Li et
    al., 2025).

    The last two dimensions of a parameter are the matrix; each group holds all matrices of one size, updated as one.
    """

    def __init__(self, matrices: list[nn.Parameter], lr: float) -> None:
        sizes = dict.fromkeys(matrix.shape[-2:] for matrix in matrices)
        groups = [
            {"params": [m for m in matrices if m.shape[-2:] == size], "lr": lr, "decay": WEIGHT_DECAY} for size in sizes
        ]
        super().__init__(groups)
        self._kind = torch.bfloat16 if matrices[0].is_cuda and coarse(str(matrices[0].device)) else torch.float32
        self._update = torch.compile(muon_update, dynamic=False) if matrices[0].is_cuda else muon_update

    @torch.no_grad()
    def step(self) -> None:
        """One update with Nesterov momentum; tall matrices get a larger step, so that outputs move alike."""
        for group in self.param_groups:
            some: list[nn.Parameter] = group["params"]
            rows, columns = some[0].shape[-2:]
            weights = torch.cat([m.data.view(-1, rows, columns) for m in some])
            gradients = torch.cat([m.grad.view(-1, rows, columns) for m in some if m.grad is not None])
            state = self.state.setdefault(some[0], {})
            if not state:
                state["steps"], state["mean"] = 0, torch.zeros_like(gradients)
                state["sizes"] = torch.zeros_like(gradients[..., :1] if rows >= columns else gradients[..., :1, :])
                state["dials"] = torch.zeros(3, device=gradients.device)
            rate = group["lr"] * max(1.0, rows / columns) ** 0.5
            momentum = FIRST_MOMENTUM + (MOMENTUM - FIRST_MOMENTUM) * min(1.0, state["steps"] / MOMENTUM_STEPS)
            state["steps"] += 1
            for place, dial in enumerate((rate, momentum, group["decay"])):
                state["dials"][place].fill_(dial)  # for a new tensor a GPU would be waited for
            change = self._update(weights, gradients, state["mean"], state["sizes"], state["dials"], self._kind)
            parts = torch.split(change, [m.numel() // (rows * columns) for m in some])
            torch._foreach_sub_(list(some), [part.view_as(m) for m, part in zip(some, parts, strict=True)])


def muon_update(
    weights: Tensor, gradients: Tensor, mean: Tensor, sizes: Tensor, dials: Tensor, kind: torch.dtype
) -> Tensor:
    """What to take off weights [count, rows, columns]; `mean` and `sizes`, what is remembered, are changed."""
    rate, momentum, decay = dials.unbind()
    mean.lerp_(gradients, 1 - momentum)
    update = orthogonal(gradients.lerp(mean, momentum).to(kind)).float()
    squares = update.norm(dim=-1 if sizes.size(-1) == 1 else -2, keepdim=True).square()
    sizes.lerp_(squares, 1 - UPDATE_MEMORY)
    scale = (sizes + 1e-10).rsqrt()
    scale = scale * (squares.sum((-2, -1), True) / ((squares * scale.square()).sum((-2, -1), True) + 1e-10)).sqrt()
    change: Tensor = update * (rate * scale)
    return change + rate * decay * weights * (change * weights > 0) if WEIGHT_DECAY else change


def optimizers(model: GPT) -> list[Optimizer]:
    """AdamW, each kind of parameter with a rate of its own, and where it is chosen Muon for the matrices in the blocks."""
    named, wider = dict(model.named_parameters()), (LR_WIDTH / (DEPTH * ASPECT)) ** 0.5
    matrices = [p for name, p in named.items() if name.rpartition(".")[2] in {"qkv", "out", "up", "down"}]
    tables = [module.weight for module in model.modules() if isinstance(module, nn.Embedding)]
    others = [p for name, p in named.items() if p.ndim == 0 or name.endswith("gate")]
    groups = [
        {"params": tables, "lr": EMBEDDING_LR * wider},
        {"params": [model.head], "lr": HEAD_LR * wider},
        {"params": others, "lr": SCALAR_LR},
    ]
    inside: list[Optimizer] = [Muon(matrices, MATRIX_LR)] if MUON else []
    groups += [] if MUON else [{"params": matrices, "lr": MATRIX_LR}]
    return [AdamW(groups, ADAM_BETAS, eps=1e-10, weight_decay=0.0), *inside]


def rate(progress: float) -> float:
    """Share of the full learning rates at a share of the run."""
    down = min(1.0, (1 - progress) / WARM_DOWN) if WARM_DOWN else 1.0
    return FINAL_LR + (1 - FINAL_LR) * down


# --- Training -------------------------------------------------------------------------------------------------------


class Trainer:
    """A model, its optimizers, and how a step is made on the device there is."""

    def __init__(self, shape: Shape) -> None:
        self.model = GPT(shape).to(shape.device)
        self.optimizers = optimizers(self.model)
        self._shape, on_gpu = shape, shape.device.startswith("cuda")
        self._loss: Callable[[Tensor], Tensor] = self.model.loss
        if on_gpu:
            torch.set_float32_matmul_precision("high")
            use_fast_attention()
            leave_out_blocks(self.model, shape.sequence_length, shape.device)
            self._loss = torch.compile(self.model.loss, dynamic=False)

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
        self._update(rate(progress), WEIGHT_DECAY * (1 - progress))
        return loss

    def _update(self, share: float, decay: float) -> None:
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group.setdefault("full_lr", group["lr"]) * share
                group["decay"] = decay
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def warm_up(self, rows: int = DEVICE_ROWS) -> None:
        """Compile and find room, by a step on made-up tokens that changes nothing, before the budget begins."""
        size = (rows, self._shape.sequence_length + 1)
        made_up = torch.randint(self._shape.vocabulary, size, device=self._shape.device)
        self.gradients(made_up, 1.0)
        self._update(0.0, 0.0)
        for optimizer in self.optimizers:
            optimizer.state.clear()


def flops_per_token(model: GPT) -> float:
    """Operations of a step for each token, in the usual way of counting (Chowdhery et al., 2022)."""
    tables = sum(module.weight.numel() for module in model.modules() if isinstance(module, nn.Embedding))
    matrices = sum(p.numel() for p in model.parameters() if p.ndim > 1) - tables
    seen = sum(block.attention.window for block in model.blocks if isinstance(block, Block))
    return 6.0 * matrices + 12.0 * DEPTH * ASPECT * seen


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
    main()
