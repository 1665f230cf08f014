"""How fast, how large and how alike the two forms of the encoder are, each in a process of its own."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGES = Path(__file__).parents[1] / "knowledge" / "pages"
LENGTH = 900
"""Characters of a passage: 200 to 300 tokens."""
PASSAGES, QUERIES = 40, 40


def measure() -> dict[str, float]:
    """About half a minute on one core. Times are of the processor, so that a busy machine may be used."""
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            "native": _run("native", folder),
            "fast_build": _run("fast", folder),  # the first run builds the graph
            "fast": _run("fast", folder),
        }
    report = {
        f"embedding_{form}_{name}": float(value)
        for form, run in runs.items()
        for name, value in run.items()
        if name != "vectors" and (form != "fast_build" or name in {"load_seconds", "load_peak_mb"})
    }
    return report | _agreement(runs["native"]["vectors"], runs["fast"]["vectors"])


def _run(form: str, folder: str) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 - this very module
        [sys.executable, "-m", "evals.bench_embedding", form, folder],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=PAGES.parents[1],
        check=True,
        capture_output=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _agreement(old: list[list[float]], new: list[list[float]]) -> dict[str, float]:
    import numpy as np

    from knowledge.embedding import centred, mean_of

    before, after = np.array(old, dtype=np.float32), np.array(new, dtype=np.float32)
    plain = (before * after).sum(axis=1)
    apart = (centred(before, mean_of(before)) * centred(after, mean_of(after))).sum(axis=1)
    return {
        "embedding_cosine_mean": float(plain.mean()),
        "embedding_cosine_least": float(plain.min()),
        "embedding_centred_cosine_mean": float(apart.mean()),
    }


def _texts() -> tuple[list[str], list[str]]:
    pages = [page.read_text(encoding="utf-8") for page in sorted(PAGES.rglob("*.md"))]
    passages = [page[at : at + LENGTH] for page in pages for at in range(0, len(page) - LENGTH, LENGTH)]
    lines = [line.strip("#- ") for page in pages for line in page.splitlines()]
    queries = [line for line in lines if 30 <= len(line) <= 90]
    return _spread(passages, PASSAGES), _spread(queries, QUERIES)


def _spread(texts: list[str], count: int) -> list[str]:
    return texts[:: max(1, len(texts) // count)][:count]


def _measured(form: str, folder: Path) -> dict[str, Any]:
    from knowledge.embedding import LazyEncoder, default_encoder

    passages, queries = _texts()
    encoder = default_encoder(folder if form == "fast" else None)
    began = time.perf_counter()
    assert isinstance(encoder, LazyEncoder)
    loaded = encoder.loaded()
    loading = time.perf_counter() - began
    if f"@{'int8' if form == 'fast' else 'native'}" not in loaded.name:
        raise SystemExit(f"{loaded.name} was loaded instead of the {form} form: see the warning above")
    load_peak = _peak_mb()
    loaded.queries(queries[:2])
    vectors, spent = _timed(lambda: loaded.passages(passages))
    _, spent_on_queries = _timed(lambda: loaded.queries(queries))
    return {
        "load_seconds": loading,
        "load_peak_mb": load_peak,
        "peak_mb": _peak_mb(),
        "passages_per_cpu_second": len(passages) / spent,
        "query_cpu_ms": 1000 * spent_on_queries / len(queries),
        "vectors": vectors.tolist(),
    }


def _timed(run: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    result = run()
    return result, time.process_time() - began


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(_measured(sys.argv[1], Path(sys.argv[2]))))
    else:
        print(json.dumps(measure(), indent=1))
