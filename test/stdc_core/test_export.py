"""Export checks itself; the slow part exports what users will."""

import dataclasses

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import stdc_core.export
from stdc_core.engines import open_engine
from stdc_core.export import ExportError, export_model
from stdc_core.geometry import Size
from stdc_core.labels import CAMVID, CITYSCAPES
from stdc_core.model_file import read_model_file
from stdc_core.networks import STDCSegConfig, fold_for_inference
from stdc_core.networks.model_graph import ModelGraph
from stdc_core.synthetic.drive import street_picture

SIZE = Size(96, 160)  # of the model that all tests share


@pytest.fixture
def exported_before(model, monkeypatch):
    """Skip the exporter: hand out a copy of the graph that is exported already."""

    def copy(graph, *, detail):
        proto = onnx.ModelProto()
        proto.CopyFrom(model.proto)
        del proto.metadata_props[:]
        return proto

    monkeypatch.setattr(stdc_core.export, '_to_onnx', copy)


@pytest.mark.usefixtures('exported_before')
def test_report_says_how_close_it_is(checkpoint, tmp_path):
    report = export_model(checkpoint, tmp_path / 'model.onnx', size=SIZE)
    assert 0 < report.logit_difference < 1e-4
    assert report.label_agreement > 0.999
    assert [path.name for path in tmp_path.iterdir()] == ['model.onnx']


@pytest.mark.usefixtures('exported_before')
def test_other_weights_than_torchs_leave_no_file(checkpoint, tmp_path):
    state = dict(checkpoint.state)
    state['head.classify.weight'] = state['head.classify.weight'] + 1e-3
    changed = dataclasses.replace(checkpoint, state=state)
    with pytest.raises(ExportError, match='differ from torch by'):
        export_model(changed, tmp_path / 'model.onnx', size=SIZE)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures('exported_before')
@pytest.mark.parametrize('layer', ['head.classify.weight', 'detail_head.classify.weight'])
@pytest.mark.parametrize('value', [7.0, float('nan'), float('inf')])
def test_no_head_is_left_out_and_no_nan_is_close(checkpoint, tmp_path, layer, value):
    state = dict(checkpoint.state)
    state[layer] = torch.full_like(state[layer], value)
    changed = dataclasses.replace(checkpoint, state=state)
    with pytest.raises(ExportError, match='differ from torch by'):
        export_model(changed, tmp_path / 'model.onnx', size=SIZE)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures('exported_before')
def test_wrong_labels_of_trained_weights_leave_no_file(checkpoint, tmp_path):
    state = dict(checkpoint.state)
    state['head.classify.weight'] = -state['head.classify.weight']
    changed = dataclasses.replace(checkpoint, state=state, recipe={'iterations': 1})
    with pytest.raises(ExportError, match='are not those of torch'):
        export_model(changed, tmp_path / 'model.onnx', size=SIZE)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures('exported_before')
def test_trained_weights_must_keep_their_labels(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(stdc_core.export, 'MIN_LABEL_AGREEMENT', 1.1)
    trained = dataclasses.replace(checkpoint, recipe={'iterations': 1})
    with pytest.raises(ExportError, match='labels of the exported graph agree'):
        export_model(trained, tmp_path / 'model.onnx', size=SIZE)
    export_model(checkpoint, tmp_path / 'random.onnx', size=SIZE)
    assert [path.name for path in tmp_path.iterdir()] == ['random.onnx']


@pytest.mark.usefixtures('exported_before')
def test_facts_of_the_checkpoint_stand_in_the_file(checkpoint, tmp_path):
    facts = {'recipe': {'iterations': 9}, 'metrics': {'val_miou': 0.7}, 'sha256': 'ab' * 32}
    path = tmp_path / 'model.onnx'
    export_model(dataclasses.replace(checkpoint, **facts), path, size=SIZE)
    metadata = read_model_file(path).metadata
    assert metadata.trained
    assert metadata.recipe == facts['recipe']
    assert metadata.metrics == facts['metrics']
    assert metadata.source_sha256 == facts['sha256']


def test_too_small_a_size_is_refused(checkpoint, tmp_path):
    with pytest.raises(ValueError, match='network size is 32x64'):
        export_model(checkpoint, tmp_path / 'model.onnx', size=Size(32, 64))


def test_interrupted_export_leaves_no_file(checkpoint, tmp_path, monkeypatch):
    def interrupted(graph, *, detail):
        raise KeyboardInterrupt

    monkeypatch.setattr(stdc_core.export, '_to_onnx', interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_model(checkpoint, tmp_path / 'model.onnx', size=SIZE)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize('variant', ['stdc1', 'stdc2'])
@pytest.mark.parametrize('labels', [CAMVID, CITYSCAPES], ids=lambda labels: labels.name)
@pytest.mark.parametrize('detail', [True, False])
@pytest.mark.parametrize(
    ('size', 'align_corners', 'resize'),
    [(Size(512, 1024), True, 'stretch'), (Size(363, 485), False, 'letterbox')],
)
def test_every_export_equals_torch(
    variant, labels, detail, size, align_corners, resize, make_checkpoint, tmp_path
):
    checkpoint = make_checkpoint(STDCSegConfig(variant, len(labels)), labels)
    path = tmp_path / 'model.onnx'
    options = {'detail': detail, 'align_corners': align_corners, 'resize': resize}
    export_model(checkpoint, path, size=size, **options)
    model = read_model_file(path)
    assert model.has_detail == detail
    graph = ModelGraph(fold_for_inference(checkpoint.build(), detail=detail)).eval()
    image = model.metadata.self_check.frame
    with torch.inference_mode():
        expected = graph(torch.from_numpy(image)[None])
    for backend in ('openvino', 'onnxruntime', 'torch'):
        with open_engine(model, backend, detail=detail) as engine:
            output = engine.run_network(image)
            assert np.abs(output.logits - expected[0][0].numpy()).max() <= 1e-3
            if detail:
                assert np.abs(output.detail - expected[1][0, 0].numpy()).max() <= 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    'config',
    [
        {'block_num': 3},
        {'spatial_path': True},
        {'head_channels': 128},
        {'class_bias': True},
    ],
)
def test_ablations_export_too(config, make_checkpoint, tmp_path):
    checkpoint = make_checkpoint(STDCSegConfig('stdc1', 11, **config))
    export_model(checkpoint, tmp_path / 'model.onnx', size=Size(128, 128))
    with open_engine(tmp_path / 'model.onnx', 'torch') as engine:
        assert engine.info.agreement > 0.999


@pytest.mark.usefixtures('exported_before')
def test_half_weights_halve_the_file_and_are_float32_in_memory(checkpoint, tmp_path):
    whole, path = tmp_path / 'whole.onnx', tmp_path / 'half.onnx'
    export_model(checkpoint, whole, size=SIZE)
    export_model(checkpoint, path, size=SIZE, half_weights=True)
    assert path.stat().st_size < 0.52 * whole.stat().st_size
    expected, found = read_model_file(whole).weights(), read_model_file(path).weights()
    assert found.keys() == expected.keys()
    assert sum(array.size for array in found.values()) > 7_000_000
    for name, array in found.items():
        assert array.dtype == np.float32
        rounded = expected[name].astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(array, rounded, err_msg=name)


@pytest.mark.usefixtures('exported_before')
def test_any_runtime_reads_half_weights(checkpoint, tmp_path):
    """ONNX Runtime on the file as it is and on what this package makes of it."""
    path = tmp_path / 'half.onnx'
    export_model(checkpoint, path, size=SIZE, half_weights=True)
    image = street_picture(SIZE)[None]
    outputs = [
        onnxruntime.InferenceSession(graph).run(None, {'image': image})
        for graph in (path.read_bytes(), read_model_file(path).static_graph(SIZE, detail=True))
    ]
    for found, expected in zip(*outputs, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)
