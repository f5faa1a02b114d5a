"""Results of a benchmark: typed, as JSON, as a table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from stdc_core.benchmark.interleave import Timing


@dataclass(frozen=True)
class Group:
    """Cases that were timed in turns.

    :param what: what is timed, for the reader.
    :param timings: by case; the first one is what the others are compared with.
    """

    name: str
    what: str
    timings: Mapping[str, Timing]

    def times_faster(self, case: str) -> tuple[float, float]:
        """How many times faster than the first case: by medians, and by minima."""
        baseline, timing = next(iter(self.timings.values())), self.timings[case]
        return baseline.median_ms / timing.median_ms, baseline.min_ms / timing.min_ms


@dataclass(frozen=True)
class Report:
    """Everything one run found out.

    :param setting: machine, versions, model, sizes, threads.
    :param outside_network: by engine, share of the whole frame that is not the network, 0..1.
    :param left_out: what could not be timed here, and why.
    """

    setting: Mapping[str, Any]
    groups: tuple[Group, ...]
    outside_network: Mapping[str, float]
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            'setting': dict(self.setting),
            'groups': {
                group.name: {
                    'what': group.what,
                    'cases': {
                        case: {
                            'median_ms': round(timing.median_ms, 3),
                            'min_ms': round(timing.min_ms, 3),
                            'times_faster': round(group.times_faster(case)[0], 2),
                            'times_faster_by_min': round(group.times_faster(case)[1], 2),
                            'samples_ms': [round(sample, 3) for sample in timing.samples_ms],
                        }
                        for case, timing in group.timings.items()
                    },
                }
                for group in self.groups
            },
            'outside_network': dict(self.outside_network),
            'left_out': list(self.left_out),
        }

    def printable(self) -> Iterator[str | Table]:
        """Yield a line and a table for each group, for :func:`rich.print`."""
        for group in self.groups:
            yield f'[bold]{group.name}[/bold]: {group.what}'
            table = Table('case', min_width=72)
            for heading in ('median ms', 'min ms', 'times faster', 'by min'):
                table.add_column(heading, justify='right')
            for case, timing in group.timings.items():
                table.add_row(
                    case,
                    f'{timing.median_ms:.2f}',
                    f'{timing.min_ms:.2f}',
                    *(f'{ratio:.2f}' for ratio in group.times_faster(case)),
                )
            yield table
