"""Data sets: images and their labels, opened, checked and read (no torch in here)."""

from stdc_core.training.datasets.check import check_dataset
from stdc_core.training.datasets.dataset import (
    DatasetSplit,
    ImagePair,
    Sample,
    SegmentationDataset,
)
from stdc_core.training.datasets.layouts import Layout, open_dataset
from stdc_core.training.datasets.problems import DatasetError, Problem
from stdc_core.training.datasets.report import DatasetReport, Overlap, SplitReport

__all__ = [
    'DatasetError',
    'DatasetReport',
    'DatasetSplit',
    'ImagePair',
    'Layout',
    'Overlap',
    'Problem',
    'Sample',
    'SegmentationDataset',
    'SplitReport',
    'check_dataset',
    'open_dataset',
]
