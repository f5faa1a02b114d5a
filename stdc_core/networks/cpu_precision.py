"""What arithmetic this processor has instructions for; torch emulates the rest, slowly."""

import torch


def cpu_has_bf16() -> bool:
    """Whether bf16 is computed by the processor itself."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ('avx512_bf16', 'amx_bf16', 'bf16'))  # ARM's
