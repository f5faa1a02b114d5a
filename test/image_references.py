"""Slow references: one byte at a time, by the definitions of the encodings."""

import numpy as np

# Where red, green and blue lie among the samples of a pixel.
CHANNELS = {
    'rgb': (0, 1, 2),
    'bgr': (2, 1, 0),
    'rgba': (0, 1, 2),
    'bgra': (2, 1, 0),
    'mono': (0, 0, 0),
}
PACKED = {
    **{f'{name}8': (name, 1) for name in CHANNELS},
    **{f'{name}16': (name, 2) for name in CHANNELS},
    '8UC1': ('mono', 1),
    '8UC3': ('bgr', 1),
    '8UC4': ('bgra', 1),
    '16UC1': ('mono', 2),
    '16UC3': ('bgr', 2),
    '16UC4': ('bgra', 2),
}
SAMPLES = {'mono': 1, 'rgb': 3, 'bgr': 3, 'rgba': 4, 'bgra': 4}
PACKED_YUV = {  # Y of the even and of the odd pixel, U, V in four bytes
    'uyvy': (1, 3, 0, 2),
    'yuv422': (1, 3, 0, 2),
    'yuyv': (0, 2, 1, 3),
    'yuv422_yuy2': (0, 2, 1, 3),
}
PLANAR_YUV = ('nv12', 'nv21', 'nv24')
BAYER = [
    f'bayer_{pattern}{bits}' for pattern in ('rggb', 'bggr', 'gbrg', 'grbg') for bits in (8, 16)
]
ALL = [*PACKED, *PACKED_YUV, *PLANAR_YUV, *BAYER]


def row_bytes(encoding: str, width: int) -> int:
    if encoding in PACKED:
        name, size = PACKED[encoding]
        return width * SAMPLES[name] * size
    if encoding in PACKED_YUV:
        return 2 * width
    return width * (2 if encoding.endswith('16') else 1)


def data_bytes(encoding: str, height: int, step: int) -> int:
    return {'nv12': 3, 'nv21': 3, 'nv24': 6}.get(encoding, 2) * height * step // 2


def reference(message) -> np.ndarray:
    """RGB of every pixel; float where the definition gives no whole number."""
    data = bytes(message.data)
    size = (message.height, message.width)
    pixels = [[_pixel(message, data, y, x) for x in range(size[1])] for y in range(size[0])]
    return np.array(pixels)


def _pixel(message, data: bytes, y: int, x: int) -> list[float]:
    encoding, step = message.encoding, message.step
    if encoding in PACKED:
        name, size = PACKED[encoding]
        high = size - 1 if not message.is_bigendian else 0
        start = y * step + x * SAMPLES[name] * size
        return [data[start + channel * size + high] for channel in CHANNELS[name]]
    if encoding in PACKED_YUV:
        even, odd, u, v = PACKED_YUV[encoding]
        start = y * step + x // 2 * 4
        return _rgb(data[start + (odd if x % 2 else even)], data[start + u], data[start + v])
    chroma = message.height * step
    if encoding == 'nv24':
        start = chroma + y * 2 * step + 2 * x
    else:
        start = chroma + y // 2 * step + x // 2 * 2
    u, v = data[start : start + 2]
    return _rgb(data[y * step + x], *((v, u) if encoding == 'nv21' else (u, v)))


def _rgb(y: int, u: int, v: int) -> list[float]:
    """Convert by ITU-R BT.601 with Y of 16..235 and U, V of 16..240."""
    luma = max(0, y - 16) * 255 / 219
    red = luma + (v - 128) * 255 / 224 * 1.402
    green = luma - (u - 128) * 255 / 224 * 0.344136 - (v - 128) * 255 / 224 * 0.714136
    blue = luma + (u - 128) * 255 / 224 * 1.772
    return [min(max(value, 0.0), 255.0) for value in (red, green, blue)]


def mosaic_colors(encoding: str, height: int, width: int) -> np.ndarray:
    """Index of the colour (0 red, 1 green, 2 blue) that each pixel of a Bayer sensor sees."""
    pattern = encoding.removeprefix('bayer_')[:4]
    places = np.array(['rgb'.index(letter) for letter in pattern]).reshape(2, 2)
    return np.tile(places, (height // 2 + 1, width // 2 + 1))[:height, :width]


def demosaic_inside(mosaic: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Bilinear: each missing colour is the mean of its nearest neighbours; without the border."""
    height, width = mosaic.shape
    result = np.zeros((height - 2, width - 2, 3))
    for y, x in np.ndindex(height - 2, width - 2):
        window = mosaic[y : y + 3, x : x + 3].astype(float)
        window_colors = colors[y : y + 3, x : x + 3]
        distance = np.abs(np.mgrid[-1:2, -1:2]).sum(0)
        for color in range(3):
            there = window_colors == color
            nearest = there & (distance == distance[there].min())
            result[y, x, color] = window[nearest].mean()
    return result
