"""``genomark embed``: vectors of sequences, in a file that others can read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def embed(
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="SPEC", help="A model that embeds.")
    ],
    input: Annotated[
        Path, typer.Option("--input", "-i", metavar="FILE", help="Sequences: FASTA, CSV, ...")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="A .parquet, .h5ad or .npz to write."),
    ],
) -> None:
    """Write one vector a sequence; a vector computed before is not computed again.

    \b
    Examples:
      genomark embed -m hf:org/name -i sequences.fa -o vectors.parquet
      genomark embed -m hf:./checkpoint,pooling=cls,layer=6 -i table.csv -o vectors.h5ad
    """
    from genomark.atomic import write_whole
    from genomark.cli.tables import check_ending
    from genomark.cli.terminal import status
    from genomark.errors import CapabilityError
    from genomark.models import Embedder, load_model
    from genomark.models.genes.waiting import Waiting
    from genomark.sequences import read_sequences

    writers = {".parquet": _parquet, ".h5ad": _h5ad, ".npz": _npz}
    check_ending(output, writers)
    made = load_model(model)
    if not isinstance(made, Embedder):
        raise CapabilityError(
            f"Model '{model}' does not embed sequences; one that does: hf:ORG/NAME"
        )
    ids, sequences = read_sequences(input)
    with Waiting(len(sequences), f"{made.info.id}: sequences") as waiting:
        vectors = made.embed(sequences, waiting.advance)
    write_whole(output, writers[output.suffix.lower()](list(ids), vectors))
    status(f"{len(ids):,} vectors of {vectors.shape[1]:,} numbers are in {output}")


def _parquet(ids: list[str], vectors: NDArray[np.float32]) -> bytes:
    """One row a sequence: its id, and its vector as a list."""
    import io

    import polars as pl

    column = pl.Series("vector", vectors, dtype=pl.Array(pl.Float32, vectors.shape[1]))
    content = io.BytesIO()
    pl.DataFrame([pl.Series("id", ids, dtype=pl.String), column]).with_columns(
        pl.col("vector").cast(pl.List(pl.Float32))
    ).write_parquet(content)
    return content.getvalue()


def _npz(ids: list[str], vectors: NDArray[np.float32]) -> bytes:
    """Arrays `names` and `vectors`."""
    import io

    import numpy as np

    content = io.BytesIO()
    np.savez(content, names=np.array(ids, dtype=np.str_), vectors=vectors)
    return content.getvalue()


def _h5ad(ids: list[str], vectors: NDArray[np.float32]) -> bytes:
    """An AnnData file: sequences are its observations."""
    import io

    from genomark.extras import import_extra

    h5py = import_extra("h5ad", "h5py", "h5ad")
    content = io.BytesIO()
    with h5py.File(content, "w", track_order=False) as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        matrix = file.create_dataset("X", data=vectors)
        matrix.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        columns = [str(number) for number in range(vectors.shape[1])]
        for name, index in (("obs", ids), ("var", columns)):
            frame = file.create_group(name)
            frame.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0"})
            frame.attrs["_index"] = "_index"
            frame.attrs.create("column-order", [], dtype=h5py.string_dtype())
            stored = frame.create_dataset("_index", data=index, dtype=h5py.string_dtype())
            stored.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
    return content.getvalue()
