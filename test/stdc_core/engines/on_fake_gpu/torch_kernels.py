"""The kernels around a torch network, on the fake driver, against plain torch operations."""

from types import SimpleNamespace

import torch
from fake_gpu import noise

from stdc_core.cuda.bindings_device import BindingsDevice
from stdc_core.engines import torch_tail
from stdc_core.geometry import FrameGeometry, Size

CPU = torch.device('cpu')


def test_kernels_around_a_torch_network(driver, monkeypatch):
    """Memory is torch's, so the driver cannot tell what belongs to whom."""
    device = BindingsDevice()
    with device.activate():
        stream = device.create_stream()
    monkeypatch.setattr(torch_tail, '_stream', lambda: stream)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 0)
    driver.set('check_memory', 0)
    geometry = FrameGeometry(Size(90, 170), Size(96, 160), 'letterbox')
    metadata = SimpleNamespace(align_corners=True)
    tables = torch_tail.tables_of(geometry, metadata)
    frame = torch.from_numpy(noise(90, 170))
    logits = torch.randn(11, 12, 20)
    unordered = torch.randn(2, 12, 20)
    unordered[0, 3, :2] = torch.tensor([torch.nan, torch.inf])
    unordered[1, 0, 0] = -torch.inf
    results = []
    for tail in (torch_tail.KernelTail(CPU), torch_tail.TorchTail(CPU)):
        image = torch.zeros(1, 96, 160, 3, dtype=torch.uint8)
        maps = torch.zeros(4, 90, 170, dtype=torch.uint8)
        counts = torch.zeros(4, 1, dtype=torch.int32)
        own = tail.tables(tables)
        tail.resize(frame, geometry, own, image, 'bgr')
        tail.labels(logits, own, maps[0], counts[0])
        tail.confidence(logits, own, maps[1])
        tail.detail(logits[0].contiguous(), own, maps[2], counts[1])
        for _ in range(2):
            tail.labels(unordered, own, maps[3], counts[2])
        tail.detail(unordered[0], own, maps[3], counts[3])
        with device.activate():
            device.wait(stream)
        tail.close()
        assert counts.flatten().tolist() == [0, 0, 6, 2]
        results.append((image, *maps[:3]))
    for kernels, plain in zip(*results, strict=True):
        assert plain.float().std() > 0
        difference = kernels.int() - plain.int()
        assert difference.abs().max() <= (1 if plain is not results[1][1] else 0)
    torch.testing.assert_close(results[0][0], results[1][0], rtol=0, atol=0)
    with device.activate():
        device.destroy_stream(stream)
    device.close()
