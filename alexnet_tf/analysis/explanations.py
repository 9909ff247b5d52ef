"""Why a network says what it says of images, by one of four methods."""

import dataclasses
from typing import Any

import numpy as np

from alexnet_tf.analysis import figures, occluder, saliency
from alexnet_tf.analysis.deconvnet import Deconvnet, check_channels
from alexnet_tf.analysis.receptive_field import receptive_field

METHODS = ("gradcam", "occlusion", "guided", "deconvnet")
# Of occlusion, as shares of a crop's side: 48 and 16 pixels of 224.
_WINDOW, _STRIDE = 3 / 14, 1 / 14


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What an image shows, and what speaks for it.

    Attributes:
        crop: uint8 `(size, size, 3)`, what the network saw.
        values: Float `(rows, columns)`, 0 or more, to be laid over the crop;
            or `(size, size, 3)` of either sign, one value for each of the
            crop's.
        title: What the network takes it for.
        words: What the values are.
        window: Two slices, the part of the crop that is meant, or `None`.
    """

    crop: np.ndarray
    values: np.ndarray
    title: str
    words: str
    window: tuple | None = None


class Explainer:
    """Explains a classifier's answers.

    Args:
        classifier: A `Classifier`.
        method: One of `METHODS`.
        label: The class that is asked about; the best one, if `None`.
        layer_name: A convolution; the last one, if `None`. Occlusion and guided
            backpropagation look at the class alone.
        channel: Of "deconvnet", a feature map; the one that answers most
            strongly, if `None`.
        window: Of "occlusion", rows and columns in pixels; `None` chooses.
        stride: The same.

    Raises:
        ValueError: A setting does not fit the network.
    """

    def __init__(
        self,
        classifier: Any,
        method: str = "gradcam",
        label: int | None = None,
        layer_name: str | None = None,
        *,
        channel: int | None = None,
        window: int | None = None,
        stride: int | None = None,
    ):
        if method not in METHODS:
            raise ValueError(
                f"method must be one of {', '.join(METHODS)}. "
                f"Received: {method}"
            )
        model, size = classifier.model, classifier.crop_size
        self.classifier, self.label, self.channel = classifier, label, channel
        self.layer_name = saliency.check_convolution(model, layer_name)
        self.window = window or max(1, round(_WINDOW * size))
        self.stride = stride or max(1, round(_STRIDE * size))
        occluder.places(size, self.window, self.stride)
        self._explain = getattr(self, f"_{method}")
        if method == "gradcam":
            self._compute = saliency.make_gradcam(model, self.layer_name)
        elif method == "occlusion":
            self._occlude = occluder.make_occlusion(
                model, window=self.window, stride=self.stride
            )
        elif method == "guided":
            self._compute = saliency.make_guided(model)
        elif method == "deconvnet":
            self._net = Deconvnet(model, self.layer_name)
            if channel is not None:
                check_channels(channel, self._net.channels, self.layer_name)

    def __call__(self, images: Any) -> list[Explanation]:
        """Explains what images are taken for.

        Args:
            images: uint8 `(n, image_size, image_size, 3)`, as
                `Classifier.read` returns each.
        """
        classifier, images = self.classifier, np.asarray(images)
        crops = np.asarray(classifier.crops(images))
        shares = classifier.probabilities(images)
        labels = shares.argmax(axis=1).astype(np.int32)
        if self.label is not None:
            labels[:] = self.label
        names = [figures.short(classifier.class_names[i]) for i in labels]
        chosen = shares[np.arange(len(images)), labels]
        margin = (classifier.image_size - classifier.crop_size) // 2
        inner = slice(margin, margin + classifier.crop_size)
        return [
            Explanation(
                crop=images[number, inner, inner],
                values=values,
                title=f"{names[number]}: {chosen[number]:.1%}",
                words=words,
                window=window,
            )
            for number, (values, words, window) in enumerate(
                self._explain(crops, labels, names, chosen)
            )
        ]

    def _gradcam(self, crops, labels, names, shares):
        maps, _ = self._compute(crops, labels)
        for values, name in zip(maps.numpy(), names, strict=True):
            words = f"what speaks for {name} in {self.layer_name} (Grad-CAM)"
            yield values, words, None

    def _guided(self, crops, labels, names, shares):
        (found,) = self._compute(crops, labels)
        for values, name in zip(found.numpy(), names, strict=True):
            yield values, f"pixels for {name} (guided backpropagation)", None

    def _occlusion(self, crops, labels, names, shares):
        size, window, stride = crops.shape[1], self.window, self.stride
        found = self._occlude(crops, labels)
        for places, name, share in zip(found, names, shares, strict=True):
            mean = occluder.mean_over_windows(places, size, window, stride)
            words = (
                f"how far {name}'s probability falls where a grey square of "
                f"{window} pixels hides the image (occlusion)"
            )
            yield np.maximum(share - mean, 0), words, None

    def _deconvnet(self, crops, labels, names, shares):
        if self.channel is None:
            channels = self._net.peaks(crops).argmax(axis=1)
        else:
            channels = np.full(len(crops), self.channel)
        field = receptive_field(self.classifier.model, self.layer_name)
        found = self._net.project(crops, channels)
        for values, place, strength, channel in zip(
            *found, channels, strict=True
        ):
            words = (
                f"what moves map {channel} of {self.layer_name} to "
                f"{strength:.3g} (deconvnet)"
            )
            window = field.window(*place.tolist(), crops.shape[1])
            yield values, words, window
