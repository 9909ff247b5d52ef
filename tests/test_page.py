"""The page, in a browser without a screen."""

import base64
import contextlib
import io
import os
import pathlib
import shutil
import time

import pytest

pytest.importorskip(
    "tensorflow_serving", reason="needs pip install 'alexnet-tf[serving]'"
)

import numpy as np
import served
import tensorflow as tf
from PIL import Image

from alexnet_tf import export
from alexnet_tf.serving import page

pytestmark = pytest.mark.slow

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
# Where screenshots go, for people to look at; nowhere by default.
SCREENSHOTS = os.environ.get("ALEXNET_SCREENSHOTS")
KEY = "0123456789abcdef"

needs_browser = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="no browser: apt-get install chromium chromium-driver",
)


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return served.make_version(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def server(version):
    with served.run_server(version) as server:
        yield server


@contextlib.contextmanager
def _browser(width=1200, height=1500):
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="needs pip install selenium"
    )
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--window-size={width},{height}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def browser():
    with _browser() as driver:
        yield driver


@pytest.fixture
def opened(browser, server):
    """The page, just opened; nothing may stand in the console at the end."""
    browser.get_log("browser")
    browser.get(f"{server.http}/page")
    _wait(browser, "document.getElementById('about').textContent")
    yield browser
    faults = [
        line
        for line in browser.get_log("browser")
        if line["level"] == "SEVERE" and "400" not in line["message"]
    ]
    assert not faults


def _wait(browser, condition, seconds=30):
    """Waits until a condition of JavaScript holds; returns its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = browser.execute_script(f"return {condition}")
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{condition} does not become true")


_DONE = (
    "!document.getElementById('found').hidden && "
    "!document.getElementById('found').classList.contains('busy')"
)


def _shoot(browser, name):
    if SCREENSHOTS:
        browser.save_screenshot(str(pathlib.Path(SCREENSHOTS) / name))


def _text(browser, name):
    return browser.execute_script(
        f"return document.getElementById('{name}').textContent"
    )


def _choose(browser, path):
    browser.find_element("id", "file").send_keys(str(path))


def _crop_pixels(browser):
    """Returns the crop as the browser has decoded it."""
    width, height, values = browser.execute_script(
        """
        const image = document.getElementById('crop');
        const canvas = document.createElement('canvas');
        canvas.width = image.naturalWidth;
        canvas.height = image.naturalHeight;
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        const data = context.getImageData(0, 0, canvas.width, canvas.height);
        return [canvas.width, canvas.height, [...data.data]];
        """
    )
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


@needs_browser
def test_a_photograph_from_the_chooser(opened, server, tmp_path):
    path = tmp_path / "photograph.jpg"
    path.write_bytes(served.photograph(3))

    _choose(opened, path)
    _wait(opened, _DONE)

    rows = opened.find_elements("css selector", "#guesses li")
    assert len(rows) == 5
    shares = [float(row.text.split()[-1].rstrip("%")) for row in rows]
    assert shares == sorted(shares, reverse=True)
    assert "most like class" in _text(opened, "similar")
    # The very pixels that the network gets.
    _, _, png = served.ask(server.http + "/page/crop", path.read_bytes())
    expected = np.asarray(Image.open(io.BytesIO(png)))
    assert expected.shape == (40, 40, 3)
    np.testing.assert_array_equal(_crop_pixels(opened), expected)
    _wait(opened, "document.getElementById('maps').naturalWidth > 0")
    _shoot(opened, "page.png")


@needs_browser
def test_where_it_looked_lies_over_the_crop_and_can_be_lifted(opened, tmp_path):
    path = tmp_path / "photograph.jpg"
    path.write_bytes(served.photograph(3))

    _choose(opened, path)
    _wait(opened, _DONE)
    _wait(opened, "document.getElementById('map').naturalWidth == 9")

    veil, crop = (opened.find_element("id", name) for name in ("map", "crop"))
    assert veil.is_displayed()
    assert veil.rect == crop.rect
    _shoot(opened, "looked.png")
    opened.find_element("id", "looked").click()
    assert not veil.is_displayed()
    assert crop.is_displayed()


@needs_browser
def test_ten_crops_on_demand(opened, tmp_path):
    path = tmp_path / "photograph.jpg"
    path.write_bytes(served.photograph(3))
    _choose(opened, path)
    _wait(opened, _DONE)
    one = _text(opened, "guesses")

    opened.find_element("id", "ten").click()
    _wait(opened, f"{_DONE} && document.getElementById('ten').checked")
    _wait(
        opened,
        f"document.getElementById('guesses').textContent !== {one!r}",
    )

    assert len(opened.find_elements("css selector", "#guesses li")) == 5


_DROP = """
    const bytes = Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], 'x.jpg', {type: 'image/jpeg'}));
    const event = new Event(arguments[1], {bubbles: true, cancelable: true});
    event.dataTransfer = event.clipboardData = transfer;
    document.getElementById('drop').dispatchEvent(event);
"""


def _drop(browser, file, event="drop"):
    browser.execute_script(_DROP, base64.b64encode(file).decode(), event)


@needs_browser
@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_photograph_dropped_or_pasted(opened, event):
    _drop(opened, served.photograph(4), event)

    _wait(opened, _DONE)


@needs_browser
def test_a_photograph_dropped_beside_the_field(opened):
    opened.execute_script(
        _DROP.replace("document.getElementById('drop')", "document.body"),
        base64.b64encode(served.photograph(4)).decode(),
        "drop",
    )

    _wait(opened, _DONE)


@needs_browser
def test_the_page_names_the_classes_that_it_knows(opened):
    _wait(opened, "document.getElementById('names').textContent")

    assert "6 classes" in _text(opened, "about")
    assert _text(opened, "names") == ", ".join(served.NAMES)
    # A few are told at once, a thousand on demand.
    assert opened.find_element("id", "names").is_displayed()
    opened.execute_script(
        "showNames([...Array(1000).keys()].map(i => 'class ' + i))"
    )
    assert not opened.find_element("id", "names").is_displayed()


@needs_browser
def test_two_quick_drops_show_the_second_alone(opened, server):
    first, second = served.photograph(1), served.photograph(7)
    for _ in range(3):
        _drop(opened, first)
        _drop(opened, second)
        _wait(opened, _DONE)
        _wait(opened, "document.getElementById('maps').naturalWidth > 0")

        _, _, png = served.ask(server.http + "/page/crop", second)
        expected = np.asarray(Image.open(io.BytesIO(png)))
        np.testing.assert_array_equal(_crop_pixels(opened), expected)


@needs_browser
def test_a_cancelled_chooser_changes_nothing(opened):
    opened.execute_script(
        "document.getElementById('file').dispatchEvent(new Event('change'))"
    )

    assert _text(opened, "message") == ""


@needs_browser
def test_a_file_that_is_no_image_is_refused_in_words(opened, tmp_path):
    path = tmp_path / "photograph.jpg"
    path.write_bytes(b"no image")

    _choose(opened, path)
    _wait(opened, "document.getElementById('message').textContent")

    assert "must be a whole JPEG or PNG" in _text(opened, "message")
    assert not opened.find_element("id", "found").is_displayed()


@needs_browser
def test_an_example_by_keyboard_alone(opened):
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    chains = pytest.importorskip("selenium.webdriver").ActionChains
    focused = "document.activeElement.className"
    for _ in range(10):
        chains(opened).send_keys(keys.TAB).perform()
        if opened.execute_script(f"return {focused}") == "example":
            break

    chains(opened).send_keys(keys.ENTER).perform()
    _wait(opened, _DONE)

    assert len(opened.find_elements("css selector", "#guesses li")) == 5


@needs_browser
def test_a_picture_of_the_camera(opened):
    opened.find_element("id", "camera").click()
    _wait(opened, "document.getElementById('video').videoWidth > 0")
    opened.find_element("id", "take").click()

    _wait(opened, _DONE)
    assert not opened.find_element("id", "viewfinder").is_displayed()


@needs_browser
def test_the_page_on_a_phone(server, tmp_path):
    path = tmp_path / "photograph.jpg"
    path.write_bytes(served.photograph(3))
    with _browser() as browser:
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": 360,
                "height": 740,
                "deviceScaleFactor": 2,
                "mobile": True,
            },
        )
        browser.get(f"{server.http}/page")
        _choose(browser, path)
        _wait(browser, _DONE)

        width = browser.execute_script(
            "return document.documentElement.scrollWidth"
        )
        assert width <= 360
        for button in browser.find_elements("css selector", "button"):
            if button.is_displayed():
                # What a finger needs: 44 pixels.
                assert min(button.size.values()) >= 44
        _shoot(browser, "phone.png")


@needs_browser
def test_the_page_asks_for_a_key_where_one_is_needed(version, tmp_path):
    path = tmp_path / "photograph.jpg"
    path.write_bytes(served.photograph(3))
    with (
        served.run_server(version, keys=(KEY,)) as server,
        _browser() as browser,
    ):
        browser.get(f"{server.http}/page")
        _wait(browser, "!document.getElementById('key').hidden")
        _choose(browser, path)
        browser.find_element("id", "secret").send_keys(KEY + "\n")

        _wait(browser, _DONE)
        assert not browser.find_element("id", "key").is_displayed()


def test_a_photograph_lying_by_its_exif_is_turned(server):
    """As a browser shows it, so that both pictures of the page agree."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (48, 48, 3), np.uint8))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        contents = io.BytesIO()
        image.save(contents, "png", exif=exif)

        _, _, png = served.ask(server.http + "/page/crop", contents.getvalue())

        # Pillow's own reading of the same tag.
        from PIL import ImageOps

        with Image.open(contents) as lying:
            upright = np.asarray(ImageOps.exif_transpose(lying))
        found = np.asarray(Image.open(io.BytesIO(png)))
        np.testing.assert_array_equal(found, upright[4:44, 4:44])


def test_the_map_is_the_models_grad_cam(server, version):
    import base64
    import json

    photograph = served.photograph(3)

    status, _, text = served.ask(server.http + "/page/explain", photograph)

    assert status == 200
    png = base64.b64decode(json.loads(text)["map"].partition(",")[2])
    veil = np.asarray(Image.open(io.BytesIO(png)))
    model = export.load(version)
    (values,) = model.signatures["explain"](
        image_bytes=tf.constant([photograph])
    )["map"].numpy()
    assert values.max() > 0
    np.testing.assert_allclose(
        veil[..., 3], 200 * (1 - values / values.max()), atol=1
    )


def test_everything_of_the_page_is_its_own(server):
    _, headers, text = served.ask(server.http + "/page")
    for name in ("page.js", "page.css"):
        assert served.ask(f"{server.http}/{name}")[0] == 200
        assert f"/{name}".encode() in text
    assert b"//" not in text.replace(b"<!doctype", b"")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    for number in range(4):
        _, _, example = served.ask(f"{server.http}/examples/{number}.jpg")
        assert Image.open(io.BytesIO(example)).size == (320, 320)
    assert served.ask(f"{server.http}/examples/4.jpg")[0] == 404


def test_maps_are_tiled_each_as_bright_as_it_gets():
    maps = np.zeros((2, 2, 17), np.float32)
    maps[0, 1, 0] = 4
    maps[1, 1, 0] = 2
    maps[:, :, 16] = -1

    sheet = page.tile(maps)

    # Sixteen a row, two pixels and a line each.
    assert sheet.shape == (6, 48)
    np.testing.assert_array_equal(sheet[:2, :2], [[0, 255], [0, 127]])
    assert sheet[3:].max() == 0


def test_the_veil_is_open_where_a_place_counts():
    veil = page.veil(np.array([[0.0, 1.0], [2.0, -3.0]], np.float32))

    np.testing.assert_array_equal(veil[..., 3], [[200, 100], [0, 200]])
    assert not veil[..., :3].any()
