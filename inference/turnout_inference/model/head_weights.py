"""head.safetensors: the classification head's tensors, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.manifest import Manifest

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HeadWeights:
    """float32, `[out, in]`; the dense pair is None where the head has no activation."""

    out_proj_weight: Array
    out_proj_bias: Array
    dense_weight: Array | None
    dense_bias: Array | None


def expected_shapes(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """The tensors that the head's file must hold, by name."""
    width, labels = manifest.hidden_size, len(manifest.labels)
    shapes: dict[str, tuple[int, ...]] = {
        "out_proj.weight": (labels, width),
        "out_proj.bias": (labels,),
    }
    if manifest.head.activation is not None:
        shapes |= {"dense.weight": (width, width), "dense.bias": (width,)}
    return shapes


def read_head(folder: Path, manifest: Manifest) -> HeadWeights:
    """Read the head; ModelRefused where names, types, shapes or values are not as they must be."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / manifest.head.file
    fix = "convert the model again"
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise ModelRefused(str(path), f"cannot be read ({error})", fix) from None
    shapes = expected_shapes(manifest)
    if differing := sorted(tensors.keys() ^ shapes.keys()):
        raise ModelRefused(
            str(path), f"has {_names(tensors)}, needs {_names(shapes)} ({differing[0]})", fix
        )
    for name, shape in shapes.items():
        tensor = tensors[name]
        if tensor.dtype != np.float32:
            raise ModelRefused(f"{path}: {name}", f"is {tensor.dtype}, needs float32", fix)
        if tensor.shape != shape:
            raise ModelRefused(
                f"{path}: {name}",
                f"has shape {list(tensor.shape)}, needs {list(shape)} for {len(manifest.labels)} "
                f"labels and hidden_size {manifest.hidden_size}",
                fix,
            )
        if not np.isfinite(tensor).all():
            raise ModelRefused(f"{path}: {name}", "holds NaN or infinity", fix)
    return HeadWeights(
        out_proj_weight=tensors["out_proj.weight"],
        out_proj_bias=tensors["out_proj.bias"],
        dense_weight=tensors.get("dense.weight"),
        dense_bias=tensors.get("dense.bias"),
    )


def _names(tensors: dict[str, Array] | dict[str, tuple[int, ...]]) -> str:
    return ", ".join(sorted(tensors)) or "nothing"
