"""Makes of Karpathy's autoresearch/train.py, read from a clone, an experiment that our judge can train and score.

His model, optimizer and schedules are used as they stand in the clone. Replaced is what needs a GPU or his own data:
attention (the same formula by torch), bfloat16 and compiling where there is a processor, the loader, the clock, and the
loop around them, which is his in our words. Nothing of his is part of this repository.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

BEFORE = '''\
"""Made from a clone of autoresearch by benchmarks/gpt_ancestor.py."""

import math
import types
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

from run import join


def _attention(q, k, v, causal, window_size):
    """Causal attention, all [rows, length, heads, width], over the last `window_size[0]` tokens and one's own."""
    length, window = q.size(1), window_size[0]
    q, k, v = (part.transpose(1, 2) for part in (q, k, v))
    if window >= length:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2)
    behind = torch.arange(length)[:, None] - torch.arange(length)[None, :]
    seen = (behind >= 0) & (behind <= window)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=seen.to(q.device)).transpose(1, 2)


fa3 = types.SimpleNamespace(flash_attn_func=_attention)
'''
AFTER = """

def _model(shape):
    global MAX_SEQ_LEN, vocab_size
    MAX_SEQ_LEN, vocab_size = shape.sequence_length, shape.vocabulary
    model = GPT(build_model_config(DEPTH))
    model.init_weights()
    return model.to(shape.device)


def main():
    run = join()
    torch.manual_seed(run.seed)
    torch.set_num_threads(1)
    model = _model(run.shape)
    optimizer = model.setup_optimizer(
        unembedding_lr=UNEMBEDDING_LR, embedding_lr=EMBEDDING_LR, scalar_lr=SCALAR_LR,
        adam_betas=ADAM_BETAS, matrix_lr=MATRIX_LR, weight_decay=WEIGHT_DECAY,
    )
    for step, rows in enumerate(run.batches(DEVICE_BATCH_SIZE)):
        loss = model(rows[:, :-1].contiguous(), rows[:, 1:].contiguous())
        loss.backward()
        share = get_lr_multiplier(run.progress)
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * share
            if group["kind"] == "muon":
                group["momentum"] = get_muon_momentum(step)
                group["weight_decay"] = get_weight_decay(run.progress)
        optimizer.step()
        model.zero_grad(set_to_none=True)
        run.tell(loss)
    run.hand_over(model.state_dict(), depth=DEPTH, flops_per_token=model.estimate_flops())


def predictor(weights, shape):
    torch.set_num_threads(1)
    model = _model(shape)
    model.load_state_dict(weights)
    return model.eval()


if __name__ == "__main__":
    main()
"""
LOOP = {"get_lr_multiplier", "get_muon_momentum", "get_weight_decay", "build_model_config"}


class _ForProcessors(ast.NodeTransformer):
    """float32 for bfloat16, and nothing compiled."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """`x.bfloat16()` and `torch.bfloat16` are float and float32."""
        self.generic_visit(node)
        if node.attr == "bfloat16":
            node.attr = "float32" if isinstance(node.value, ast.Name) and node.value.id == "torch" else "float"
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Without `@torch.compile(...)`."""
        self.generic_visit(node)
        node.decorator_list = [d for d in node.decorator_list if "torch.compile" not in ast.unparse(d)]
        return node


def adapted(text: str, constants: Mapping[str, object]) -> str:
    """An experiment from the text of his train.py, with other values for some of its constants.

    Raises:
        SystemExit: if it lacks what is built on.
    """
    kept: list[ast.stmt] = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) or (isinstance(node, ast.FunctionDef) and node.name):
            kept.append(node)
        elif isinstance(node, ast.Assign) and isinstance(name := node.targets[0], ast.Name):
            if name.id in constants:
                node.value = ast.Constant(constants[name.id])
            if name.id.isupper() or name.id.endswith("_coeffs"):
                kept.append(node)
    names = {node.name for node in kept if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    if missing := {"GPT", "MuonAdamW", *LOOP} - names:
        raise SystemExit(f"this train.py has no {', '.join(sorted(missing))}: is it a clone of karpathy/autoresearch?")
    body = _ForProcessors().visit(ast.Module(kept, []))
    return BEFORE + "\n\n" + ast.unparse(ast.fix_missing_locations(body)) + "\n" + AFTER
