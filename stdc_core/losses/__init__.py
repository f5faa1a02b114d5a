"""Losses of STDC-Seg: OHEM cross entropy and detail guidance (torch)."""

from stdc_core.losses.detail_aggregation import (
    DetailAggregation,
    DetailGroundTruth,
    DetailVariant,
)
from stdc_core.losses.detail_loss import DetailLoss, DetailTerms, DiceLoss
from stdc_core.losses.ohem import OhemCrossEntropyLoss
from stdc_core.losses.segmentation import LossConfig, LossTerms, SegmentationLoss

__all__ = [
    'DetailAggregation',
    'DetailGroundTruth',
    'DetailLoss',
    'DetailTerms',
    'DetailVariant',
    'DiceLoss',
    'LossConfig',
    'LossTerms',
    'OhemCrossEntropyLoss',
    'SegmentationLoss',
]
