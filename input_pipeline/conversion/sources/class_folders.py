"""A folder with a folder, or a tar, for each class; or with none of them."""

import os
import pathlib
import stat
import struct

import google_crc32c

from input_pipeline.conversion.sources import catalogue, class_tars, source

_PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip", ".gz")


def find_classes(folder):
    """Returns the sorted names of the classes in a folder, perhaps none."""
    names = set()
    for entry in os.scandir(folder):
        if source.is_hidden(entry.name):
            continue
        if entry.is_dir():
            names.add(entry.name)
        elif entry.name.endswith(".tar"):
            names.add(entry.name.removesuffix(".tar"))
    return sorted(names, key=catalogue.to_bytes)


def add_classes(builder, faults, folder, labels):
    """Adds the images of a folder, class after class, sorted by name.

    Args:
        builder: A `CatalogueBuilder`.
        faults: A `source.Faults`.
        folder: Has a folder `NAME` or a tar `NAME.tar` for each class. An
            image that has its class in its own name, as ImageNet's, is called
            by that name, and others by their path in the folder.
        labels: Dict from the name of a class to its label; folders of other
            names are left out.

    Returns:
        The number of files by label.
    """
    folder, counts = pathlib.Path(folder), {}
    for name in find_classes(folder):
        if name not in labels:
            continue
        tar, label = folder / f"{name}.tar", labels[name]
        if tar.is_file() and (folder / name).is_dir():
            raise ValueError(
                f"A class must be a folder or a tar. Received: both {tar} and "
                f"{folder / name}. Remove one."
            )
        if tar.is_file():
            contents = class_tars.add_tar(builder, faults, tar, label)
            counts[label] = contents.count
        else:
            found = _find_images(folder / name, faults)
            counts[label] = len(found)
            _add_images(builder, folder, name, label, found)
            if not found:
                faults.report(folder / name, "the class has no images")
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        _report_loose(entry, faults)
    return counts


def add_flat(builder, faults, folder, find_label):
    """Adds the images of a folder without classes, sorted by name.

    Args:
        builder: A `CatalogueBuilder`.
        faults: A `source.Faults`.
        folder: Of the images; may have folders.
        find_label: Function from file name to label; raises `ValueError`
            where it finds none.

    Returns:
        The `source.Contents`.
    """
    contents = source.Contents()
    found = _find_images(folder, faults)
    for name, path, stamp in sorted(found, key=lambda x: os.fsencode(x[0])):
        contents.count += 1
        contents.names.add(name)
        try:
            label = find_label(name)
        except ValueError as error:
            faults.report(path, str(error))
            continue
        builder.add_container(os.path.dirname(path))
        builder.add(name, label, stamp=stamp)
    if not found:
        faults.report(folder, "it has no images")
    return contents


def is_flat(folder):
    """Says whether a folder has images, but no class."""
    folder = pathlib.Path(folder)
    if set(find_classes(folder)) - {"images"}:
        return False
    inner = folder / "images"
    folders = [folder, inner] if inner.is_dir() else [folder]
    return any(
        source.is_image_name(entry.name) and entry.is_file()
        for parent in folders
        for entry in os.scandir(parent)
    )


def _add_images(builder, folder, name, label, found):
    """Adds what was found in the folder of a class."""
    rows = []
    for file_name, path, stamp in found:
        container = os.path.dirname(path)
        if not file_name.startswith((f"{name}_", "ILSVRC20")):
            container = str(folder)
            file_name = os.path.relpath(path, folder)
        rows.append((os.fsencode(file_name), container, stamp))
    for file_name, container, stamp in sorted(rows):
        builder.add_container(container)
        builder.add(file_name, label, stamp=stamp)


def _find_images(folder, faults):
    """Returns name, path and stamp of each image below a folder.

    Links are followed, but never to a folder above.
    """
    found, waiting = [], [(str(folder), (os.path.realpath(folder),))]
    while waiting:
        parent, above = waiting.pop()
        for entry in os.scandir(parent):
            try:
                status = entry.stat()
            except OSError as error:
                reason = f"it cannot be read: {error.strerror}"
                if entry.is_symlink():
                    reason = f"it is a link to {os.readlink(entry.path)}"
                    reason += ", which is not there"
                faults.report(entry.path, catalogue.printable(reason))
                continue
            if source.is_hidden(entry.name):
                faults.record(entry.path, "it is hidden")
            elif stat.S_ISDIR(status.st_mode):
                real = os.path.realpath(entry.path)
                if any(os.path.commonpath([real, x]) == real for x in above):
                    faults.report(entry.path, "it is a link to a folder above")
                else:
                    waiting.append((entry.path, (*above, real)))
            elif not source.is_image_name(entry.name):
                reason = "its name is not that of an image"
                faults.record(entry.path, reason)
            elif not stat.S_ISREG(status.st_mode):
                faults.report(entry.path, "it is a pipe or a device")
            else:
                found.append((entry.name, entry.path, _stamp(status)))
    return found


def _report_loose(entry, faults):
    """Reports a file that is in no class."""
    name = entry.name.lower()
    if entry.is_dir() or name.endswith(".tar") and entry.is_file():
        return
    if source.is_hidden(entry.name):
        faults.record(entry.path, "it is hidden")
    elif name.endswith(_PACKED):
        faults.report(
            entry.path,
            "it is compressed: a class must be a folder or a plain tar",
        )
    elif source.is_image_name(name):
        faults.report(entry.path, "it is in no folder of a class")
    else:
        faults.record(entry.path, "its name is not that of an image")


def _stamp(status):
    """Returns a number that changes when a file is written again."""
    return google_crc32c.value(
        struct.pack("<qq", status.st_mtime_ns, status.st_size)
    )
