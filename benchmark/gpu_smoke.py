"""Run the torch-cuda engine once, in a process of its own, for benchmark/gpu.py.

A kernel that writes where it must not spoils CUDA for its whole process.
"""

import sys

from stdc_core.engines import open_engine
from stdc_core.engines.torch_cuda import TorchCudaEngine
from stdc_core.model_file import read_model_file

if __name__ == '__main__':
    path, TorchCudaEngine.device_type, precision = sys.argv[1:]
    model = read_model_file(path)
    with open_engine(model, 'torch-cuda', precision=precision) as engine:  # type: ignore[arg-type]
        for _ in range(3):
            engine.infer(model.metadata.self_check.frame, color_order='rgb')
        print(engine.info)
