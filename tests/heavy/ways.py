"""The ways in which the files of a configuration are changed: by editors, by scripts, by Kubernetes, and by telling saslgate."""

import asyncio
import os
import signal


class Ways:
    """The ways in which files are changed. Each takes the new content of some files by their names."""

    ALL = ("rename", "truncate and write", "delete and write", "ConfigMap", "SIGHUP", "saslgate reload")

    def __init__(self, house, names):
        self.house, self.path, self.version = house, house.path, 0
        self.content = {name: (self.path / name).read_bytes() for name in names}

    async def change(self, way, files):
        """Changes them; what a command said of it, if the way is a command."""
        self.content |= files
        if way == "truncate and write":
            for name, content in files.items():
                (self.path / name).write_bytes(content)
        elif way == "delete and write":
            for name in files:
                (self.path / name).unlink()
            await asyncio.sleep(0.1)
            for name, content in files.items():
                self.write(self.path / name, content)
        elif way == "ConfigMap":
            self.swap(files)
        else:
            for name, content in files.items():
                self.write(self.path / f"{name}~", content)
                (self.path / f"{name}~").rename(self.path / name)
        if way == "SIGHUP":
            self.house.saslgate.send_signal(signal.SIGHUP)
        return await self.house.command("reload") if way == "saslgate reload" else None

    def write(self, path, content):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)

    def swap(self, files):
        """Everything into a new directory, which `..data` means from then on."""
        self.version += 1
        folder = self.path / f"..{self.version}"
        folder.mkdir()
        for name, content in self.content.items():
            self.write(folder / name, content)
        self.point(folder.name, "..data")
        for name in files:
            if not (self.path / name).is_symlink():
                self.point(f"..data/{name}", name)

    def point(self, target, name):
        (self.path / "..data_tmp").symlink_to(target)
        (self.path / "..data_tmp").rename(self.path / name)
