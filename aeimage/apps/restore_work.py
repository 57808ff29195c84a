"""The work of ``aeimage denoise`` on one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aeimage.apps.picture_work import PictureWork
from aeimage.apps.plan import Task
from aeimage.apps.report import FileResult
from aeimage.images import Picture

if TYPE_CHECKING:
    from aeimage.runtime.restorer import Restorer


@dataclass(kw_only=True)
class RestoreWork(PictureWork):
    """Picture files to restored ones.

    Attributes:
        restorer_class: `aeimage.runtime.restorer.Restorer`, or one that behaves like it.
        model: name of the restorer.
        sigma: noise level of photographs; None to estimate it.
        ensemble: see `aeimage.runtime.restorer.Restorer`.
    """

    restorer_class: type[Restorer]
    model: str = "scan"
    sigma: float | None = None
    ensemble: int = 1
    _restorer: Restorer | None = field(default=None, init=False, repr=False)

    about_pdf = (
        "PDF files are not restored by this command. Use OCRmyPDF with aeimage's plugin: "
        "ocrmypdf --plugin aeimage.ocrmypdf_plugin --aeimage-clean-visible IN.pdf OUT.pdf "
        '(pip install "aeimage[ocr]").'
    )

    def change(self, picture: Picture, task: Task, result: FileResult) -> Picture | None:
        """Restore a page."""
        if self._restorer is None:
            self._restorer = self.restorer_class(self.model, self.threads, ensemble=self.ensemble)
        found = self._restorer.restore_picture(picture, self.sigma)
        # Of several pages, each model once.
        models = dict.fromkeys([*(result.restorer or "").split(", "), found.model])
        result.restorer = ", ".join(filter(None, models))
        if result.pages == 1:
            result.sigma = found.sigma
        return found.image if found.changed else None
