"""Augmentation on the device that trains: scale, crop, flip, colours (section 4.2), weather."""

from collections.abc import Sequence
from dataclasses import dataclass

import kornia
import torch
from torch import Tensor, nn
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
    :param weather: other light and another camera than the data set's: a gamma of 1 / (1 + this)
        to 1 + this, channels shifted by up to a tenth of it, and in half the images each blur and
        noise, with a deviation of up to 2 pixels and 0.05 times it. 0 for none, as the paper.
    """

    scales: tuple[float, float] = (0.5, 2.5)
    jitter: float = 0.5
    flip: bool = True
    weather: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.scales[0] <= self.scales[1]:
            raise InvalidArgumentError(f'scales are {self.scales}, expected 0 < least <= greatest')
        if not 0 <= self.jitter <= 1:
            raise InvalidArgumentError(f'jitter is {self.jitter}, expected 0 to 1')
        if not 0 <= self.weather <= 1:
            raise InvalidArgumentError(f'weather is {self.weather}, expected 0 to 1')


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
        self._colors = nn.Sequential(*_color_changes(config))

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
        crops = self._change_colors(crops, derived_seed(self.seed, keys[0]))
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

    def _change_colors(self, images: Tensor, seed: int) -> Tensor:
        with torch.random.fork_rng(devices=[]):  # kornia draws on the CPU, from the global state
            torch.manual_seed(seed)
            return self._colors(images)


def _color_changes(config: AugmentationConfig) -> list[nn.Module]:
    """Make what changes images of 0..1, (N, 3, H, W), each in its own way."""
    changes: list[nn.Module] = []
    if jitter := config.jitter:
        changes.append(kornia.augmentation.ColorJitter(jitter, jitter, jitter, 0.0, p=1.0))
    if weather := config.weather:
        gamma, shift = (1 / (1 + weather), 1 + weather), 0.1 * weather
        changes += [
            kornia.augmentation.RandomGamma(gamma, p=1.0),
            kornia.augmentation.RandomRGBShift(shift, shift, shift, p=1.0),
            kornia.augmentation.RandomGaussianBlur((5, 5), (0.1, 0.1 + 2 * weather), p=0.5),
            kornia.augmentation.RandomGaussianNoise(0.0, 0.05 * weather, p=0.5),
        ]
    return changes
