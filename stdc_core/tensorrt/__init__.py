"""TensorRT without running it: model file -> plan, and the folder where plans are kept.

One path for TensorRT 10.3 and later, 11 and TensorRT-RTX ('flavours'). A plan is what TensorRT
builds of a network for one version of itself and one kind of GPU; it ends at the logits. The
engine that runs plans is :mod:`stdc_core.engines.tensorrt`. Nothing here needs a GPU to import,
and building for TensorRT-RTX needs none at all.
"""
