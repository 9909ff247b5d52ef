"""The page on which a person shows the network photographs."""

import base64
import functools
import io
import pathlib

import numpy as np
from PIL import Image
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from alexnet_tf.serving.model import PREPROCESS
from input_pipeline import synthetic

_FOLDER = pathlib.Path(__file__).parent
_FILES = {
    "page": ("page.html", "text/html; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
}
# No script, style or picture from elsewhere, and in nobody's frame.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src blob:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
# Classes of the rendered images that look unlike each other.
_EXAMPLES = (0, 3, 5, 8)
_EXAMPLE_PIXELS = 320
_COLUMNS = 16
# How opaque the veil is where the network did not look.
_VEIL = 200


class Page:
    """Answers the page's requests.

    Its own questions take a file as it is, and turn it upright by its EXIF,
    as a browser shows it.

    Args:
        name: Of the model.
        service: A `Service`.
        versions: A `Versions`.
        read_body: See `rest`.
        while_connected: The same.
    """

    def __init__(self, name, service, versions, read_body, while_connected):
        self.name, self.service, self.versions = name, service, versions
        self.read_body, self.while_connected = read_body, while_connected

    def routes(self):
        """Returns the routes of the page."""
        post = {"methods": ["POST"]}
        return [
            Route("/", self.home),
            *(Route(f"/{path}", self.show) for path in _FILES),
            Route("/page/about", self.about),
            Route("/page/crop", self.crop, **post),
            Route("/page/classes", self.classes, **post),
            Route("/page/explain", self.explain, **post),
            Route("/page/conv1", self.maps, **post),
            Route("/examples/{number:int}.jpg", self.example),
        ]

    async def _ask(self, request, signature):
        """Returns the version and its answer to the file in a request."""
        async with self.read_body(request, self.service) as body:
            return await self.while_connected(
                request,
                self.service.predict(
                    None, signature, {"image_bytes": [body]}, upright=True
                ),
            )

    async def home(self, request):
        """Sends whoever asks for nothing to the page."""
        return RedirectResponse("/page")

    async def show(self, request):
        """Answers with a file of the page."""
        file, kind = _FILES[request.url.path.strip("/")]
        text = (_FOLDER / file).read_text("utf-8")
        return Response(
            text.replace("MODEL_NAME", self.name),
            media_type=kind,
            headers={"content-security-policy": _POLICY},
        )

    async def about(self, request):
        """Answers with what the page says of the model."""
        model = self.versions()
        return JSONResponse(
            {
                "version": model.number,
                "class_names": model.labels,
                "signatures": [*model.signatures],
            }
        )

    async def crop(self, request):
        """Answers with the crop that the network sees, as PNG."""
        _, found = await self._ask(request, PREPROCESS)
        return Response(make_png(found["crops"][0]), media_type="image/png")

    async def classes(self, request):
        """Answers with the best classes, of one crop or of ten."""
        ten = request.query_params.get("crops") == "10"
        number, found = await self._ask(
            request, "ten_crop" if ten else "serving_default"
        )
        best = int(found["classes"][0][0])
        model = self.versions(number)
        return JSONResponse(
            {
                "version": number,
                "class_names": [n.decode() for n in found["class_names"][0]],
                "probabilities": found["probabilities"][0].tolist(),
                "similar": model.similar(best) if model.compares else [],
            }
        )

    async def explain(self, request):
        """Answers with the veil over where the network did not look."""
        _, found = await self._ask(request, "explain")
        (maps,) = found.values()
        text = base64.b64encode(make_png(veil(maps[0]))).decode()
        return JSONResponse({"map": f"data:image/png;base64,{text}"})

    async def maps(self, request):
        """Answers with what conv1's kernels see, as PNG."""
        _, found = await self._ask(request, "conv1")
        sheet = tile(found["conv1"][0])
        return Response(make_png(sheet), media_type="image/png")

    async def example(self, request):
        """Answers with an example image."""
        number = request.path_params["number"]
        if number >= len(_EXAMPLES):
            return JSONResponse({"error": "There is no such example."}, 404)
        return Response(render_example(number), media_type="image/jpeg")


@functools.cache
def render_example(number):
    """Returns an example as a JPEG file, rendered by the project."""
    rng = np.random.default_rng(number)
    image = Image.fromarray(synthetic.render(_EXAMPLES[number], rng))
    image = image.resize((_EXAMPLE_PIXELS,) * 2, Image.Resampling.BICUBIC)
    contents = io.BytesIO()
    image.save(contents, "jpeg", quality=90)
    return contents.getvalue()


def make_png(pixels):
    """Returns uint8 pixels as a PNG file."""
    contents = io.BytesIO()
    Image.fromarray(pixels).save(contents, "png", compress_level=1)
    return contents.getvalue()


def tile(maps):
    """Returns a layer's maps side by side, each as bright as it gets.

    Args:
        maps: float32 `(rows, columns, kernels)`.

    Returns:
        uint8 `(height, width)`, 16 maps a row, a black line between.
    """
    size, _, count = maps.shape
    most = maps.max(axis=(0, 1))
    bright = 255 * np.maximum(maps, 0) / np.maximum(most, 1e-9)
    step = size + 1
    sheet = np.zeros((-(-count // _COLUMNS) * step, _COLUMNS * step), np.uint8)
    for kernel in range(count):
        row, column = divmod(kernel, _COLUMNS)
        top, left = row * step, column * step
        sheet[top : top + size, left : left + size] = bright[..., kernel]
    return sheet


def veil(values):
    """Returns a veil that leaves open where the network looked.

    It has no colour of its own: a photograph may have any, and not everybody
    sees all.

    Args:
        values: float32 `(rows, columns)`, 0 or more.

    Returns:
        uint8 `(rows, columns, 4)`, to be laid over the crop: black, the more
        opaque the less a place counts.
    """
    share = np.maximum(values, 0) / max(values.max(), 1e-9)
    black = np.zeros((*values.shape, 4), np.uint8)
    black[..., 3] = np.round(_VEIL * (1 - share))
    return black
