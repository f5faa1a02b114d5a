"""From triangles, camera and weather to a picture and its labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from stdc_core.labels import CAMVID
from stdc_core.synthetic.camera import Camera
from stdc_core.synthetic.drawn_surfaces import grain
from stdc_core.synthetic.shading import label_pixels, shade
from stdc_core.synthetic.textures import SIDE, Atlas, atlas
from stdc_core.synthetic.triangles import Triangles
from stdc_core.synthetic.visibility import NOTHING, SAMPLES, edge_functions, see
from stdc_core.synthetic.weather import Weather

SKY = CAMVID.names.index('Sky')
SUN_MAP_SIDE = 640
SUN_MAP_METRES = 84.0  # a side


@dataclass(frozen=True)
class Rendering:
    """A picture before any camera took it, and its labels.

    :param light: float32, RGB, 0..255 and above, shape (H, W, 3).
    :param labels: uint8, class ids, shape (H, W).
    """

    light: NDArray[np.float32]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class Visible:
    """What is seen at every sample.

    :param triangle: int32, shape (SAMPLES * H, SAMPLES * W), -1 for the sky.
    :param nearness: float32, one over the depth in metres, 0 for the sky.
    :param edges: of :func:`edge_functions`, in samples.
    :param density: texels a sample at a depth of 1, shape (T,).
    """

    triangle: NDArray[np.int32]
    nearness: NDArray[np.float32]
    edges: NDArray[np.float64]
    density: NDArray[np.float64]


def render(scene: Triangles, camera: Camera, weather: Weather) -> Rendering:
    """Render a street; labels by :func:`label_pixels`."""
    visible = look(scene, camera)
    labels = np.empty(camera.size, np.uint8)
    label_pixels(visible.triangle, visible.nearness, scene.labels, SKY, labels)

    normals = scene.normals
    sun = np.array(weather.sun, np.float32)
    towards_eye = np.asarray(camera.position, np.float32) - scene.corners[:, 0]
    facing = np.sign((normals * towards_eye).sum(1))  # two-sided: the side that is seen
    sunny = np.clip(facing * (normals @ sun), 0, 1)
    above = 0.5 + 0.5 * facing * normals[:, 2]
    ambient = (0.72 + 0.28 * above)[:, None] * np.array(weather.sky_light, np.float32)
    sunlit = sunny[:, None] * np.array(weather.sun_light, np.float32)
    to_sun_map, sun_map = _sun_map(scene, camera, sun)

    height, width = camera.size
    pixel_to_camera = np.linalg.inv(np.diag((SAMPLES, SAMPLES, 1.0)) @ camera.projection)
    light = np.empty((height, width, 3), np.float32)
    shade(
        visible.triangle,
        visible.edges,
        scene.uv,
        scene.texture,
        visible.density,
        (ambient * scene.tint).astype(np.float32),
        (sunlit * scene.tint).astype(np.float32),
        atlas().pixels,
        atlas().starts,
        sun_map,
        to_sun_map,
        np.array(camera.position, np.float64),
        camera.rotation.T @ pixel_to_camera,
        np.array(weather.haze, np.float64),
        weather.haze_distance,
        np.array(weather.zenith, np.float64),
        clouds() * np.float32(weather.cloudiness),
        light,
    )
    return Rendering(light, labels)


def look(scene: Triangles, camera: Camera) -> Visible:
    """Find the nearest triangle of every sample."""
    height, width = camera.size
    to_samples = np.diag((SAMPLES, SAMPLES, 1.0)) @ camera.projection @ camera.rotation
    points = (scene.corners.astype(np.float64) - camera.position) @ to_samples.T
    edges = edge_functions(points)
    density = texel_density(scene) / (SAMPLES * camera.focal_px)
    triangle = np.full((SAMPLES * height, SAMPLES * width), NOTHING, np.int32)
    nearness = np.zeros(triangle.shape, np.float32)
    ones = np.ones((len(scene), 3))
    textures = atlas()
    see(
        points,
        edges,
        ones,
        scene.uv,
        _cut_out(scene, textures),
        density,
        textures.pixels,
        textures.starts,
        triangle,
        nearness,
    )
    return Visible(triangle, nearness, edges, density)


def texel_density(scene: Triangles) -> NDArray[np.float64]:
    """Texels a metre of each triangle's surface, float64, shape (T,)."""
    sides = scene.corners[:, 1:] - scene.corners[:, :1]
    area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    across = scene.uv[:, 1:] - scene.uv[:, :1]
    texels = np.abs(across[:, 0, 0] * across[:, 1, 1] - across[:, 0, 1] * across[:, 1, 0])
    return SIDE * np.sqrt(texels / np.maximum(area, 1e-9)).astype(np.float64)


def _cut_out(scene: Triangles, textures: Atlas) -> NDArray[np.int64]:
    return np.where(textures.has_holes[scene.texture], scene.texture, -1).astype(np.int64)


def _sun_map(
    scene: Triangles, camera: Camera, sun: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Look down from the sun at the part of the street ahead of the camera.

    :return: street to column, row and height in the map, shape (3, 4), and the height of the
        first thing below the sun.
    """
    right = np.cross(sun, (0.0, 0.0, 1.0))
    right = right / np.linalg.norm(right)
    up = np.cross(right, sun)
    axes = np.array((right, up, sun), np.float64)
    ahead = np.array((-np.sin(camera.heading), np.cos(camera.heading), 0))
    middle = np.array(camera.position) * (1, 1, 0) + 0.46 * SUN_MAP_METRES * ahead
    scale = SUN_MAP_SIDE / SUN_MAP_METRES
    to_map = np.zeros((3, 4))
    to_map[:, :3] = axes * np.array((scale, scale, 1.0))[:, None]
    to_map[:2, 3] = SUN_MAP_SIDE / 2 - to_map[:2, :3] @ middle
    places = scene.corners.astype(np.float64) @ to_map[:, :3].T + to_map[:, 3]
    highest, lowest = places[..., :2].max(1), places[..., :2].min(1)
    casts = (highest > 0).all(1) & (lowest < SUN_MAP_SIDE).all(1)
    casts &= scene.corners[..., 2].max(1) > 0.2  # the ground casts no shadow
    places = np.ascontiguousarray(places[casts])
    heights = places[..., 2].copy()
    places[..., 2] = 1
    nearness = np.full((SUN_MAP_SIDE, SUN_MAP_SIDE), -1e9, np.float32)
    triangle = np.full(nearness.shape, NOTHING, np.int32)
    textures = atlas()
    chosen = scene[casts]
    see(
        places,
        edge_functions(places),
        heights,
        chosen.uv,
        _cut_out(chosen, textures),
        texel_density(chosen) / scale,
        textures.pixels,
        textures.starts,
        triangle,
        nearness,
    )
    return to_map, nearness


@cache
def clouds() -> NDArray[np.float32]:
    """Draw clouds that repeat: 0 for blue to 1 for white, shape (256, 256)."""
    rng = np.random.default_rng(11)
    pattern = grain(rng, (4, 4, 8, 16, 32)).astype(np.float32) / 255
    return np.clip(3 * pattern - 0.9, 0, 1)
