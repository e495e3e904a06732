"""Writes a trained joint model as files that need no PyTorch: the encoder as ONNX, in 8 bits, the heads as arrays."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kg.extract.joint import JointModel
from kg.extract.labels import Labels

OPSET = 17


class Reader(nn.Module):
    """The part of the joint model that reads a text: vectors, logits of tags and of values."""

    def __init__(self, model: JointModel) -> None:
        super().__init__()
        self.encoder, self.tags, self.values = model.encoder, model.tags, model.values

    def forward(self, ids: Tensor, cases: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        vectors = self.encoder(ids, cases)
        return vectors, self.tags(vectors), self.values(vectors)


def export_encoder(model: JointModel, labels: Labels, encoder: Path, folder: Path, *, bits: int = 8) -> None:
    """Write the files of the component `kg_encoder` to a folder; `bits` are those of the encoder's weights, 8 or 32.

    `encoder` is the folder that the training began with.
    """
    model = model.eval().cpu()
    folder.mkdir(parents=True, exist_ok=True)
    example = (torch.ones(1, 8, dtype=torch.long), torch.ones(1, 8, dtype=torch.long))
    with tempfile.TemporaryDirectory() as work:
        plain = Path(work) / "encoder.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Reader(model).eval(),
                example,
                str(plain),
                input_names=["ids", "cases"],
                output_names=["vectors", "tags", "values"],
                dynamic_axes={name: {1: "pieces"} for name in ("ids", "cases", "vectors", "tags", "values")},
                opset_version=OPSET,
                dynamo=False,
            )
        if bits == 8:
            from onnxruntime.quantization import QuantType, quantize_dynamic

            quantize_dynamic(str(plain), str(folder / "encoder.onnx"), per_channel=True, weight_type=QuantType.QInt8)
        else:
            shutil.copyfile(plain, folder / "encoder.onnx")
    heads: dict[str, Any] = {
        name: value.numpy().astype(np.float16)
        for name, value in model.state_dict().items()
        if not name.startswith(("encoder.", "tags.", "values."))
    }
    np.savez_compressed(folder / "heads.npz", **heads)
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(encoder / name, folder / name)
    (folder / "labels.json").write_text(json.dumps(labels.to_json(), indent=1, sort_keys=True) + "\n", "utf-8")
