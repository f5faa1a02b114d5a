"""Checkpoints of any content: tensors, or refused."""

import io
import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged, fuzz, mutated, no_hang
from safetensors.torch import save

from stdc_core.labels import CAMVID
from stdc_core.networks.authors_checkpoint import load_authors_segmentation, load_authors_weights
from stdc_core.networks.checkpoint import METADATA_KEY, CheckpointError, load_checkpoint

STATE = {
    'conv_out.conv_out.weight': torch.zeros(11, 2, 1, 1),
    'cp.backbone.features.0.x': torch.zeros(3),
}
FACTS = {
    'config': {'variant': 'stdc1', 'num_classes': 11},
    'labels': CAMVID.to_dict(),
    'recipe': {},
    'metrics': {},
    'versions': {},
}


def saved(*, zipped: bool) -> bytes:
    stream = io.BytesIO()
    torch.save({'state_dict': STATE}, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def safetensors(facts: object) -> bytes:
    return save(STATE, metadata={METADATA_KEY: json.dumps(facts)})


@pytest.mark.parametrize('load', [load_authors_weights, load_authors_segmentation])
@fuzz
@given(
    data=st.sampled_from([saved(zipped=True), saved(zipped=False)]).flatmap(mutated) | st.binary()
)
def test_the_authors_files(tmp_path, load, data):
    path = tmp_path / 'mutated.pth'
    path.write_bytes(data)
    with no_hang():
        try:
            load(path)
        except CheckpointError as error:
            assert str(path) in str(error)


@fuzz
@given(mutated(safetensors(FACTS)) | damaged(FACTS).map(safetensors) | st.binary())
def test_own_files(tmp_path, data):
    path = tmp_path / 'mutated.safetensors'
    path.write_bytes(data)
    with no_hang():
        try:
            load_checkpoint(path)
        except CheckpointError as error:
            assert str(path) in str(error)
