"""The precisions a plan is built in."""

from typing import Literal

PlanPrecision = Literal['fp32', 'fp16']  # of the layers that are not int8
