import cv2
import numpy as np
import pytest

from stdc_core.synthetic.drive import frame_from_anywhere
from stdc_core.training.datasets import check_dataset, open_dataset


@pytest.fixture
def render(run_script, tmp_path):
    def run(*more):
        words = ('--frames', 3, '--val-frames', 2, '--size', 64, 96, '--processes', 1)
        return run_script('render_streets', tmp_path / 'streets', *words, *more)

    return run


def test_a_rendered_data_set_is_in_order_and_the_renderers(render, tmp_path):
    code, out, error = render()
    assert (code, error) == (0, '')
    assert 'rendered.yaml' in out
    dataset = open_dataset(tmp_path / 'streets/rendered.yaml')
    assert [len(split) for split in dataset.splits] == [3, 2]
    assert check_dataset(dataset).ok
    sample = dataset.split('train').load(1)
    frame = frame_from_anywhere(1, 0, (64, 96))
    np.testing.assert_array_equal(sample.labels, frame.labels)
    assert np.abs(sample.image.astype(int) - frame.image).mean() < 12  # JPEG


def test_an_interrupted_run_goes_on_and_keeps_what_is_there(render, tmp_path):
    render()
    images = tmp_path / 'streets/train/images'
    kept = images / 'train_000000.jpg'
    cv2.imwrite(str(kept), np.zeros((64, 96, 3), np.uint8))
    before = kept.read_bytes()
    (images / 'train_000002.jpg').unlink()
    assert render()[0] == 0
    assert kept.read_bytes() == before
    assert (images / 'train_000002.jpg').exists()


def test_another_seed_in_the_same_folder_is_refused(render):
    render()
    code, _, error = render('--seed', 1)
    assert code == 1
    assert 'holds streets of another seed or size' in error


@pytest.mark.parametrize('words', [('--frames', 0), ('--size', 10, 96)])
def test_values_out_of_range_are_refused(render, words):
    code, _, error = render(*words)
    assert code == 1
    assert 'expected at least' in error
