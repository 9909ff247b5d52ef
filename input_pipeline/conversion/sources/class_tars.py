"""Tars of images: all of one class, numbered, or a tar of such tars."""

import collections
import pathlib

from input_pipeline.conversion.sources import catalogue, source, tar_index


def add_tar(builder, faults, path, label, *, inside="", start=0, end=None):
    """Adds the images of a tar, sorted by name.

    Args:
        builder: A `CatalogueBuilder`.
        faults: A `Faults`.
        path: File that is, or contains, the tar.
        label: Of all images; or a function from file name to label, which
            raises `ValueError` where it finds none.
        inside: Name of the tar within `path`, for messages.
        start: Offset of the tar within `path`.
        end: Offset after it; None for the end of the file.

    Returns:
        The `source.Contents`.

    Raises:
        ValueError: The tar is cut short: what follows has no names, and can
            not be listed as skipped.
    """
    location = f"{path}: {inside}" if inside else str(path)
    contents = source.Contents()
    found, seen = [], set()
    for member in whole_members(faults, path, location, start, end):
        if member.is_damage:
            contents.is_damaged = True
            continue
        name = pathlib.PurePosixPath(member.name).name
        contents.count += 1
        contents.names.add(name)
        where = f"{location}: {member.name}"
        if name.endswith((".cls", ".json")):
            raise ValueError(
                f"A class must be a tar of images. Received: {where}, as in "
                "shards of WebDataset. Pass --webdataset='"
                f"{pathlib.Path(path).parent}/*.tar' and --class_list."
            )
        if member.fault or member.name in seen:
            reason = member.fault or "another file has the same name"
            faults.report(where, reason)
            continue
        seen.add(member.name)
        try:
            its_label = label(name) if callable(label) else label
        except ValueError as error:
            faults.report(where, str(error))
            continue
        found.append((its_label, name, member))
    if not contents.count:
        faults.report(location, "it holds no files")
    _add_sorted(builder, path, found)
    return contents


def add_class_tars(builder, faults, path, find_label):
    """Adds the images of a tar of tars, one a class, sorted by class and name.

    Images whose class tar has lost its header are found by their own names.

    Args:
        builder: A `CatalogueBuilder`.
        faults: A `Faults`.
        path: Of the outer tar.
        find_label: Function from the name of a class to its label; raises
            `ValueError` where there is none.

    Returns:
        The number of files by label.
    """
    tars, loose, counts = {}, [], collections.Counter()
    is_damaged = False
    for member in whole_members(faults, path, str(path)):
        if member.is_damage:
            is_damaged = True
            continue
        name = pathlib.PurePosixPath(member.name).name
        is_loose = is_damaged and source.is_image_name(name)
        synset = name.removesuffix(".tar")
        if is_loose:
            synset = name.partition("_")[0]
        fault = member.fault
        try:
            label = find_label(synset)
        except ValueError as error:
            fault = fault or str(error)
        if not fault and not is_loose and label in tars:
            fault = "another archive has the same name"
        if fault:
            faults.report(f"{path}: {member.name}", fault)
        elif is_loose:
            loose.append((label, name, member))
            counts[label] += 1
        else:
            tars[label] = member
    _add_sorted(builder, path, loose)
    for label, member in sorted(tars.items()):
        counts[label] += add_tar(
            builder,
            faults,
            path,
            label,
            inside=member.name,
            start=member.offset,
            end=member.offset + member.size,
        ).count
    return counts


def find_classes(path):
    """Returns the sorted names of the class tars in a tar."""
    names = set()
    for member in whole_members(source.Faults("skip"), path, str(path)):
        name = pathlib.PurePosixPath(member.name).name
        if name.endswith(".tar") and not member.fault:
            names.add(name.removesuffix(".tar"))
    if not names:
        raise ValueError(
            f"{path} must hold a tar for each class. Received: a tar without."
        )
    return sorted(names, key=catalogue.to_bytes)


def whole_members(faults, path, location, start=0, end=None):
    """Yields the members of a tar; reports damage, and leaves out hidden files.

    Raises:
        ValueError: The tar is cut short.
    """
    try:
        for member in tar_index.members(path, start, end):
            name = pathlib.PurePosixPath(member.name).name
            if member.is_damage:
                faults.report(f"{location}: {member.name}", member.fault)
            elif source.is_hidden(name):
                faults.record(f"{location}: {member.name}", "it is hidden")
                continue
            yield member
    except tar_index.CutShort as error:
        raise ValueError(
            f"Every archive must be whole. Received: "
            f"{catalogue.printable(location)}, but {error}. Download it again: "
            "--on_error=skip leaves out images, never the rest of an archive."
        ) from None


def _add_sorted(builder, path, found):
    """Adds images; those that share a name keep their folders in it."""
    builder.add_container(path)
    how_often = collections.Counter(name for _, name, _ in found)
    rows = [
        (label, catalogue.to_bytes(name if how_often[name] == 1 else m.name), m)
        for label, name, m in found
    ]
    for label, name, member in sorted(rows, key=lambda row: row[1]):
        builder.add(name, label, member.offset, member.size, member.stamp)
