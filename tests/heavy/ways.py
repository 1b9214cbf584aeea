"""The ways in which the files of a configuration are changed: by editors, by scripts, by Kubernetes, and by telling saslgate."""

import asyncio
import os
import signal


class Ways:
    """The ways in which files are changed. Each takes the new content of some files by their paths, and `None` for one that goes.

    Of the files in one folder the content has to be known from the beginning: a ConfigMap has all of them.
    """

    ALL = ("rename", "truncate and write", "delete and write", "ConfigMap", "SIGHUP", "saslgate reload")

    def __init__(self, house, names):
        self.house, self.path, self.version = house, house.path, 0
        self.content = {self.path / name: (self.path / name).read_bytes() for name in names}

    async def change(self, way, files):
        """Changes them; what a command said of it, if the way is a command."""
        files = {self.path / name: content for name, content in files.items()}
        self.content |= files
        gone = [path for path, content in files.items() if content is None]
        there = {path: content for path, content in files.items() if content is not None}
        if way == "truncate and write":
            for path, content in there.items():
                path.write_bytes(content)
        elif way == "delete and write":
            for path in there:
                path.unlink(missing_ok=True)
            await asyncio.sleep(0.1)
            for path, content in there.items():
                self.write(path, content)
        elif way == "ConfigMap":
            for folder in {path.parent for path in files}:
                self.swap(folder, [path for path in there if path.parent == folder])
        else:
            for path, content in there.items():
                aside = path.with_name(f"{path.name}~")
                self.write(aside, content)
                aside.rename(path)
        for path in gone:
            path.unlink()
        if way == "SIGHUP":
            self.house.saslgate.send_signal(signal.SIGHUP)
        return await self.house.command("reload") if way == "saslgate reload" else None

    def write(self, path, content):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)

    def swap(self, folder, changed):
        """Everything of the folder into a new directory, which `..data` means from then on."""
        self.version += 1
        version = folder / f"..{self.version}"
        version.mkdir()
        for path, content in self.content.items():
            if path.parent == folder and content is not None:
                self.write(version / path.name, content)
        self.point(version.name, folder / "..data")
        for path in changed:
            if not path.is_symlink():
                self.point(f"..data/{path.name}", path)

    def point(self, target, link):
        aside = link.with_name("..data_tmp")
        aside.symlink_to(target)
        aside.rename(link)
