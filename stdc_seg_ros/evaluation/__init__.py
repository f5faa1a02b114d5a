"""Evaluation of a recorded drive: its bag through the engine or the node, and a report."""
