"""The progress bar of a training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import MofNCompleteColumn, Progress, TextColumn

from stdc_core.training.processes import Processes
from stdc_core.training.trainer import Step, Trainer


@contextmanager
def training_progress(
    trainer: Trainer, iterations: int, processes: Processes
) -> Iterator[tuple[Progress, Callable[[Step], None]]]:
    """Show how far a training is, how long it will take and what it loses; first process only.

    :param iterations: of the whole training.
    :return: the bar, and what to call after each step.
    """
    columns = (
        *Progress.get_default_columns(),
        MofNCompleteColumn(),
        TextColumn('{task.fields[losses]}'),
    )
    with Progress(*columns, disable=not processes.first) as progress:
        task = progress.add_task(
            'train', total=iterations, completed=trainer.iterations, losses=''
        )

        def on_step(step: Step) -> None:
            parts = {name: loss for name, loss in step.losses.items() if name != 'total'}
            shown = ' '.join(f'{name} {loss:.2f}' for name, loss in parts.items())
            progress.update(
                task,
                completed=step.iterations,
                losses=f'loss {step.losses["total"]:.2f} ({shown})',
            )

        yield progress, on_step
