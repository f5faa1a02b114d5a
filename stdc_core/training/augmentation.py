"""Augmentation on the device that trains: scale, crop, flip, colour jitter (section 4.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import kornia
import torch
from torch import Tensor
from torch.nn import functional

from stdc_core.errors import InvalidArgumentError
from stdc_core.labels import UNLABELED
from stdc_core.networks.model_graph import IMAGENET_MEAN, IMAGENET_STD
from stdc_core.training.batch_order import derived_seed


@dataclass(frozen=True)
class AugmentationConfig:
    """How strongly images are changed.

    :param scales: least and greatest factor of the size, drawn uniformly.
    :param jitter: brightness, contrast and saturation are multiplied by 1 ± at most this.
    :param flip: half the images are mirrored.
    """

    scales: tuple[float, float] = (0.5, 2.5)
    jitter: float = 0.5
    flip: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.scales[0] <= self.scales[1]:
            raise InvalidArgumentError(f'scales are {self.scales}, expected 0 < least <= greatest')
        if not 0 <= self.jitter <= 1:
            raise InvalidArgumentError(f'jitter is {self.jitter}, expected 0 to 1')


class Augmentation:
    """Turns a batch of images of any sizes into crops of one size.

    Scaling and cropping are one resize of the part that is needed, antialiased. What a crop has
    no image for is unlabeled, and 0 after normalisation. (kornia would pad labels with class 0.)

    :param crop: height and width of the result.
    :param seed: with the iteration and the sample's place it decides everything.
    """

    def __init__(self, config: AugmentationConfig, crop: tuple[int, int], seed: int) -> None:
        self.config = config
        self.crop = crop
        self.seed = seed
        jitter = config.jitter
        self._jitter = kornia.augmentation.ColorJitter(jitter, jitter, jitter, 0.0, p=1.0)

    def __call__(
        self, images: Sequence[Tensor], labels: Sequence[Tensor], keys: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Augment one batch.

        :param images: uint8, RGB, each (3, H, W).
        :param labels: uint8, each (H, W), class ids and 255.
        :param keys: a whole number for each image that no other image of the training has; the
            same key gives the same crop of the same image.
        :return: normalised images, float32 (N, 3, *crop*), and labels, int64 (N, *crop*).
        """
        device = images[0].device
        crops = torch.zeros(len(images), 3, *self.crop, device=device)
        targets = torch.full(
            (len(images), *self.crop), UNLABELED, dtype=torch.uint8, device=device
        )
        filled = torch.zeros(len(images), 1, *self.crop, device=device)
        for place, (image, label, key) in enumerate(zip(images, labels, keys, strict=True)):
            generator = torch.Generator().manual_seed(derived_seed(self.seed, key))
            self._crop_into(image, label, crops[place], targets[place], filled[place], generator)
        crops.div_(255)
        if self.config.jitter:
            crops = self._jitter_colors(crops, derived_seed(self.seed, keys[0]))
        mean = torch.tensor(IMAGENET_MEAN, device=device).view(3, 1, 1)
        std = torch.tensor(IMAGENET_STD, device=device).view(3, 1, 1)
        return (crops - mean) / std * filled, targets.long()

    def _crop_into(
        self,
        image: Tensor,
        label: Tensor,
        crop: Tensor,
        target: Tensor,
        filled: Tensor,
        generator: torch.Generator,
    ) -> None:
        scale_draw, *place_draws, flip_draw = torch.rand(6, generator=generator).tolist()
        least, greatest = self.config.scales
        scale = least + (greatest - least) * scale_draw
        source: list[slice] = []
        goal: list[slice] = []
        for side, length, source_draw, goal_draw in zip(
            image.shape[1:], self.crop, place_draws[:2], place_draws[2:], strict=True
        ):
            taken = min(side, max(1, round(length / scale)))
            filled_length = min(length, max(1, round(taken * scale)))
            start = int(source_draw * (side - taken + 1))
            source.append(slice(start, start + taken))
            start = int(goal_draw * (length - filled_length + 1))
            goal.append(slice(start, start + filled_length))
        size = [part.stop - part.start for part in goal]
        pixels = image[:, source[0], source[1]][None].float()
        pixels = functional.interpolate(pixels, size, mode='bilinear', antialias=True)[0]
        ids = label[source[0], source[1]][None, None]
        ids = functional.interpolate(ids, size, mode='nearest-exact')[0, 0]
        if self.config.flip and flip_draw < 0.5:
            pixels, ids = pixels.flip(-1), ids.flip(-1)
        crop[:, goal[0], goal[1]] = pixels
        target[goal[0], goal[1]] = ids
        filled[:, goal[0], goal[1]] = 1

    def _jitter_colors(self, images: Tensor, seed: int) -> Tensor:
        with torch.random.fork_rng(devices=[]):  # kornia draws on the CPU, from the global state
            torch.manual_seed(seed)
            return self._jitter(images)
