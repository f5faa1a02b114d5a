"""Model file to int8 model file: Q/DQ nodes by nncf, judged on frames it was not calibrated on.

Quantization in the way of Jacob et al., "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference" (CVPR 2018): symmetric, weights per channel,
activations per tensor.
"""
