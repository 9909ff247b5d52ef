"""`--config`: by name, by file, and field by field."""

import dataclasses

import pytest
from programs import ROOT, run

from alexnet_tf.cli import config_flag
from alexnet_tf.config import Config


def test_packaged_experiments_are_found_by_name():
    found = config_flag.find("demo")

    assert found.samefile(ROOT / "configs" / "demo.py")


def test_a_file_of_ones_own_is_taken(tmp_path):
    (tmp_path / "mine.py").touch()

    assert config_flag.find(f"{tmp_path}/mine.py") == tmp_path / "mine.py"


@pytest.mark.parametrize("name", ["dmo", "configs/dmo.py"])
def test_another_name_is_refused_with_the_nearest(name):
    with pytest.raises(ValueError, match=f"{name}. Did you mean demo"):
        config_flag.find(name)


@pytest.mark.parametrize(
    ("field", "nearest"),
    [
        ("data.bach_size", "data.batch_size"),
        ("batch_size", "data.batch_size"),
        ("optimizer.seed", "training.seed"),
    ],
)
def test_a_wrong_field_names_the_nearest(field, nearest):
    done = run("train", "--config=demo", f"--config.{field}=1", status=2)

    assert done.stderr == (
        f"error: --config.{field} must be a field of the config. Did you "
        f"mean --config.{nearest}? (--help explains every flag)\n"
    )


def test_help_explains_every_field():
    shown = run("train", "--help").stdout

    for section in dataclasses.fields(Config):
        if dataclasses.is_dataclass(section.type):
            for field in dataclasses.fields(section.type):
                assert f"--config.{section.name}.{field.name}=" in shown
        else:
            assert f"--config.{section.name}=" in shown
    assert all(meaning for _, _, meaning in config_flag.fields())
