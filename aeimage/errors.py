"""Every error aeimage raises on purpose.

::

    AEImageError
    ├── UsageError (ValueError)                  an argument or option makes no sense
    ├── OutputExistsError (FileExistsError)      nothing is overwritten unless asked for
    ├── MissingDependencyError (ImportError)     an optional package is not installed
    ├── PictureError                             about a picture file, never about .aei files
    │   ├── PictureFileError (OSError)           the system cannot open or read it
    │   │   └── PictureNotFoundError (FileNotFoundError)
    │   ├── UnsupportedPictureError              not a picture, or of a kind not read here
    │   ├── DamagedPictureError                  truncated or corrupt
    │   ├── PictureTooLargeError                 more pixels than the limit
    │   └── PictureFormatError                   the output format cannot hold the picture
    ├── FileFormatError (ValueError)             a damaged or foreign .aei file
    │   ├── NotAnAeiFileError                    the magic is missing or text-mode damaged
    │   ├── UnsupportedVersionError              written by a newer aeimage
    │   ├── TruncatedFileError                   bytes are missing at the end
    │   ├── ChecksumError                        a chunk's CRC-32 does not match
    │   ├── LimitExceededError                   a field is larger than the format allows
    │   └── MalformedFileError                   fields contradict each other or the format
    ├── TrainingDivergedError                    the loss is no finite number any more
    ├── WorkerLostError                          another process of the same training has ended
    └── ModelError
        ├── ModelNotFoundError (LookupError)     the model a file needs is not installed
        └── ModelFileError                       a model bundle is damaged or incomplete

Failures of the system while writing (disk full, no permission) stay plain `OSError`.

Every message says what was wrong, what was expected and what to do. All of these pickle,
because worker processes hand them to their parent: a class that builds its message from
parts does so in a class method, never in `__init__`.
"""

from __future__ import annotations

from collections.abc import Iterable


class AEImageError(Exception):
    """Root of the tree: catch this to catch everything aeimage raises on purpose."""


class UsageError(AEImageError, ValueError):
    """An argument or a command-line option has a value that makes no sense."""

    @classmethod
    def for_value(cls, name: str, expected: str, received: object) -> UsageError:
        """Build the message in the style of Keras.

        Args:
            name: the argument, e.g. ``"quality"``.
            expected: what it may be, e.g. ``"a number from 0 to 100"``.
            received: the value that was passed.
        """
        return cls(
            f"Invalid value for `{name}`. Expected {expected}. Received: {name}={received!r}"
        )


class OutputExistsError(AEImageError, FileExistsError):
    """The output exists and overwriting was not asked for; nothing was changed."""

    @classmethod
    def for_path(cls, path: object) -> OutputExistsError:
        """Build the message for the existing output `path`."""
        return cls(
            f"{path} exists already and was left as it is. Choose another output, or ask for "
            "overwriting (`overwrite=True` in Python, `--force` on the command line)."
        )


class MissingDependencyError(AEImageError, ImportError):
    """An optional dependency is missing; the message gives the pip line that installs it."""

    @classmethod
    def for_package(cls, package: str, extra: str, purpose: str) -> MissingDependencyError:
        """Build the message.

        Args:
            package: the import name that failed, e.g. ``"tensorflow"``.
            extra: the aeimage extra that brings it, e.g. ``"train"``.
            purpose: what needs it, as the start of a sentence, e.g. ``"Training"``.
        """
        error = cls(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f'Install it with: pip install "aeimage[{extra}]"'
        )
        error.name = package
        return error


class PictureError(AEImageError):
    """A picture cannot be read or written."""


class PictureFileError(PictureError, OSError):
    """The operating system cannot open or read a picture file."""


class PictureNotFoundError(PictureFileError, FileNotFoundError):
    """A picture file does not exist."""


class UnsupportedPictureError(PictureError):
    """Not a picture, or one of a format, mode or sample range that is not read here."""


class DamagedPictureError(PictureError):
    """A picture file is truncated or corrupt."""


class PictureTooLargeError(PictureError):
    """A picture has more pixels than the limit.

    Attributes:
        width, height: what the file's header says, in pixels.
        limit: the limit in pixels.
    """

    width: int
    height: int
    limit: int

    @classmethod
    def for_size(cls, name: str, width: int, height: int, limit: int) -> PictureTooLargeError:
        """Build the message for the picture `name` of `width` x `height` pixels."""
        error = cls(
            f"{name}: too large: its header says {width} x {height} = {width * height} pixels, "
            f"expected at most {limit}. A small file with such a header may be an attack on "
            "memory. If you trust it, raise or lift the limit (`max_pixels` in Python, "
            "`--max-pixels` on the command line)."
        )
        error.width, error.height, error.limit = width, height, limit
        return error


class PictureFormatError(PictureError):
    """The requested output format cannot hold the picture (too wide or too high for it)."""


class FileFormatError(AEImageError, ValueError):
    """An .aei file is damaged, or is no .aei file."""


class NotAnAeiFileError(FileFormatError):
    """The file does not begin with the magic of an .aei file."""


class UnsupportedVersionError(FileFormatError):
    """The file's format version is newer than this aeimage reads."""


class TruncatedFileError(FileFormatError):
    """The file ends before its last chunk does."""


class ChecksumError(FileFormatError):
    """The bytes of a chunk do not match its CRC-32."""


class LimitExceededError(FileFormatError):
    """A field asks for more than the format allows: a hostile or badly damaged file."""


class MalformedFileError(FileFormatError):
    """Fields that contradict each other or the format, though their checksums match."""


class TrainingDivergedError(AEImageError):
    """A training run's loss became infinite or NaN; its last checkpoint is still good."""


class WorkerLostError(AEImageError):
    """Another worker of the same training has ended or cannot be reached."""

    @classmethod
    def because(cls, reason: str) -> WorkerLostError:
        """Build the message from the library's own, of which the lines about the cause are kept."""
        lines = [line.strip() for line in reason.splitlines() if line.strip()]
        told = " ".join(line for line in lines if "aborted by" in line) or " ".join(lines)
        return cls(
            "Another worker of this training ended or cannot be reached, so this one ends too. The "
            "last checkpoint of the chief is good: see to the other worker, then start all of them "
            f"again with --resume. TensorFlow says: {told[:200]}"
        )


class ModelError(AEImageError):
    """A model cannot be used."""


class ModelNotFoundError(ModelError, LookupError):
    """No installed model has the asked-for name or id.

    Attributes:
        model: the name or id that was looked for.
    """

    model: str

    @classmethod
    def for_model(
        cls,
        model: str,
        *,
        needed_by: str | None = None,
        installed: Iterable[str] = (),
        how: str | None = None,
    ) -> ModelNotFoundError:
        """Build the message.

        Args:
            model: name or id of the model that is missing.
            needed_by: the file that needs it, if it was asked for by a file.
            installed: names of the models that are there.
            how: how to get it; by default, by upgrading aeimage, whose releases keep every
                model they ever shipped.
        """
        what = f"{needed_by}: was made with the model" if needed_by else "The model"
        there = ", ".join(installed) or "none"
        get = how or (
            "Every release of aeimage carries all models released before it: "
            "pip install --upgrade aeimage. For a model you trained, put its folder into one that "
            "the environment variable AEIMAGE_MODELS names."
        )
        tail = "which is not installed" if needed_by else "is not installed"
        comma = "," if needed_by else ""
        error = cls(f"{what} {model!r}{comma} {tail}. Installed: {there}. {get}")
        error.model = model
        return error


class ModelFileError(ModelError):
    """A model bundle is damaged, incomplete or of an unknown kind."""
