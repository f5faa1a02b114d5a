"""Finding the model file that comes with the package."""

import sys

import pytest

from stdc_core.model_file import ModelFileError, read_model_file
from stdc_seg_ros import default_model


@pytest.mark.parametrize('int8', [True, False])
def test_the_source_tree_brings_a_model(int8):
    model = read_model_file(default_model.find_default_model(int8=int8))
    assert model.metadata.trained
    assert model.has_detail
    assert bool(model.metadata.quantization) == int8


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where the model belongs in the share folder of an installation; nothing is there yet."""
    monkeypatch.setattr(default_model, 'INT8_MODEL', 'only_here.onnx')
    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    path = tmp_path / 'share/stdc_seg_ros/models/only_here.onnx'
    path.parent.mkdir(parents=True)
    return path


def test_no_model_is_an_error_that_names_the_places_and_the_way_out(place, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'prefix', str(tmp_path))
    with pytest.raises(
        ModelFileError, match=f'brings no model.*{place.parent}.*set the parameter'
    ):
        default_model.find_default_model()


def test_an_installation_by_pip(place, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'prefix', str(tmp_path))
    place.touch()
    assert default_model.find_default_model() == place


def test_an_installation_by_colcon(place, tmp_path, monkeypatch):
    marker = tmp_path / 'share/ament_index/resource_index/packages/stdc_seg_ros'
    marker.parent.mkdir(parents=True)
    marker.touch()
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    place.touch()
    assert default_model.find_default_model() == place
