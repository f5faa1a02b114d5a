"""Interleaved timing of networks, tails and whole frames against the authors' way."""
