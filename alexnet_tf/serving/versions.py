"""The versions of a model that are served, and their replacement."""

import asyncio
import pathlib

from absl import logging

from alexnet_tf import export
from alexnet_tf.serving.refusal import missing

_WORDS = 300


class Versions:
    """Serves the newest versions of a folder that can be served.

    A new one is loaded beside the others, and takes over when it has answered
    once. One that cannot is named, and the last good one goes on.

    Args:
        directory: A folder of versions, or a version.
        load: Called in a thread as `load(directory, number)`; returns a model
            that has answered.
        use: Called in a thread with the list of models that are served from
            now on, before any is asked.
        keep: How many are served at once.
    """

    def __init__(self, directory, load, use, keep=1):
        self.directory = pathlib.Path(directory)
        self.keep = keep
        self._load, self._use = load, use
        # By number; the broken ones with the words of their error.
        self._models = {}
        self._broken = {}
        self._loading = None

    def __call__(self, number=None):
        """Returns a model: of a number, or the newest.

        Raises:
            Refusal: It is not served.
        """
        if number is None and self._models:
            return self._models[max(self._models)]
        if number not in self._models:
            have = ", ".join(map(str, sorted(self._models))) or "none"
            raise missing(
                f"Version {number} is not served. Served: {have}."
                if number is not None
                else "No version of the model is served."
            )
        return self._models[number]

    def states(self, number=None):
        """Returns (number, state, words of its error) of all, newest first.

        Raises:
            Refusal: There is no version of that number.
        """
        found = [(n, "AVAILABLE", "") for n in self._models]
        found += [(n, "END", words) for n, (_, words) in self._broken.items()]
        if self._loading is not None:
            found.append((self._loading, "LOADING", ""))
        if number is not None:
            found = [state for state in found if state[0] == number]
            if not found:
                raise missing(f"There is no version {number}.")
        return sorted(found, reverse=True)

    async def watch(self, seconds):
        """Looks for new versions from time to time, for ever."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.refresh()
            except OSError as error:
                logging.warning("%s cannot be read: %s", self.directory, error)

    async def refresh(self):
        """Loads what is new, newest first; drops what is no longer wanted."""
        wanted = {}
        for number, directory in sorted(_find(self.directory), reverse=True):
            if len(wanted) == self.keep:
                break
            if number in self._models:
                wanted[number] = self._models[number]
            elif not self._is_still_broken(number, directory):
                model = await self._try(number, directory, wanted)
                if model is not None:
                    wanted[number] = model
        for number in sorted(self._models, reverse=True):
            # The last good one stays, even if its folder has gone.
            if len(wanted) < self.keep:
                wanted.setdefault(number, self._models[number])
        if wanted.keys() != self._models.keys():
            await asyncio.to_thread(self._use, [*wanted.values()])
            self._models = wanted

    async def _try(self, number, directory, wanted):
        """Returns a version that has answered, or notes why it has not."""
        self._loading = number
        logging.info("Loading version %d of %s.", number, self.directory)
        try:
            model = await asyncio.to_thread(self._load, directory, number)
            models = [*wanted.values(), *self._models.values(), model]
            await asyncio.to_thread(self._use, models)
        except Exception as error:
            words = " ".join(str(error).split()) or type(error).__name__
            self._broken[number] = (_stamp(directory), words[:_WORDS])
            logging.error(
                "Version %d cannot be served: %s", number, words[:_WORDS]
            )
            return None
        finally:
            self._loading = None
        self._broken.pop(number, None)
        logging.info("Version %d is served.", number)
        return model

    def _is_still_broken(self, number, directory):
        """Returns whether a version failed and has not changed since."""
        return number in self._broken and self._broken[number][0] == _stamp(
            directory
        )

    def why_none(self):
        """Returns why no version is served, in words."""
        return "; ".join(
            f"version {n}: {words}" for n, (_, words) in self._broken.items()
        )


def _find(directory):
    """Returns pairs of number and folder of the versions."""
    if not any(p.name.isdigit() for p in directory.iterdir()):
        version = export.find_version(directory)
        name = version.name
        return [(int(name) if name.isdigit() else 1, version)]
    return [
        (int(path.name), path)
        for path in directory.iterdir()
        if path.name.isdigit() and path.is_dir()
    ]


def _stamp(directory):
    """Returns when the model's file was written."""
    path = directory / "saved_model.pb"
    return path.stat().st_mtime_ns if path.exists() else None
