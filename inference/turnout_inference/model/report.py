"""Numbers of a model in lines for people."""

from __future__ import annotations

from collections.abc import Sequence

from turnout_inference.model.manifest import Parity


def parity_lines(parity: Parity) -> list[str]:
    """A parity report, one figure a line."""
    what = "texts" if parity.inputs == "texts" else "random token sequences"
    lines = [
        f"compared on {parity.texts} {what} with {parity.reference}",
        f"  same labels        {parity.label_agreement:.4%}",
        f"  largest difference {parity.max_difference:.5f}",
        f"  mean difference    {parity.mean_difference:.6f}",
    ]
    if parity.token_agreement is not None:
        lines.append(f"  same tokens        {parity.token_agreement:.4%}")
    if parity.f1 is not None:
        lines += [
            f"  micro F1           {parity.f1.original_micro:.4f} before, "
            f"{parity.f1.converted_micro:.4f} after",
            f"  macro F1           {parity.f1.original_macro:.4f} before, "
            f"{parity.f1.converted_macro:.4f} after",
        ]
    return lines


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows under their header, columns aligned to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in [header, *rows]
    ]
