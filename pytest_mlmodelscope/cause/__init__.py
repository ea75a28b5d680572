"""Why a figure over items is not the published one: which usual mistake explains it."""

from __future__ import annotations

from typing import Final

#: How long the cause of one refuted figure is looked for, unless the user says otherwise.
USUAL_SECONDS: Final = 30.0
