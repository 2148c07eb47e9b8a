"""`python -m tests.benchmarks`: measure everything, or one thing, and print the table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any

from tests.benchmarks.measure import Bench, Row, table, threads

NAMES = {
    "throughput": "tokens a second: library, engine, worker, session",
    "output_view": "a token in the output view after 1,000 and 100,000 characters",
    "key_latency": "key press to handler while a model generates",
    "first_frame": "start to first frame, against a minimal app",
    "text_length": "a token after little and much text, and its alternatives",
    "lens": "a token with the lens open or measured, against neither",
    "memory": "a step of a model with memory at token 10 and 10,000",
    "cuda": "tokens a second on a GPU, where there is one",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    args = _parser().parse_args(argv)
    threads(args.threads)
    bench = Bench(args.model, args.device, args.rounds, args.tokens)
    rows: list[Row] = []
    for name in args.only or NAMES:
        print(f"{name}: {NAMES[name]} ...", file=sys.stderr, flush=True)
        rows += import_module(f"tests.benchmarks.{name}").run(bench)
    if args.json:
        print(json.dumps({"conditions": _conditions(args), "rows": [row.to_dict() for row in rows]}, indent=2))
    else:
        print(table(rows) if rows else "nothing to measure here")
        print(", ".join(f"{name} {value}" for name, value in _conditions(args).items()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}; repeatable"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--model", help="as the program takes it; default: the embedded model")
    parser.add_argument("--device", default="cpu", help="default: cpu; the benchmark cuda takes the GPU anyway")
    parser.add_argument("--threads", type=int, default=1, help="torch's threads on the CPU; default: 1")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of each figure; default: 5")
    parser.add_argument("--tokens", type=int, default=200, help="new tokens of a run; default: 200")
    return parser


def _conditions(args: argparse.Namespace) -> dict[str, Any]:
    packages = {name: version(name) for name in ("torch", "transformers", "textual")}
    return {
        "python": platform.python_version(),
        **packages,
        "cores": os.cpu_count(),
        "threads": args.threads,
        "rounds": args.rounds,
        "model": args.model or "embedded",
    }


if __name__ == "__main__":
    main()
