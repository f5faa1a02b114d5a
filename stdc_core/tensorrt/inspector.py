"""The precision of a built engine, as TensorRT's engine inspector tells it.

Written by NVIDIA's documents, public samples of its JSON and the names in TensorRT-RTX's library:
no engine was inspected, since deserialising one takes a GPU.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from stdc_core.engines.base import EngineError
from stdc_core.tensorrt.library import TensorRT
from stdc_core.tensorrt.log import TensorRTLog
from stdc_core.tensorrt.plan import Plan

# In TensorRT's words, e.g. 'Half', 'Channel major FP16 format where channel % 4 == 0'.
WORDS = {'half': r'\b(half|fp16)\b', 'float': r'\b(float|fp32)\b', 'int8': r'\bint8\b'}

# Where a tensor's JSON says its type, in any case; the first one that is there. 10 has one field
# for type and format, 11 and TensorRT-RTX have two (NVIDIA's "Migrating IEngineInspector Usage").
TYPE_FIELDS = ('format/datatype', 'datatype', 'data type', 'format')


def inspected_types(plan: Plan, tensorrt: TensorRT) -> dict[str, int] | None:
    """Count the layers of an engine by what they put out: half, float, int8, other.

    Only where there is a GPU and the driver starts: TensorRT is asked.

    :return: None where the engine cannot be loaded here, or the inspector names no such types.
    """
    runtime = tensorrt.module.Runtime(TensorRTLog().as_logger(tensorrt))
    runtime.engine_host_code_allowed = plan.fingerprint.version_compatible
    engine = runtime.deserialize_cuda_engine(plan.engine)
    if engine is None:
        return None
    inspector = engine.create_engine_inspector()
    text = inspector.get_engine_information(tensorrt.module.LayerInformationFormat.JSON)
    return count_types(text) or None


def count_types(information: str) -> dict[str, int]:
    """Count layers in the inspector's JSON by the type of their first output.

    :return: empty where no layer has a type that is read here: that is no finding.
    """
    try:
        layers = json.loads(information)['Layers']
    except (ValueError, KeyError, TypeError):
        return {}
    counts: Counter[str] = Counter()
    for layer in layers:
        outputs = layer.get('Outputs') if isinstance(layer, dict) else None
        if outputs:  # of an engine without details a layer is its name
            counts[_type_of(outputs[0])] += 1
    return dict(counts) if counts.keys() - {'other'} else {}


def _type_of(tensor: dict[str, Any]) -> str:
    fields = {key.lower(): str(value) for key, value in tensor.items()}
    words = next((fields[key] for key in TYPE_FIELDS if key in fields), '')
    found = (name for name, word in WORDS.items() if re.search(word, words, re.IGNORECASE))
    return next(found, 'other')


def check_types(plan: Plan, counts: dict[str, int], *, int8: bool) -> None:
    """Refuse an engine in which the precision that was asked for does not occur.

    :param counts: from :func:`inspected_types`.
    :param int8: whether the model file is an int8 one.
    :raises EngineError: it does not.
    """
    precision = plan.fingerprint.precision
    wanted = ({'int8'} if int8 else set()) | {'half' if precision == 'fp16' else 'float'}
    missing = sorted(wanted - counts.keys())
    unasked = sorted(counts.keys() & {'half'} - wanted)
    if missing or unasked:
        raise EngineError(
            f'TensorRT built layers of {_listed(counts)}, expected {" and ".join(sorted(wanted))}'
            ': it does not keep the precision of the graph'
        )


def _listed(counts: dict[str, int]) -> str:
    return ', '.join(f'{number} {name}' for name, number in sorted(counts.items()))
