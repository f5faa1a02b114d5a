"""Networks and model files that many tests share. Tests need no data set and no network access."""

import _thread
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from stdc_core.export import export_model
from stdc_core.geometry import Size
from stdc_core.labels import CAMVID
from stdc_core.model_file import ModelFile, read_model_file
from stdc_core.networks import STDCSeg, STDCSegConfig
from stdc_core.networks.checkpoint import Checkpoint

pytest_plugins = ['fake_gpu', 'ros_bench', 'ros_diagnostics', 'streets']

MODEL_SIZE = Size(96, 160)


@pytest.fixture(autouse=True)
def _two_threads():
    torch.set_num_threads(2)


def randomize_batch_norm(network: nn.Module, seed: int = 0) -> None:
    """Make statistics and scales such that leaving out any of them shows."""
    generator = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1, generator=generator)
            layer.running_var.uniform_(0.5, 1.5, generator=generator)
            layer.weight.data.uniform_(0.8, 1.2, generator=generator)
            layer.bias.data.normal_(0, 0.1, generator=generator)


@pytest.fixture(scope='session')
def make_checkpoint():
    def make(config: STDCSegConfig, labels=CAMVID) -> Checkpoint:
        torch.manual_seed(0)
        network = STDCSeg(config).eval()
        randomize_batch_norm(network)
        return Checkpoint(config, labels, network.state_dict())

    return make


@pytest.fixture(scope='session')
def checkpoint(make_checkpoint) -> Checkpoint:
    return make_checkpoint(STDCSegConfig('stdc1', len(CAMVID)))


@pytest.fixture(scope='session')
def model_path(checkpoint, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp('model') / 'stdc1.onnx'
    export_model(checkpoint, path, size=MODEL_SIZE)
    return path


@pytest.fixture(scope='session')
def model(model_path) -> ModelFile:
    return read_model_file(model_path)


@pytest.fixture
def frame() -> np.ndarray:
    """BGR noise of a size that is not the model's."""
    return np.random.default_rng(1).integers(0, 256, (90, 170, 3), dtype=np.uint8)


@pytest.fixture(scope='session')
def real_camvid() -> Path:
    """Find the real CamVid beside the repository; say aloud where it is not."""
    root = Path(__file__).parents[2] / 'shared/data/camvid'
    if not root.is_dir():
        pytest.skip(f'NOT RUN, needs the real CamVid in {root}')
    return root


@pytest.fixture
def interrupt():
    """Do what Ctrl-C does to the main thread, from any thread.

    No real signal is sent: rclpy, which other tests start in this process, has a handler in C.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # as in what a shell starts in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield _thread.interrupt_main
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, before)
