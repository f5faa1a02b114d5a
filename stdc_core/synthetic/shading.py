"""Colour of every pixel from what is seen at its samples."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from stdc_core.synthetic.visibility import NOTHING, SAMPLES, mip_level, texel

SHADOW_BIAS = 0.12  # metres; a surface does not shade itself


@numba.njit(cache=True, nogil=True)
def _bilinear(
    u: float, v: float, atlas: NDArray[np.uint8], start: int, side: int
) -> tuple[float, float, float]:
    x, y = u * side - 0.5, v * side - 0.5
    column, row = math.floor(x), math.floor(y)
    right, down = x - column, y - row
    red = green = blue = 0.0
    for dy in range(2):
        for dx in range(2):
            weight = (right if dx else 1 - right) * (down if dy else 1 - down)
            place = texel((column + dx + 0.5) / side, (row + dy + 0.5) / side, start, side)
            red += weight * atlas[place]
            green += weight * atlas[place + 1]
            blue += weight * atlas[place + 2]
    return red, green, blue


@numba.njit(cache=True, nogil=True)
def _sun_share(
    x: float, y: float, z: float, to_sun_map: NDArray[np.float64], sun_map: NDArray[np.float32]
) -> float:
    """How much of the sun a place in the street sees, 0..1, smoothed over four texels."""
    side = sun_map.shape[0]
    column = to_sun_map[0, 0] * x + to_sun_map[0, 1] * y + to_sun_map[0, 2] * z + to_sun_map[0, 3]
    row = to_sun_map[1, 0] * x + to_sun_map[1, 1] * y + to_sun_map[1, 2] * z + to_sun_map[1, 3]
    height = to_sun_map[2, 0] * x + to_sun_map[2, 1] * y + to_sun_map[2, 2] * z + SHADOW_BIAS
    left, top = math.floor(column - 0.5), math.floor(row - 0.5)
    if left < 0 or top < 0 or left + 1 >= side or top + 1 >= side:
        return 1.0
    share_x, share_y = column - 0.5 - left, row - 0.5 - top
    lit = 0.0
    for dy in range(2):
        for dx in range(2):
            if sun_map[top + dy, left + dx] <= height:
                lit += (share_x if dx else 1 - share_x) * (share_y if dy else 1 - share_y)
    return lit


@numba.njit(cache=True, nogil=True)
def _same_in_pixel(
    triangle: NDArray[np.int32], row: int, column: int, sample: int
) -> tuple[int, float, float]:
    """Count a pixel's samples that see what one of them sees, and find their middle.

    :return: the count, 0 if an earlier sample sees it too; x and y, in samples.
    """
    top, left = SAMPLES * row, SAMPLES * column
    t = triangle[top + sample // SAMPLES, left + sample % SAMPLES]
    count, x, y = 0, 0.0, 0.0
    for other in range(SAMPLES * SAMPLES):
        oy, ox = top + other // SAMPLES, left + other % SAMPLES
        if triangle[oy, ox] == t:
            if other < sample:
                return 0, 0.0, 0.0
            count += 1
            x += ox + 0.5
            y += oy + 0.5
    return count, x / count, y / count


@numba.njit(cache=True, nogil=True)
def shade(
    triangle: NDArray[np.int32],
    edges: NDArray[np.float64],
    uv: NDArray[np.float32],
    texture: NDArray[np.int16],
    density: NDArray[np.float64],
    ambient: NDArray[np.float32],
    sunlit: NDArray[np.float32],
    atlas: NDArray[np.uint8],
    level_starts: NDArray[np.int64],
    sun_map: NDArray[np.float32],
    to_sun_map: NDArray[np.float64],
    eye: NDArray[np.float64],
    ray: NDArray[np.float64],
    haze: NDArray[np.float64],
    haze_distance: float,
    zenith: NDArray[np.float64],
    clouds: NDArray[np.float32],
    image: NDArray[np.float32],
) -> None:
    """Colour a picture; each triangle is coloured once a pixel, for all the samples it has there.

    :param triangle: seen at each sample, shape (SAMPLES * H, SAMPLES * W).
    :param edges: in samples, shape (T, 3, 3).
    :param ambient: light from the sky times tint, RGB, shape (T, 3).
    :param sunlit: light that the sun adds where it shines, shape (T, 3).
    :param sun_map: height of the first thing below the sun, shape (S, S); empty for no shadows.
    :param to_sun_map: street to column, row and height in it, shape (3, 4).
    :param eye: the camera's place, shape (3,).
    :param ray: picture to direction of depth 1 in the street, shape (3, 3): columns for x and y in
        samples and 1.
    :param haze: colour of the distance, 0..255, shape (3,).
    :param haze_distance: metres in which 63 % of a colour is lost to it.
    :param zenith: colour of the sky above, shape (3,).
    :param clouds: 0 for blue to 1 for white, repeats, shape (256, 256).
    :param image: RGB, 0..255, shape (H, W, 3), written.
    """
    height, width = image.shape[:2]
    levels = level_starts.shape[1]
    share = 1.0 / (SAMPLES * SAMPLES)
    for row in range(height):
        for column in range(width):
            red = green = blue = 0.0
            for sample in range(SAMPLES * SAMPLES):
                sy = SAMPLES * row + sample // SAMPLES
                sx = SAMPLES * column + sample % SAMPLES
                t = triangle[sy, sx]
                count, x, y = _same_in_pixel(triangle, row, column, sample)
                if count == 0:
                    continue
                dx = ray[0, 0] * x + ray[0, 1] * y + ray[0, 2]
                dy = ray[1, 0] * x + ray[1, 1] * y + ray[1, 2]
                dz = ray[2, 0] * x + ray[2, 1] * y + ray[2, 2]
                if t == NOTHING:
                    up = dz / math.sqrt(dx * dx + dy * dy + dz * dz)
                    clear = 1 - math.exp(-5.0 * max(up, 0.0))
                    cloud = 0.0
                    if up > 0.01:
                        cx = int((eye[0] + 400 * dx / dz) * 0.11) & 255
                        cy = int((eye[1] + 400 * dy / dz) * 0.11) & 255
                        cloud = clouds[cy, cx] * min(1.0, 6 * up)
                    r = haze[0] + clear * (zenith[0] - haze[0])
                    g = haze[1] + clear * (zenith[1] - haze[1])
                    b = haze[2] + clear * (zenith[2] - haze[2])
                    white = 0.55 * cloud
                    r += white * (1.06 * haze[0] - r)
                    g += white * (1.06 * haze[1] - g)
                    b += white * (1.06 * haze[2] - b)
                else:
                    e = edges[t]
                    e0 = e[0, 0] * x + e[0, 1] * y + e[0, 2]
                    e1 = e[1, 0] * x + e[1, 1] * y + e[1, 2]
                    e2 = e[2, 0] * x + e[2, 1] * y + e[2, 2]
                    depth = 1 / (e0 + e1 + e2)
                    u = (e0 * uv[t, 0, 0] + e1 * uv[t, 1, 0] + e2 * uv[t, 2, 0]) * depth
                    v = (e0 * uv[t, 0, 1] + e1 * uv[t, 1, 1] + e2 * uv[t, 2, 1]) * depth
                    level = mip_level(density[t] * SAMPLES * depth, levels)
                    start = level_starts[texture[t], level]
                    r, g, b = _bilinear(u, v, atlas, start, (1 << (levels - 1)) >> level)
                    sun = 1.0
                    if sun_map.shape[0]:
                        px, py, pz = eye[0] + dx * depth, eye[1] + dy * depth, eye[2] + dz * depth
                        sun = _sun_share(px, py, pz, to_sun_map, sun_map)
                    kept = math.exp(-depth / haze_distance)
                    r = haze[0] + kept * (r * (ambient[t, 0] + sun * sunlit[t, 0]) - haze[0])
                    g = haze[1] + kept * (g * (ambient[t, 1] + sun * sunlit[t, 1]) - haze[1])
                    b = haze[2] + kept * (b * (ambient[t, 2] + sun * sunlit[t, 2]) - haze[2])
                red += count * r
                green += count * g
                blue += count * b
                if count == SAMPLES * SAMPLES:
                    break
            image[row, column, 0] = share * red
            image[row, column, 1] = share * green
            image[row, column, 2] = share * blue


@numba.njit(cache=True, nogil=True)
def label_pixels(
    triangle: NDArray[np.int32],
    nearness: NDArray[np.float32],
    labels: NDArray[np.uint8],
    sky: int,
    result: NDArray[np.uint8],
) -> None:
    """Give each pixel the class of most of its samples; of equally many, the nearest one's.

    So a thing at least half a pixel wide has an unbroken label.

    :param labels: class of each triangle, shape (T,).
    :param sky: class where nothing is seen.
    :param result: shape (H, W), written.
    """
    height, width = result.shape
    for row in range(height):
        for column in range(width):
            best_count, best_near, best = 0, np.float32(-1), sky
            for sample in range(SAMPLES * SAMPLES):
                sy = SAMPLES * row + sample // SAMPLES
                sx = SAMPLES * column + sample % SAMPLES
                t = triangle[sy, sx]
                label = sky if t == NOTHING else labels[t]
                count = 0
                near = nearness[sy, sx]
                for other in range(SAMPLES * SAMPLES):
                    oy = SAMPLES * row + other // SAMPLES
                    ox = SAMPLES * column + other % SAMPLES
                    o = triangle[oy, ox]
                    if (sky if o == NOTHING else labels[o]) == label:
                        count += 1
                        near = max(near, nearness[oy, ox])
                if count == SAMPLES * SAMPLES:
                    best = label
                    break
                if count > best_count or (count == best_count and near > best_near):
                    best_count, best_near, best = count, near, label
            result[row, column] = best
