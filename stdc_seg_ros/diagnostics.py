"""What the node tells on /diagnostics: one status for each camera and one for the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode

from stdc_core.engines import EngineInfo
from stdc_core.gpu import GpuFacts
from stdc_core.memory import resident_memory
from stdc_core.model_file import ModelFile
from stdc_core.timing import NOT_AVAILABLE, LatencySummary
from stdc_seg_ros.camera import Camera
from stdc_seg_ros.camera_state import Level
from stdc_seg_ros.camera_statistics import ProcessingTime
from stdc_seg_ros.engine_pair import EnginePair
from stdc_seg_ros.frame_ledger import LedgerSnapshot

PERIOD_S = 1.0
MIB = 2**20
LEVELS: Mapping[Level, bytes] = {
    'ok': DiagnosticStatus.OK,
    'warning': DiagnosticStatus.WARN,
    'error': DiagnosticStatus.ERROR,
}


class DiagnosticsPublisher:
    """Publishes on /diagnostics once a second of steady time, whatever the cameras do.

    :param node: that publishes, in any lifecycle state.
    :param collect: what to tell, asked every time.
    """

    def __init__(
        self, node: LifecycleNode, collect: Callable[[], Sequence[DiagnosticStatus]]
    ) -> None:
        self._node = node
        self._collect = collect
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._timer = node.create_timer(
            PERIOD_S, self.publish, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def publish(self) -> None:
        """Publish now."""
        message = DiagnosticArray(status=list(self._collect()))
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)


def status(
    name: str, level: Level, message: str, hardware_id: str, values: Mapping[str, object]
) -> DiagnosticStatus:
    """Make a status.

    :param name: ``node: task``.
    :param values: None becomes "n/a".
    """
    return DiagnosticStatus(
        level=LEVELS[level],
        name=name,
        message=message,
        hardware_id=hardware_id,
        values=[KeyValue(key=key, value=_text(value)) for key, value in values.items()],
    )


def camera_status(
    name: str, lifecycle: str, camera: Camera | None, clock_stands_still: bool
) -> DiagnosticStatus:
    """Tell of one camera.

    :param lifecycle: the node's state; a camera is judged only while that is active.
    :param camera: None where the node is not configured.
    :param clock_stands_still: the node's, a simulated one.
    """
    if camera is None:
        return status(name, 'ok', lifecycle, '', {'state': lifecycle})
    state, message = lifecycle, lifecycle
    level: Level = 'ok'
    if lifecycle == 'active':
        judged = camera.state(clock_stands_still)
        state, level, message = judged.state, judged.level, judged.message
    statistics = camera.statistics
    values = {
        'state': state,
        'reliability': camera.input.reliability.name.lower(),
        'matched publishers': camera.publishers.matched,
        'subscribed outputs': ', '.join(sorted(camera.outputs.wanted())),
        'input rate (Hz)': statistics.input_rate.rate(),
        'output rate (Hz)': statistics.output_rate.rate(),
        **ledger_values(camera.ledger.snapshot()),
        **processing_values(statistics.processing),
        **latency_values(statistics.summaries()),
        **{f'messages {output}': count for output, count in camera.outputs.published.items()},
    }
    return status(name, level, message, camera.input.topic, values)


def engine_status(
    name: str,
    lifecycle: str,
    problem: str,
    engines: EnginePair | None,
    model: ModelFile | None,
    clock: str,
    gpus: Sequence[GpuFacts],
) -> DiagnosticStatus:
    """Tell of the engine and the machine.

    :param lifecycle: the node's state.
    :param problem: why the last transition failed; empty where it did not.
    :param engines: None where the node is not configured, as ``model``.
    :param clock: the node's, in words.
    :param gpus: of the machine, whatever the engine runs on.
    """
    values: dict[str, object] = {
        'lifecycle': lifecycle,
        'clock': clock,
        'process memory (MiB)': resident_memory() / MIB,
        **gpu_values(gpus),
    }
    if problem:
        return status(name, 'error', problem, '', values)
    if engines is None or model is None:
        return status(name, 'ok', lifecycle, '', values)
    values |= engine_values(engines.info, model)
    return status(name, 'ok', str(engines.info), engines.info.device, values)


def ledger_values(ledger: LedgerSnapshot) -> dict[str, object]:
    """List the ledger's counts."""
    unknown = 'unknown'
    return {
        'frames published': unknown if ledger.published is None else ledger.published,
        'frames received': ledger.received,
        'frames processed': ledger.processed,
        'frames replaced': ledger.replaced,
        'frames rejected': ledger.rejected,
        'frames failed': ledger.failed,
        'frames lost': unknown if ledger.lost is None else ledger.lost,
        'frames in flight': ledger.in_flight,
        'frames while inactive': ledger.while_inactive,
        'frames overtaken': ledger.overtaken,
        'duplicate arrivals': ledger.duplicates,
        'publisher epochs': ledger.epochs,
        'ledger balance': ledger.balance,
    }


def latency_values(latencies: Mapping[str, LatencySummary | None]) -> dict[str, object]:
    """List percentiles of every stage; None where there is nothing yet."""
    return {
        f'{stage} {figure} (ms)': None if summary is None else getattr(summary, figure)
        for stage, summary in latencies.items()
        for figure in ('p50', 'p95', 'p99', 'max')
    }


def processing_values(processing: ProcessingTime) -> dict[str, object]:
    """List the newest frame's time under the names that Autoware's monitors look for."""
    late_for_s = processing.late_for_s
    is_late = late_for_s is not None
    return {
        'processing_time_ms': processing.newest_ms,
        'is_processing_time_ms_in_expected_range': not is_late,
        'consecutive_processing_delay_ms': 1e3 * (late_for_s or 0.0),
        'is_consecutive_processing_delay_in_range': not is_late,
    }


def engine_values(info: EngineInfo, model: ModelFile) -> dict[str, object]:
    """List what runs which model."""
    return {
        'backend': f'{info.backend} {info.version}',
        'device': info.device,
        'precision': info.arithmetic,
        'network size': info.size,
        'threads': info.threads,
        'tail': info.tail,
        'self-check agreement': f'{info.agreement:.4%}',
        'reason': info.reason,
        'model': model.path,
        'model SHA-256': model.sha256,
        'label set': model.metadata.labels.name,
        'trained': model.metadata.trained,
    }


def gpu_values(gpus: Sequence[GpuFacts]) -> dict[str, object]:
    """List what is known of the GPUs; no key for what is not. Named as Autoware's monitor does."""
    values: dict[str, object] = {}
    for gpu in gpus:
        known = {
            'name': gpu.name,
            'memory used (MiB)': _mebibytes(gpu.memory_used),
            'memory total (MiB)': _mebibytes(gpu.memory_total),
            'temperature (°C)': gpu.temperature_c,
        }
        values |= {
            f'GPU {gpu.index}: {what}': value for what, value in known.items() if value is not None
        }
    return values


def _mebibytes(count: int | None) -> float | None:
    return None if count is None else count / MIB


def _text(value: object) -> str:
    if value is None:
        return NOT_AVAILABLE
    return f'{value:.2f}' if isinstance(value, float) else str(value)
