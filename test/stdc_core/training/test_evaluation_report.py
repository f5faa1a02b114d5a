import numpy as np
import rich

from stdc_core.labels import LabelSet
from stdc_core.metrics import ConfusionMatrix
from stdc_core.training.evaluation import Evaluation
from stdc_core.training.evaluation_report import draw_confusion, to_table


def test_names_are_text_whatever_is_in_them(capsys):
    """Markup of rich and mathematics of matplotlib are what a class may be called by."""
    names = ('[/bold]', r'$\frac$', '<script>')
    labels = LabelSet('odd', names, ((1, 2, 3),) * 3)
    confusion = ConfusionMatrix(3)
    confusion.update(np.array([[0, 1, 2]], np.uint8), np.array([[0, 1, 1]], np.uint8))
    evaluation = Evaluation(confusion.scores(), (), confusion, (0.5,))
    rich.print(to_table(evaluation, labels))
    said = capsys.readouterr().out
    assert all(name in said for name in names)
    assert draw_confusion(evaluation, labels).ndim == 3
