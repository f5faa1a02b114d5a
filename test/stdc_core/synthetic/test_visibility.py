"""What the rasteriser sees against a slow ray cast, and labels against a naive count."""

import math

import numpy as np
import pytest

from stdc_core.geometry import Size
from stdc_core.synthetic import classes
from stdc_core.synthetic.camera import Camera
from stdc_core.synthetic.renderer import SKY, look, texel_density
from stdc_core.synthetic.shading import label_pixels
from stdc_core.synthetic.shapes import box, card, tube
from stdc_core.synthetic.street import Street
from stdc_core.synthetic.textures import LEVELS, SIDE, Texture, atlas
from stdc_core.synthetic.triangles import join, quads
from stdc_core.synthetic.visibility import NEAR, NOTHING, SAMPLES


def is_hole(scene, triangle, depth, u, v, focal_samples):
    """Look up the alpha of a hit in the level that fits its depth."""
    textures = atlas()
    texture = scene.texture[triangle]
    if not textures.has_holes[texture]:
        return False
    texels_a_sample = texel_density(scene)[triangle] * depth / focal_samples
    level = 0 if texels_a_sample <= 1 else min(LEVELS - 1, int(math.log2(texels_a_sample) + 0.5))
    side = SIDE >> level
    start = textures.starts[texture, level]
    picture = textures.pixels[start : start + 4 * side * side].reshape(side, side, 4)
    return picture[math.floor(v * side) % side, math.floor(u * side) % side, 3] < 128


def cast(scene, camera):
    """Cast a ray through every sample (Moeller and Trumbore, 1997), triangle by triangle.

    :return: label of each sample, and whether the ray passes an edge so closely that rounding
        decides.
    """
    height, width = camera.size
    y, x = np.mgrid[0 : SAMPLES * height, 0 : SAMPLES * width].reshape(2, -1)
    rays = camera.rays((np.stack((x, y), 1) + 0.5) / SAMPLES)
    eye = np.array(camera.position)
    corners = scene.corners.astype(np.float64)
    nearest = np.full(len(rays), np.inf)
    labels = np.full(len(rays), SKY)
    close_call = np.zeros(len(rays), bool)
    for number, (a, b, c) in enumerate(corners):
        along, across = b - a, c - a
        normal = np.cross(along, across)
        facing = rays @ normal
        with np.errstate(divide='ignore', invalid='ignore'):
            depth = ((a - eye) @ normal) / facing
            offset = eye + depth[:, None] * rays - a
            area = normal @ normal
            second = np.cross(offset, across) @ normal / area
            third = np.cross(along, offset) @ normal / area
        first = 1 - second - third
        edge = np.minimum(np.minimum(first, second), third)
        hit = (edge >= 0) & (depth >= NEAR) & (depth < nearest)
        close_call |= (np.abs(edge) < 1e-6) & (depth > 0) & (depth < 1.001 * nearest)
        close_call |= (np.abs(depth / nearest - 1) < 1e-5) & (edge > -1e-6)
        for index in np.flatnonzero(hit):
            weights = np.array((first[index], second[index], third[index]))
            u, v = weights @ scene.uv[number].astype(np.float64)
            focal = SAMPLES * camera.focal_px
            if not is_hole(scene, number, depth[index], u, v, focal):
                nearest[index] = depth[index]
                labels[index] = scene.labels[number]
    shape = (SAMPLES * height, SAMPLES * width)
    return labels.reshape(shape), close_call.reshape(shape)


def seen_labels(scene, camera):
    triangle = look(scene, camera).triangle
    return np.where(triangle == NOTHING, SKY, scene.labels[triangle])


@pytest.mark.parametrize('seed', [4])
def test_a_streets_labels_are_those_of_a_slow_ray_cast(seed):
    street = Street(seed, 160.0)
    x, y, heading = (float(value) for value in street.plan.course.at(30.0, -1.5))
    camera = Camera(Size(15, 20), 19.0, (x, y, 1.4), heading + 0.05, -0.03, 0.02)
    scene = street.scene(30.0, 2.0)
    expected, close_call = cast(scene, camera)
    found = seen_labels(scene, camera)
    assert len(np.unique(expected)) >= 6
    np.testing.assert_array_equal(found[~close_call], expected[~close_call])
    assert close_call.mean() < 0.02


def test_what_crosses_the_cameras_plane_is_seen_in_front_of_it_only():
    ground = quads([(-50, -50, 0), (50, -50, 0), (50, 50, 0), (-50, 50, 0)], classes.ROAD)
    wall = box((0, -5, 0), (4, 1, 3), classes.BUILDING)
    camera = Camera(Size(30, 40), 30.0, (0, 0, 1.5), pitch=0.1)
    scene = join([ground, wall])
    expected, close_call = cast(scene, camera)
    found = seen_labels(scene, camera)
    np.testing.assert_array_equal(found[~close_call], expected[~close_call])
    assert classes.BUILDING not in found
    assert (found[-1] == classes.ROAD).all()


def test_the_nearer_thing_hides_the_other_whatever_their_order():
    near = box((0, 5, 0), (1, 1, 1), classes.CAR)
    far = box((0, 9, 0), (9, 1, 9), classes.BUILDING)
    camera = Camera(Size(20, 20), 20.0, (0, 0, 0.5))
    for parts in ([near, far], [far, near]):
        found = seen_labels(join(parts), camera)
        assert found[20, 20] == classes.CAR
        assert found[20, 2] == classes.BUILDING


@pytest.mark.parametrize('shift', np.linspace(0, 1, 9))
def test_a_pole_half_a_pixel_wide_has_an_unbroken_label(shift):
    camera = Camera(Size(40, 40), 40.0, (0, 0, 1.5))
    depth = 8.0
    radius = 0.26 * depth / camera.focal_px  # a little over a quarter of a pixel
    x = (shift - 0.5) * depth / camera.focal_px
    wall = card((0, 30, -20), 90, 60, 0.0, classes.BUILDING, Texture.PLAIN)
    scene = join([wall, tube((x, depth, -3), (x, depth, 9), radius, classes.POLE, sides=12)])
    visible = look(scene, camera)
    labels = np.empty(camera.size, np.uint8)
    label_pixels(visible.triangle, visible.nearness, scene.labels, SKY, labels)
    assert ((labels == classes.POLE).sum(1) >= 1).all()


def test_pixels_are_labelled_by_a_naive_count():
    rng = np.random.default_rng(0)
    triangle = rng.integers(-1, 6, (40, 60)).astype(np.int32)
    triangle[:, ::3] = triangle[:, 1::3]
    nearness = rng.uniform(0.01, 1, triangle.shape).astype(np.float32)
    nearness[triangle == NOTHING] = 0
    labels = np.array([3, 3, 4, 8, 2, 1], np.uint8)
    found = np.empty((20, 30), np.uint8)
    label_pixels(triangle, nearness, labels, SKY, found)
    for row in range(20):
        for column in range(30):
            cell = np.s_[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            votes = {}
            for t, near in zip(triangle[cell].ravel(), nearness[cell].ravel(), strict=True):
                label = SKY if t == NOTHING else labels[t]
                count, nearest = votes.get(label, (0, 0.0))
                votes[label] = (count + 1, max(nearest, near))
            assert found[row, column] == max(votes, key=votes.get)


def test_rays_are_the_inverse_of_the_projection():
    camera = Camera(Size(36, 48), 40.0, (1, 2, 1.4), 0.3, -0.1, 0.05)
    points = np.array([(3.5, 7.25), (24, 18), (47.9, 35.9)])
    places = camera.position + 7.0 * camera.rays(points)
    homogeneous = (places - camera.position) @ (camera.projection @ camera.rotation).T
    np.testing.assert_allclose(homogeneous[:, 2], 7.0)
    np.testing.assert_allclose(homogeneous[:, :2] / homogeneous[:, 2:], points)
