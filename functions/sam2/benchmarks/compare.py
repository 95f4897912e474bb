"""Compare this project's function with the guide's way and with sam2's own predictor, on one machine in one run.

PYTHONPATH=functions/sam2:functions/sam2/nuclio python -m benchmarks.compare --model sam2.1_hiera_tiny --size 1280x720

The ways take turns, so that a busy machine slows all of them alike; compare the ratios, not the milliseconds.
sam2's own models run with random weights unless --weights is given: time does not depend on weights, answers do.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from model_handler import ModelHandler
from segmenter.loading import load_model
from training.model import CONFIG, WEIGHTS
from training.scenes import held_out_scenes

from .annotators import annotators
from .bare import bare_predictor
from .plot import plot
from .report import as_table, report
from .ways import BarePredictor, GuidesWay, OurWay, Way, request, write_mask

CONFIGS = {
    "sam2.1_hiera_tiny": "configs/sam2.1/sam2.1_hiera_t.yaml",
    "sam2.1_hiera_small": "configs/sam2.1/sam2.1_hiera_s.yaml",
    "sam2.1_hiera_base_plus": "configs/sam2.1/sam2.1_hiera_b+.yaml",
    "sam2.1_hiera_large": "configs/sam2.1/sam2.1_hiera_l.yaml",
}


def checkpoint(name: str, given: Path | None, folder: Path) -> tuple[str, str]:
    """Return MODEL and MODEL_CFG for a model; makes random weights where none are given."""
    if name == "synthetic_shapes":
        return str(given or WEIGHTS), str(CONFIG)
    if given is None:
        from hydra.utils import instantiate
        from segmenter.loading import read_config

        torch.manual_seed(0)
        given = folder / f"{name}_random.pt"
        torch.save({"model": instantiate(read_config(CONFIGS[name], []).model, _recursive_=True).state_dict()}, given)
    return str(given), CONFIGS[name]


def machine(device: str) -> str:
    """Name what the model ran on."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def timed(way: Way, body: bytes) -> tuple[float, str]:
    """Return seconds and answer."""
    started = time.perf_counter()
    text = way(body)
    return time.perf_counter() - started, text


def main() -> None:
    """Measure, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["synthetic_shapes", *CONFIGS], default="sam2.1_hiera_tiny")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--size", default="1280x720", metavar="WIDTHxHEIGHT")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--first", type=int, default=5, help="rounds of first clicks and of the guide's way")
    parser.add_argument("--clicks", type=int, default=40, help="rounds of clicks on a known picture")
    parser.add_argument("--annotators", type=int, default=8, help="who click at the same time on pictures of their own")
    parser.add_argument("--output", type=Path, default=Path("benchmark"), help="folder for results.json and the plot")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    width, height = (int(part) for part in args.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        model, config = checkpoint(args.model, args.weights, Path(folder))
        results = run(model, config, args, height, width)
    results |= {
        "model": args.model, "size": args.size, "threads": torch.get_num_threads(), "torch": torch.__version__,
        "machine": machine(results["device"]),
    }  # fmt: skip
    args.output.mkdir(parents=True, exist_ok=True)
    name = f"{args.model}_{args.size}"
    (args.output / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
    plot(results, args.output / f"{name}.png")
    print(json.dumps(results, indent=1))
    print(as_table(results))


def run(model: str, config: str, args: argparse.Namespace, height: int, width: int) -> dict[str, Any]:
    """Take turns among the ways; returns medians in milliseconds, ratios and sizes."""
    environment = {"MODEL": model, "MODEL_CFG": config, "DEVICE": args.device, "CACHE_MIB": "256"}
    ours = OurWay(ModelHandler({**environment, "ANSWER": "shapes"}))
    full = OurWay(ModelHandler({**environment, "ANSWER": "mask"}))
    device = ours.handler.service.predictor.device
    predictor = bare_predictor(load_model(model, config, device, []))
    scene = held_out_scenes(1, height, width, seed=3)[0]
    box = scene.boxes()[0]
    bare = BarePredictor(predictor, ours.handler.service.predictor, scene.picture, box)
    guide = GuidesWay(predictor)
    known = request(scene.picture, box)
    seconds: dict[str, list[float]] = {}
    answers: dict[str, str] = {}

    def turn(name: str, way: Way, body: bytes) -> None:
        elapsed, answers[name] = timed(way, body)
        seconds.setdefault(name, []).append(elapsed)

    with tempfile.TemporaryDirectory() as folder:
        kept = OurWay(ModelHandler({**environment, "ANSWER": "shapes", "CACHE_DIR": folder}))
        kept(known)
        kept.handler.service.gallery.disk.flush()
        for number in range(args.first):
            unseen = scene.picture.copy()
            unseen[:8, :8] = number
            turn("guide, every click", guide, known)
            turn("bare set_image + predict", bare.both, b"")
            turn("ours, first click", ours, request(unseen, box))
            turn("ours, embedding", lambda _: ours.embed(scene.picture), b"")
            # What a restart leaves: the files, and nothing in memory.
            kept.handler.service.gallery.cache.clear()
            turn("ours, after a restart", kept, known)
    ours(known), full(known)
    share = []
    for _ in range(args.clicks):
        turn("bare predict", bare.predict, b"")
        ours.model_seconds = 0.0
        turn("ours, click, shapes", ours, known)
        share.append(seconds["ours, click, shapes"][-1] - ours.model_seconds)
        turn("ours, click, mask", full, known)
        turn("writing the mask", lambda _: write_mask(scene.masks[0]), b"")
    results = {"device": str(device)} | report(seconds, share, answers)
    if args.annotators:
        results["annotators"] = annotators(ours, args.annotators, args.clicks, height, width)
    return results


if __name__ == "__main__":
    main()
