"""The detail ground truth: which pixels lie on a boundary (section 3.2.2, figure 4c and 4e)."""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from stdc_core.errors import InvalidArgumentError
from stdc_core.labels import UNLABELED

DetailVariant = Literal['per_class', 'raw_ids']

# The 1x1 fusion's weights of each stride, in tenths: 0.6, 0.3 and 0.1 in the authors' code. Whole
# numbers, since 0.1 lies right on the threshold and rounding must not decide on which side.
FUSION_TENTHS = {1: 6, 2: 3, 4: 1}
THRESHOLD_TENTHS = 1  # section 3.2.2: "we adopt a threshold 0.1"


class DetailGroundTruth(NamedTuple):
    """What the detail head is to predict, and where that is known."""

    target: Tensor  # float32 (N, 1, H, W), 1 on a boundary and 0 elsewhere
    valid: Tensor  # bool (N, 1, H, W), False where the pixel does not count


class DetailAggregation(nn.Module):
    """Boundaries of a label map at several strides, fused into one binary map.

    ``per_class`` runs the Laplacian on the one-hot map of every class and joins the results: both
    sides of a boundary fire. Unlabeled pixels neither fire, nor make others fire, nor count; the
    image's border is no boundary.

    ``raw_ids`` is what the authors' code does: it runs the Laplacian on the class ids as if they
    were grey values. The side of the higher id fires, the lower one only where the ids around it
    happen to sum up to less; the image's border fires for every class but 0; 255 is a class like
    the others; all pixels count.

    The fusion is fixed. The paper calls it trainable, but the threshold behind it lets no
    gradient through: in the authors' code weight decay alone moves it, towards zero. With all
    three strides the 4x map has exactly the threshold's weight and changes nothing. With fewer
    the weights are scaled to sum to 1, so that every stride left out hands its weight on, and
    each map that is left has a say.

    :param variant: ``per_class`` or ``raw_ids``.
    :param strides: some of 1, 2 and 4, at least one (table 4 compares them).
    :raises InvalidArgumentError: names what is unknown, missing or there twice.
    """

    def __init__(
        self, variant: DetailVariant = 'per_class', strides: tuple[int, ...] = (1, 2, 4)
    ) -> None:
        super().__init__()
        if variant not in get_args(DetailVariant):
            raise InvalidArgumentError(
                f"unknown detail variant '{variant}' (known: {', '.join(get_args(DetailVariant))})"
            )
        if not strides or len(set(strides)) != len(strides) or set(strides) - set(FUSION_TENTHS):
            raise InvalidArgumentError(
                f'detail strides are {list(strides)}, expected at least one of '
                f'{list(FUSION_TENTHS)}, none of them twice'
            )
        self.variant = variant
        self.strides = tuple(strides)

    @torch.no_grad()
    def forward(self, labels: Tensor) -> DetailGroundTruth:
        """Find the boundaries.

        :param labels: integers, shape (N, H, W), of 0..254, or 255 where unlabeled.
        """
        if labels.dim() != 3:
            raise InvalidArgumentError(
                f'labels have shape {tuple(labels.shape)}, expected (N, H, W)'
            )
        labels = labels.unsqueeze(1)
        if self.variant == 'raw_ids':
            edges, valid = _raw_id_edges(labels), torch.ones_like(labels, dtype=torch.bool)
        else:
            edges, valid = _class_edges(labels), labels != UNLABELED
        # Upsampling carries the edges of coarse maps onto unlabeled pixels too.
        return DetailGroundTruth((self._fuse(edges) & valid).float(), valid)

    def _fuse(self, edges: Tensor) -> Tensor:
        """Join what the strides see; bool (N, 1, H, W) in and out.

        A convolution of stride s is every s-th value of the one of stride 1, so all maps come
        from one. Nearest upsampling to the full size follows.
        """
        size = edges.shape[-2:]
        score = torch.zeros_like(edges, dtype=torch.uint8)
        for stride in self.strides:
            strided = edges[..., ::stride, ::stride].to(torch.uint8)
            score += FUSION_TENTHS[stride] * functional.interpolate(strided, size, mode='nearest')
        # score / total > 0.1
        total = sum(FUSION_TENTHS[stride] for stride in self.strides)
        return score * 10 > total * THRESHOLD_TENTHS


def _class_edges(labels: Tensor) -> Tensor:
    """Where the Laplacian of any class's one-hot map is above 0; integers in, bool out.

    At a pixel it is the number of neighbours of another class, for the pixel's own class, and at
    most 0 for the others. So it is above 0 where the classes around are not all the pixel's own,
    which is where the least or the greatest of them differs from it. No class needs a map of its
    own. Unlabeled and outside pixels are 255 to the minimum and 0 to the maximum: neither
    changes what labeled ones give.
    """
    labels = labels.to(torch.uint8)
    unlabeled = labels == UNLABELED
    least = _window(torch.minimum, labels, outside=UNLABELED)
    greatest = _window(torch.maximum, labels.masked_fill(unlabeled, 0), outside=0)
    return ((least != labels) | (greatest != labels)) & ~unlabeled


def _raw_id_edges(labels: Tensor) -> Tensor:
    """Where the Laplacian of the ids is above 0, outside being 0; integers in, bool out.

    Of whole numbers above 0 all are above the threshold of 0.1 too.
    """
    labels = labels.to(torch.int16)  # 9 * 255 fits
    return 9 * labels > _window(torch.add, labels, outside=0)


def _window(join: Callable[[Tensor, Tensor], Tensor], values: Tensor, outside: int) -> Tensor:
    """Join the values of every 3x3 window, rows first, then columns."""
    values = functional.pad(values, (1, 1, 1, 1), value=outside)
    values = join(join(values[..., :-2, :], values[..., 1:-1, :]), values[..., 2:, :])
    return join(join(values[..., :-2], values[..., 1:-1]), values[..., 2:])
