"""STDC backbones, STDC-Seg and their checkpoints (torch)."""

from stdc_core.networks.stdc import STDCBackbone, STDCClassifier, STDCModule, stdc1, stdc2
from stdc_core.networks.stdc_seg import (
    STDCSeg,
    STDCSegConfig,
    STDCSegOutput,
    fold_for_inference,
)

__all__ = [
    'STDCBackbone',
    'STDCClassifier',
    'STDCModule',
    'STDCSeg',
    'STDCSegConfig',
    'STDCSegOutput',
    'fold_for_inference',
    'stdc1',
    'stdc2',
]
