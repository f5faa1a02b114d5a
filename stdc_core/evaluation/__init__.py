"""Figures of a drive: how good its masks are, how steady, how honest, how timely.

No ROS, no files. Everything that counts can be added, so parts of a drive, and several drives,
give together exactly what the whole gives.
"""
