"""Records and whatever else a network sees come to their size alike."""

import io

import numpy as np
import pytest
import references
import simplejpeg
from PIL import Image

from input_pipeline import dataset_info, synthetic, transforms
from input_pipeline.conversion import images
from input_pipeline.conversion.sources import ilsvrc

KERNELS = {
    "triangle": (references.triangle, 1),
    "bicubic": (references.cubic, 2),
    "lanczos": (references.lanczos, 3),
}
RESIZES = ("shorter side", "squash")


def converted(contents, size, resample, resize="shorter side"):
    """The pixels of a record before they become a JPEG again."""
    return images.convert(contents, size, 95, resample, resize)[1]


def served(contents, size, resample, resize="shorter side"):
    """The pixels that evaluation, query images, export and server see."""
    return transforms.square_from_bytes(
        contents, size, resample, resize
    ).numpy()


WAYS = {"converted": converted, "served": served}


def png(image, **options):
    contents = io.BytesIO()
    Image.fromarray(image).save(contents, "png", **options)
    return contents.getvalue()


def noise(height, width):
    """Whatever a filter does wrong shows, and nothing is clipped."""
    rng = np.random.default_rng(height * width)
    return rng.integers(80, 176, (height, width, 3), np.uint8)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("resample", KERNELS)
@pytest.mark.parametrize(
    ("height", "width"), [(33, 33), (50, 41), (61, 90), (24, 24), (11, 20)]
)
def test_each_filter_is_its_equation(way, resample, height, width):
    image = noise(height, width)

    found = WAYS[way](png(image), 24, resample)

    square = images.centre_square(image)
    exact = references.scaled(square, 24, *KERNELS[resample])
    # Pillow rounds between rows and columns, and to eight bits of a weight.
    np.testing.assert_allclose(found, exact, atol=1.5)


@pytest.mark.parametrize("way", WAYS)
def test_area_is_the_mean_of_what_a_pixel_covers(way):
    image = noise(36, 36)

    found = WAYS[way](png(image), 12, "area")

    blocks = image.reshape(12, 3, 12, 3, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(found, blocks, atol=0.51)


@pytest.mark.parametrize("way", WAYS)
def test_area_enlarges_by_cubics_as_the_authors_later_script(way):
    contents = png(noise(20, 20))

    np.testing.assert_array_equal(
        WAYS[way](contents, 24, "area"), WAYS[way](contents, 24, "bicubic")
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("resample", dataset_info.RESAMPLES)
def test_squash_brings_the_whole_image_to_the_square(way, resample):
    columns = np.linspace(0, 255, 90).round().astype(np.uint8)
    image = np.repeat(np.tile(columns, (40, 1))[..., None], 3, axis=2)

    found = WAYS[way](png(image), 24, resample, "squash")

    assert found.shape == (24, 24, 3)
    # The centre alone would begin at 71 and end at 184.
    assert found[:, 0].max() < 10
    assert found[:, -1].min() > 245


@pytest.mark.parametrize("resample", dataset_info.RESAMPLES)
@pytest.mark.parametrize("resize", RESIZES)
def test_rendered_photographs_are_served_as_converted(resample, resize):
    ratios = []
    for number, size in enumerate((64, 96, 128, 256)):
        jpeg = synthetic.render_jpeg(0, "validation", number, number)
        ratios.append(
            references.psnr(
                converted(jpeg, size, resample, resize),
                served(jpeg, size, resample, resize),
            )
        )

    assert min(ratios) >= 40
    assert np.mean(ratios) >= 45


@pytest.mark.slow
@pytest.mark.parametrize("resample", dataset_info.RESAMPLES)
def test_real_photographs_are_served_as_converted(ilsvrc_mini, resample):
    photographs = ilsvrc.open_source(ilsvrc_mini).splits["validation"]

    ratios = [
        references.psnr(
            converted(photographs.read(i), 256, resample),
            served(photographs.read(i), 256, resample),
        )
        for i in range(len(photographs))
    ]

    assert len(ratios) == 100
    assert min(ratios) >= 40
    assert np.mean(ratios) >= 45


@pytest.mark.slow
@pytest.mark.parametrize("size", [256, 64])
def test_every_real_photograph_is_as_pillow_would_have_it(ilsvrc_mini, size):
    """At 64 pixels nearly all of them are reduced by whole numbers first."""
    splits = ilsvrc.open_source(ilsvrc_mini).splits
    ratios = []
    for split in ("train", "validation"):
        for i in range(len(splits[split])):
            jpeg = splits[split].read(i)
            square = images.centre_square(simplejpeg.decode_jpeg(jpeg))
            pillow = Image.fromarray(np.ascontiguousarray(square)).resize(
                (size, size), Image.Resampling.BILINEAR
            )
            ours = converted(jpeg, size, "triangle")
            ratios.append(references.psnr(ours, np.asarray(pillow)))

    assert len(ratios) == 400
    assert min(ratios) >= 40


@pytest.mark.parametrize("way", WAYS)
def test_the_orientation_tag_is_ignored(way):
    image = noise(24, 40)
    exif = Image.Exif()
    exif[0x0112] = 6

    turned = WAYS[way](png(image, exif=exif), 24, "triangle")

    np.testing.assert_array_equal(turned, image[:, 8:32])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["resample", "resize"])
def test_an_unknown_filter_is_refused(way, name):
    with pytest.raises(ValueError, match=f"{name} must be one of .*nearest"):
        WAYS[way](png(noise(8, 8)), 4, **{"resample": "area", name: "nearest"})
