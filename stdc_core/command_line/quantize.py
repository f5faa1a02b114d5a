"""``stdc_seg quantize``: model file to int8 model file."""

from pathlib import Path
from typing import Annotated

import tyro
from rich.progress import MofNCompleteColumn, Progress

from stdc_core.command_line.frame_source import OpenBag
from stdc_core.errors import UserError
from stdc_core.geometry import Size
from stdc_core.model_file import check_network_size, read_model_file
from stdc_core.training.datasets import Layout

MIN_FRAMES = 4  # one more is held out of each four


def quantize(
    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='MODEL')],
    int8_model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='INT8_MODEL')],
    images: Annotated[str | None, tyro.conf.arg(metavar='SOURCE')] = None,
    dataset: Annotated[Path | None, tyro.conf.arg(metavar='PATH')] = None,
    layout: Layout = 'auto',
    bag: Annotated[Path | None, tyro.conf.arg(metavar='PATH')] = None,
    topic: Annotated[str | None, tyro.conf.arg(metavar='NAME')] = None,
    size: Annotated[tuple[int, int] | None, tyro.conf.arg(metavar='H W')] = None,
    frames: int = 64,
    seed: int = 0,
    min_agreement: float = 0.99,
    max_miou_loss: float = 0.005,
    *,
    open_bag: tyro.conf.Suppress[OpenBag | None] = None,
) -> None:
    """Make an int8 model file of a model file, and say what that costs.

    Calibrates on rendered streets where neither --images nor --bag nor --dataset says better.
    Layers that int8 harms most are left in float until the two limits hold on frames that were not
    calibrated on; if they never do, no file is written.
    Needs: pip install 'stdc_seg_ros[quantize]'.

    :param model: the float model file.
    :param int8_model: the int8 model file to write (*.onnx).
    :param images: folder of images, or video, like what the robot will see; no labels needed.
    :param dataset: folder or YAML file of a data set (docs/datasets.md): calibrate on its split
        train, judge by val, with mIoU.
    :param layout: of the data set.
    :param bag: rosbag2 of a drive; no labels needed. Needs: pip install 'stdc_seg_ros[bag]'.
    :param topic: of the bag's images, raw or compressed, where it has several.
    :param size: height and width of the network's input it will run at; the model file's own
        where not given.
    :param frames: how many to calibrate on.
    :param seed: of the rendered streets.
    :param min_agreement: share of the labels that must stay the float network's, 0 to 1.
    :param max_miou_loss: how much mIoU int8 may lose, 0 to 1; needs --dataset.
    :param open_bag: reads bags; the core does not.
    """
    if int8_model.suffix != '.onnx':
        raise UserError(f'{int8_model} is to be a model file: name it *.onnx')
    sources = {'--images': images, '--dataset': dataset, '--bag': bag}
    if len(given := [name for name, source in sources.items() if source is not None]) > 1:
        raise UserError(f'{" and ".join(given)} are given: calibrate on one of them')
    if topic is not None and bag is None:
        raise UserError(f'--topic {topic} is given without --bag: name the bag')
    if bag is not None and open_bag is None:
        raise UserError("reading bags needs stdc_seg_ros: run 'stdc_seg' as it is installed")
    if frames < MIN_FRAMES:
        raise UserError(f'frames is {frames}, expected at least {MIN_FRAMES}')
    file = read_model_file(model)
    network_size = check_network_size(size or file.metadata.default_size)

    # Here and not above: nncf takes seconds to import, and other commands do without it.
    from stdc_core.command_line.calibration import bag_of, dataset_of, images_of, rendered_streets
    from stdc_core.quantization.budget import Budget
    from stdc_core.quantization.quantize import quantize_model

    budget = Budget(min_agreement, max_miou_loss)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task('')

        def show(what: str, done: int, total: int | None) -> None:
            if done <= 1:
                progress.reset(task, description=what, total=total)
            progress.update(task, completed=done)

        def reading(done: int) -> None:
            show('reading', done, None)

        if dataset is not None:
            calibration = dataset_of(dataset, layout, file, network_size, frames, reading)
        elif images is not None:
            calibration = images_of(images, file, network_size, frames, reading)
        elif bag is not None:
            assert open_bag is not None
            calibration = bag_of(open_bag, bag, topic, file, network_size, frames, reading)
        else:
            calibration = rendered_streets(
                file, network_size, frames, seed, lambda n: show('rendering', n, None)
            )
        report = quantize_model(
            file, int8_model, calibration, size=network_size, budget=budget, on_progress=show
        )
    judgement = report.judgement
    print(
        f'{int8_model}: {report.quantized_layers} layers int8, {len(report.left_in_float)} in '
        f'float ({", ".join(report.left_in_float)}), {Size(*network_size)}, calibrated on '
        f'{len(calibration.images)} frames'
    )
    print(
        f'on {len(calibration.held_out)} other frames: '
        f"{judgement.label_agreement:.2%} of the labels are the float network's"
    )
    if judgement.scores is not None and judgement.float_scores is not None:
        print(
            f'mIoU {judgement.scores.miou:.2%}, of the float network '
            f'{judgement.float_scores.miou:.2%}'
        )
    for backend, agreement in report.engine_agreement.items():
        print(f"{backend} here: {agreement:.2%} of the self-check's labels")
