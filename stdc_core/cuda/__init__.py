"""The project's own CUDA kernels and the thin layer over the driver that the GPU engines share.

``kernels.cu`` is the source, ``kernels.ptx`` what ships (made of it by :mod:`compile_ptx`; the
driver compiles it for the GPU at hand). Importing this package needs neither GPU nor CUDA.
"""
