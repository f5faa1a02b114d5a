"""Processes: this one as a node, others that it starts, how they end, and where they meet."""
