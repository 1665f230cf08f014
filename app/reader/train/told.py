"""Trains what tells how a step stands and what a sentence does: `python -m app.reader.train.told OUT`.

Own layers on top of the encoder's lower ones (`knowledge.encoder.graph.SHARED`), fine-tuned on the texts of
this folder and written as an ONNX graph with 8-bit weights. Needs PyTorch (tried with 2.13, CPU), which
nothing else here needs.
"""

from __future__ import annotations

import random
import re
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from app.reader.heads import STATUSES
from app.reader.language import detect
from app.reader.names import masked
from app.reader.text import parted
from app.reader.told import ACTS
from app.reader.train import bank, train
from app.reader.words import ADVERSATIVE
from knowledge.encoder.fast import FastEncoder, fitting, load_fast, session, shipped
from knowledge.encoder.graph import HIDDEN, SCORES, SHARED, branch_graph, calmed
from knowledge.encoder.weights import ModelFile, Shape, model_path, read_model

SEED = 7
LAYERS = range(SHARED, SHARED + 3)
EPOCHS, BATCH, RATE, HEAD_RATE, DROPOUT = 4, 32, 2e-4, 2e-3, 0.1
TEMPLATED = 1
"""Template sentences per step, language and status: most of what is learned is natural text."""
HELD_OUT = 8
"""Every eighth procedure is left out of training, and tells how well it went."""
BARE = 0.35
"""Share of the sentences that are learned a second time as typed carelessly."""
RUN_ON = 2500
"""Reports that are learned with something before or after them and no point between."""
LEADS = frozenset(("told", "complaint", "greeting", "thanks", "matter", "want", "aside", "stands"))
EVEN = 0.25
"""Rare classes count more: by their number to the power of minus this."""
NOT_SAID = -100

Floats = NDArray[np.float32]


class Told(NamedTuple):
    text: str
    status: str | None
    """None where it is not said what it tells of a step."""
    act: str | None
    procedure: int
    """Number of the procedure, or -1 where the sentence belongs to none."""
    held: bool = False
    """Left out of training, to tell how well it went."""


UNSAID = frozenset(("promise", "confirm", "broke", "report"))
"""What these tell of a step depends on what was asked: only what they do is learned."""
LEFT_OPEN = frozenset(("want", "how", "ask", "matter", "stands", "skip", "hold"))


def samples() -> list[Told]:
    """Every sentence once, with what it says and what it does."""
    chance = random.Random(SEED)  # noqa: S311 - a fixed seed on purpose
    procedures = bank.procedures()
    lines = {trained.id: list(bank.lines(trained, chance, TEMPLATED)) for trained in procedures}
    numbers = {trained.id: number for number, trained in enumerate(procedures)}
    states: dict[str, tuple[str | None, int]] = {s.text: (s.label, -1) for s in train.status_samples({})}
    for id, told in lines.items():
        for line in told:
            states[line.text] = (line.status or ("none" if line.step else "open"), numbers[id])
            for text in _effects(line):
                states[text] = ("failed", numbers[id])
    for id, _, open_, none in bank.left_open():
        states |= dict.fromkeys(open_, ("open", numbers[id]))
        states |= dict.fromkeys(none, ("none", numbers[id]))
    acts = {s.text: s.label for s in train.act_samples(lines, procedures)}
    acts |= {
        text: "report" for text, (status, _) in states.items() if status in ("done", "not_done", "failed")
    }
    found: dict[str, Told] = {}
    for text in states.keys() | acts.keys():
        status, procedure = states.get(text, (None, -1))
        held = procedure >= 0 and procedure % HELD_OUT == 5
        found[text] = Told(text, status, acts.get(text), procedure, held)
    for acted in bank.acted(chance):
        status = acted.status
        if status is None and acted.act not in UNSAID:
            status = "open" if acted.act in LEFT_OPEN else "none"
        found[acted.text] = Told(acted.text, status, acted.act, -1, acted.held)
    return [*sorted(found.values(), key=lambda one: one.text)]


def careless(told: Sequence[Told], chance: random.Random) -> list[Told]:
    """Some of them once more as people type in a hurry: no capitals, accents or points."""
    found = [one._replace(text=_bare(one.text)) for one in told if not one.held and chance.random() < BARE]
    known = {one.text for one in told}
    return [one for one in found if one.text not in known]


def run_on(told: Sequence[Told], chance: random.Random) -> list[Told]:
    """Two sentences without a point between them: the state is told by the one that reports."""
    learned = [one for one in told if not one.held]
    leads: dict[str | None, list[Told]] = {}
    for one in learned:
        if one.act in LEADS:
            leads.setdefault(detect(one.text), []).append(one)
    found = []
    for one in chance.sample([one for one in learned if one.act == "report" and one.status], RUN_ON):
        lead = _bare(chance.choice(leads[detect(one.text)]).text)
        both = (lead, _bare(one.text)) if chance.random() < 0.7 else (_bare(one.text), lead)
        found.append(Told(" ".join(both), one.status, None, -1))
    return found


def _bare(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return re.sub(r"[.,!?¿¡](?=\s|$)|[¿¡]", "", plain).lower()


def _effects(line: bank.Line) -> Iterator[str]:
    """Of `did it, but it shows an error` also the second half: clauses are read one by one."""
    if line.status != "failed":
        return
    for sentence in parted(line.text).sentences:
        for clause in sentence.clauses[1:]:
            between = sentence.piece.folded[: clause.piece.start - sentence.piece.start]
            if ADVERSATIVE.search(between[-14:]) and len(clause.piece.text.split()) > 2:
                yield clause.piece.text


# --- the layers, as the encoder has them ---------------------------------------------------------


class Layer(nn.Module):
    """One transformer layer with the encoder's own weights to begin with."""

    def __init__(self, model: ModelFile, number: int) -> None:
        super().__init__()
        width, inner, self.name = model.shape.width, model.shape.inner, f"l{number}."
        self.heads = model.shape.heads
        self.qkv, self.ao = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fi, self.fo = nn.Linear(width, inner), nn.Linear(inner, width)
        self.aln, self.oln = (nn.LayerNorm(width, model.shape.epsilon) for _ in range(2))
        matrices = {"ao": (self.ao, width), "fi": (self.fi, width), "fo": (self.fo, inner)}
        for name, (linear, size) in matrices.items():
            _set(linear, model.matrix(f"{self.name}{name}.w", size), model.plain(f"{self.name}{name}.b"))
        _set(
            self.qkv,
            np.vstack([model.matrix(f"{self.name}{part}.w", width) for part in "qkv"]),
            np.concatenate([model.plain(f"{self.name}{part}.b") for part in "qkv"]),
        )
        for name, norm in (("aln", self.aln), ("oln", self.oln)):
            _set(norm, model.plain(f"{self.name}{name}.w"), model.plain(f"{self.name}{name}.b"))

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        texts, length, width = x.shape
        parts = self.qkv(x).view(texts, length, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=there[:, None, None, :])
        seen = self.ao(seen.transpose(1, 2).reshape(texts, length, width))
        x = self.aln(x + functional.dropout(seen, DROPOUT, self.training))
        inner: Tensor = self.fo(functional.gelu(self.fi(x)))
        out: Tensor = self.oln(x + functional.dropout(inner, DROPOUT, self.training))
        return out


def _set(module: nn.Linear | nn.LayerNorm, weight: Floats, bias: Floats) -> None:
    module.weight.data = torch.tensor(np.ascontiguousarray(weight))
    module.bias.data = torch.tensor(np.ascontiguousarray(bias))


class Branch(nn.Module):
    def __init__(self, model: ModelFile) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(model, number) for number in LAYERS)
        self.out = nn.Linear(model.shape.width, len(STATUSES) + len(ACTS))

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, there)
        mean = (x * there[..., None]).sum(1) / there.sum(1, keepdim=True)
        scores: Tensor = self.out(mean)
        return scores


# --- fitting -------------------------------------------------------------------------------------


def _batch(hidden: Sequence[Floats]) -> tuple[Tensor, Tensor]:
    longest = max(map(len, hidden))
    x = torch.zeros(len(hidden), longest, hidden[0].shape[1])
    there = torch.zeros(len(hidden), longest, dtype=torch.bool)
    for row, values in enumerate(hidden):
        x[row, : len(values)] = torch.tensor(values.astype(np.float32))
        there[row, : len(values)] = True
    return x, there


def _batches(order: NDArray[Any], lengths: Sequence[int], chance: np.random.Generator) -> list[list[int]]:
    """Of about the same length, in any order."""
    pool = BATCH * 20
    rows = [
        row
        for start in range(0, len(order), pool)
        for row in sorted(order[start : start + pool], key=lambda r: lengths[r])
    ]
    cut = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    chance.shuffle(cut)
    return cut


def fitted(model: ModelFile, hidden: Sequence[Floats], told: Sequence[Told], held: Sequence[int]) -> Branch:
    torch.manual_seed(SEED)
    chance = np.random.default_rng(SEED)
    net = Branch(model)
    labels = _labels(told)
    weights = [_evened(labels[:, part], size) for part, size in enumerate((len(STATUSES), len(ACTS)))]
    rows = np.array(sorted(set(range(len(told))) - set(held)))
    lengths = [len(values) for values in hidden]
    groups = [
        {"params": net.layers.parameters(), "lr": RATE},
        {"params": net.out.parameters(), "lr": HEAD_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = EPOCHS * -(-len(rows) // BATCH)
    warm = steps // 10
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / warm) * max(0.02, 1 - step / steps)
    )
    for epoch in range(EPOCHS):
        net.train()
        started, losses = time.monotonic(), []
        for batch in _batches(chance.permutation(rows), lengths, chance):
            scores = net(*_batch([hidden[row] for row in batch]))
            loss = _loss(scores, labels[batch], weights)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        states, acts = _right(net, hidden, labels, held)
        took = time.monotonic() - started
        right = f"held out {states:.3f} of states, {acts:.3f} of acts"
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, {right}, {took:.0f} s", flush=True)
    return net


def _labels(told: Sequence[Told]) -> Tensor:
    """A row each: number of the status and of the act."""
    rows = [
        (
            NOT_SAID if one.status is None else STATUSES.index(one.status),
            NOT_SAID if one.act is None else ACTS.index(one.act),
        )
        for one in told
    ]
    return torch.tensor(rows)


def _evened(labels: Tensor, size: int) -> Tensor:
    counts = torch.bincount(labels[labels >= 0], minlength=size).float().clamp(min=1)
    weights = counts**-EVEN
    return weights * size / weights.sum()


def _loss(scores: Tensor, labels: Tensor, weights: Sequence[Tensor]) -> Tensor:
    cut = scores.split([len(STATUSES), len(ACTS)], dim=1)
    losses = [
        functional.cross_entropy(part, labels[:, at], weight=weights[at], label_smoothing=0.05)
        for at, part in enumerate(cut)
        if bool((labels[:, at] >= 0).any())
    ]
    return torch.stack(losses).sum()


@torch.no_grad()
def _right(net: Branch, hidden: Sequence[Floats], labels: Tensor, held: Sequence[int]) -> tuple[float, ...]:
    net.eval()
    rows = sorted(held, key=lambda row: len(hidden[row]))
    hits, asked = [0, 0], [0, 0]
    for start in range(0, len(rows), 64):
        part = rows[start : start + 64]
        scores = net(*_batch([hidden[row] for row in part])).split([len(STATUSES), len(ACTS)], dim=1)
        for at, own in enumerate(scores):
            known = labels[part, at] >= 0
            hits[at] += int((own.argmax(1) == labels[part, at])[known].sum())
            asked[at] += int(known.sum())
    return tuple(hit / max(1, size) for hit, size in zip(hits, asked, strict=True))


# --- as a graph ----------------------------------------------------------------------------------


class Trained:
    """The trained layers by the names that the graph asks for."""

    def __init__(self, net: Branch, shape: Shape) -> None:
        self.shape = shape
        self._values: dict[str, Floats] = {}
        for layer in net.layers:
            assert isinstance(layer, Layer)
            for part, name in zip(range(3), "qkv", strict=True):
                rows = slice(part * shape.width, (part + 1) * shape.width)
                self._values[f"{layer.name}{name}.w"] = layer.qkv.weight[rows].detach().numpy()
                self._values[f"{layer.name}{name}.b"] = layer.qkv.bias[rows].detach().numpy()
            for name in ("ao", "fi", "fo", "aln", "oln"):
                module = getattr(layer, name)
                self._values[f"{layer.name}{name}.w"] = module.weight.detach().numpy()
                self._values[f"{layer.name}{name}.b"] = module.bias.detach().numpy()

    def plain(self, name: str) -> Floats:
        return self._values[name]

    def matrix(self, name: str, width: int) -> Floats:
        return self._values[name].reshape(-1, width)


def written(net: Branch, shape: Shape, hidden: Sequence[Floats], target: Path) -> None:
    """The graph in 8 bits; loud channels are found on `hidden`."""
    net.eval()
    head = np.vstack([net.out.weight.detach().numpy().T, net.out.bias.detach().numpy()[None, :]])
    trained = Trained(net, shape)
    watched = session(fitting(branch_graph(trained, LAYERS, head)))
    names = [output.name for output in watched.get_outputs() if output.name != SCORES]
    loudness: dict[str, Floats] = {}
    for values in hidden:
        for name, seen in zip(
            names, watched.run(names, {HIDDEN: values[None].astype(np.float32)}), strict=True
        ):
            peak = np.abs(seen[0]).max(axis=0)
            loudness[name] = np.maximum(peak, loudness.get(name, peak))
    graph = branch_graph(trained, LAYERS, head, calmed(loudness))
    target.write_bytes(graph.SerializeToString())


def confusion(target: Path, hidden: Sequence[Floats], told: Sequence[Told], held: Sequence[int]) -> None:
    """Of the graph as it ships, on what was held out."""
    run = shipped(target)
    table = {status: dict.fromkeys(STATUSES, 0) for status in STATUSES}
    acts: dict[str, list[bool]] = {act: [] for act in ACTS}
    for row in held:
        scores = run.run([SCORES], {HIDDEN: hidden[row][None].astype(np.float32)})[0][0]
        status, act = told[row].status, told[row].act
        if status is not None:
            table[status][STATUSES[int(scores[: len(STATUSES)].argmax())]] += 1
        if act is not None:
            acts[act].append(ACTS[int(scores[len(STATUSES) :].argmax())] == act)
    for status, counts in table.items():
        print(f"{status:9}", counts)
    right, size = sum(table[s][s] for s in STATUSES), sum(sum(row.values()) for row in table.values())
    print(f"8 bits, held out: {right / size:.3f} of {size} sentences")
    print(", ".join(f"{act} {np.mean(hits):.2f} of {len(hits)}" for act, hits in acts.items() if hits))
    every = [hit for hits in acts.values() for hit in hits]
    print(f"8 bits, held out acts: {np.mean(every):.3f} of {len(every)} sentences")


def lowered(encoder: FastEncoder, told: Sequence[Told]) -> list[NDArray[np.float16]]:
    with ThreadPoolExecutor() as threads:
        return list(threads.map(lambda one: encoder.lower([masked(one.text)])[0].astype(np.float16), told))


def main(target: Path, cache: Path) -> None:
    model = read_model(model_path())
    told = samples()
    chance = random.Random(SEED)  # noqa: S311 - a fixed seed on purpose
    told += careless(told, chance) + run_on(told, chance)
    held = [row for row, one in enumerate(told) if one.held]
    print(f"{len(told)} sentences, {len(held)} of them held out", flush=True)
    hidden: Any = lowered(load_fast(cache), told)
    net = fitted(model, hidden, told, held)
    written(net, model.shape, hidden[::50], target)
    confusion(target, hidden, told, held)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path.home() / ".cache" / "stepfour")
