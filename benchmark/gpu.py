"""Check and time the GPU engines of this machine, in one go of under eight minutes.

``python benchmark/gpu.py`` needs torch for CUDA and the packages that run a model file; TensorRT
is timed too where it is. A part that fails, takes too long or has no time left is reported and
the others go on; the JSON is written anew after every part. ``--dry-run`` goes the same way on
the CPU with tiny sizes.
"""

import argparse
import logging
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Run all parts and say where the report is."""
    start = time.monotonic()  # torch's import takes seconds, and they count
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--model', type=Path, default=ROOT / 'models/stdc1_camvid.onnx')
    parser.add_argument('--output', type=Path, help='default: benchmark/results/DATE_GPU.json')
    parser.add_argument('--dry-run', action='store_true', help='on the CPU, tiny, proves nothing')
    parser.add_argument('--budget', type=float, default=460.0, help='seconds for all of it')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)

    from gpu_all import run_all  # after the clock has started

    run_all(
        arguments.model,
        arguments.output,
        ROOT / 'benchmark/results',
        dry=arguments.dry_run,
        end=start + arguments.budget,
    )


if __name__ == '__main__':
    main()
