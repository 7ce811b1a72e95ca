"""Classifies whole catalogues of posters with Ray Data: `python -m marquee score INPUT OUTPUT`.

INPUT is divided into parts of some thousand posters. A worker reads a part in batches, classifies it on one core and
writes one Parquet file, which appears in OUTPUT whole or not at all. Ray Data starts one worker a core, hands out the
parts, and repeats those whose worker died. What is in OUTPUT is not computed again.

Needs `pip install marquee-posters[score]`.
"""

from ._job import Summary, score
from ._storage import JobError

__all__ = ["JobError", "Summary", "score"]
