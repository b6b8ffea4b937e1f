"""The templates of letters: those that ship, file by file replaced by the municipality's own folder."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SHIPPED = Path(__file__).with_name("templates")
_NAME = re.compile(r"[a-z][a-z0-9_]*\.typ")
#: What a folder may hold beside templates: a coat of arms, a map.
_PICTURES = frozenset({".svg", ".png", ".jpg"})


class TemplateFolderError(ValueError):
    """The municipality's folder of templates cannot be used. The text names the file and the reason."""


@dataclass(frozen=True)
class Templates:
    """All files that letters are set from, as read at the start: a run never mixes two versions of them."""

    files: dict[str, bytes]

    @classmethod
    def read(cls, own: Path | None = None) -> "Templates":
        """Read the templates that ship, and over them those of the folder ``own``.

        :raises TemplateFolderError: the folder is none, a file in it is neither a template nor a picture,
            or it cannot be read.
        """
        files = {path.name: path.read_bytes() for path in sorted(SHIPPED.glob("*.typ"))}
        if own is None:
            return cls(files)
        if not own.is_dir():
            raise TemplateFolderError(f"{own}: is no folder")
        for path in sorted(own.iterdir()):
            if path.suffix.lower() not in _PICTURES and not _NAME.fullmatch(path.name):
                raise TemplateFolderError(
                    f"{path}: a template is small letters, digits and underscores with the ending .typ, "
                    "a picture ends in .svg, .png or .jpg"
                )
            try:
                files[path.name] = path.read_bytes()
            except OSError as error:
                raise TemplateFolderError(f"{path}: cannot be read ({type(error).__name__})") from None
        return cls(files)

    @cached_property
    def sha256(self) -> str:
        """Return a digest of every file and its name, in hexadecimal."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    def write(self, folder: Path) -> None:
        """Write the files into a folder, from which the typesetter takes them; it may read nothing else."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
