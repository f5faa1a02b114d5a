"""Fixtures: a small data set of drawn streets with exact labels, made anew for every session."""

import cv2
import numpy as np
import pytest
import yaml

from stdc_core.training.datasets import open_dataset

STREET_CLASSES = {
    'sky': (130, 170, 220),
    'building': (150, 90, 70),
    'road': (90, 90, 95),
    'car': (40, 40, 160),
    'tree': (50, 120, 50),
}
HEIGHT, WIDTH = 96, 128


def draw_labelled_street(rng):
    """RGB image with noise and light of its own, and its ids."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    horizon = int(rng.integers(40, 56))
    x = 0
    while x < WIDTH:
        width = int(rng.integers(15, 40))
        labels[rng.integers(5, 30) : horizon, x : x + width] = 1
        x += width + int(rng.integers(0, 12))
    labels[horizon:] = 2
    for _ in range(rng.integers(1, 4)):
        center = (int(rng.integers(WIDTH)), horizon - int(rng.integers(5, 20)))
        cv2.circle(labels, center, int(rng.integers(6, 14)), 4, cv2.FILLED)
    for _ in range(rng.integers(1, 4)):
        left, top = int(rng.integers(WIDTH - 20)), horizon + int(rng.integers(-4, 20))
        labels[top : top + int(rng.integers(8, 16)), left : left + int(rng.integers(14, 30))] = 3
    colors = np.array(list(STREET_CLASSES.values())) * rng.uniform(0.7, 1.2)
    image = colors[labels] + rng.normal(0, 12, (HEIGHT, WIDTH, 1))
    labels[:2] = 255  # a border that does not count
    return image.clip(0, 255).astype(np.uint8), labels


@pytest.fixture(scope='session')
def street_yaml(tmp_path_factory):
    root = tmp_path_factory.mktemp('streets')
    rng = np.random.default_rng(0)
    for split, count in (('train', 16), ('val', 5)):
        for kind in ('images', 'labels'):
            (root / split / kind).mkdir(parents=True)
        for number in range(count):
            image, labels = draw_labelled_street(rng)
            name = f'{split}{number:02d}.png'
            cv2.imwrite(str(root / split / 'images' / name), image[..., ::-1])
            cv2.imwrite(str(root / split / 'labels' / name), labels)
    description = {
        'name': 'streets',
        'label_set': {
            'name': 'streets',
            'classes': [{'name': n, 'color': list(c)} for n, c in STREET_CLASSES.items()],
        },
        'label_kind': 'ids',
        'splits': {
            split: {'images': f'{split}/images', 'labels': f'{split}/labels'}
            for split in ('train', 'val')
        },
    }
    path = root / 'streets.yaml'
    path.write_text(yaml.safe_dump(description))
    return path


@pytest.fixture(scope='session')
def streets(street_yaml):
    return open_dataset(street_yaml)
