"""A convolution that suits int8 kernels as well as any: what it reaches is called the peak."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS, HEIGHT, WIDTH, KERNEL = 256, 32, 64, 3  # 0.5 MB in and out: stays in the caches
PEAK_LAYER = 'convolution_1'  # of three: what the first one reads and the last one writes is moved
PEAK_SHAPE = (1, CHANNELS, HEIGHT, WIDTH)
PEAK_MACS = (CHANNELS * KERNEL) ** 2 * HEIGHT * WIDTH


def peak_graph() -> bytes:
    """Build three equal convolutions, u8 to u8, as quantized networks have them."""
    weights = np.random.default_rng(0).integers(
        -64, 64, (CHANNELS, CHANNELS, KERNEL, KERNEL), dtype=np.int8
    )
    constants = {
        'weights': weights,
        'weight_scale': np.float32(0.01),
        'weight_zero': np.int8(0),
        'scale': np.float32(0.02),
        'zero': np.uint8(0),
    }
    nodes = []
    tensor = 'image'
    for number in range(3):
        inside = [f'{what}_{number}' for what in ('in', 'kernel', 'sum', 'relu', 'out')]
        read, kernel, total, positive, written = inside
        nodes += [
            helper.make_node('DequantizeLinear', [tensor, 'scale', 'zero'], [read]),
            helper.make_node(
                'DequantizeLinear', ['weights', 'weight_scale', 'weight_zero'], [kernel]
            ),
            helper.make_node(
                'Conv',
                [read, kernel],
                [total],
                f'convolution_{number}',
                pads=[KERNEL // 2] * 4,
            ),
            helper.make_node('Relu', [total], [positive]),
            helper.make_node('QuantizeLinear', [positive, 'scale', 'zero'], [written]),
        ]
        tensor = written
    graph = helper.make_graph(
        nodes,
        'int8_peak',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, PEAK_SHAPE)],
        [helper.make_tensor_value_info(tensor, TensorProto.UINT8, PEAK_SHAPE)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()
