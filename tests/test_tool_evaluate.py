"""What tools.evaluate prints."""

from tools import evaluate

RESULT = {
    "split": "validation",
    "num_images": 12,
    "step": 7,
    "crops": 10,
    "top1_error": 0.25,
    "top5_error": 0.0,
    "loss": 1.5,
    "top1_interval": (0.1, 0.5),
    "confused": [
        {"label": "hen", "guess": "cock", "images": 1},
        {"label": "tench, Tinca tinca", "guess": "goldfish", "images": 2},
    ],
}


def test_counts_and_errors_are_told_as_people_do(capsys):
    evaluate._print(RESULT, num_classes=3)

    assert capsys.readouterr().out.splitlines() == [
        "validation, 12 images, step 7, 10 crops: top-1 error 25.00%, loss "
        "1.5000",
        "top-1 error, 95% interval: 10.00% to 50.00%",
        "taken for cock: hen, once",
        "taken for goldfish: tench, 2 times",
    ]


def test_one_crop_of_many_classes(capsys):
    evaluate._print({**RESULT, "crops": 1, "confused": []}, num_classes=1000)

    first = capsys.readouterr().out.splitlines()[0]
    assert "1 crop: top-1 error 25.00%, top-5 error 0.00%" in first
