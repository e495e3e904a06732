"""The joint model with the weights that its training begins with: those of a BERT or MPNet, or of a model of kg."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from kg.extract import labels as label_sets
from kg.extract.joint import JointModel
from kg.extract.labels import Labels


def load_encoder(folder: Path, labels: Labels, dropout: float = 0.1) -> JointModel:
    """A joint model for these labels with the weights of a folder; what it lacks is drawn at random.

    The folder holds `config.json` and `model.safetensors`, with the names that BERT or MPNet have, or what the
    component `kg_encoder` of a trained model wrote. `dropout` is that of the heads; the encoder's own is in its config.
    """
    config = json.loads((folder / "config.json").read_text("utf-8"))
    model = JointModel(config, labels, dropout)
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=config["initializer_range"])
    nn.init.zeros_(model.encoder.cases.weight)
    state = model.state_dict()
    if (folder / "encoder.onnx").is_file():
        state |= _served_state(folder, labels, state)
    else:
        weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
        state |= {f"encoder.{name}": tensor for name, tensor in _bert_state(weights, config).items()}
    model.load_state_dict(state)
    return model


def _bert_state(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Our names for the weights of a BERT or MPNet."""
    state = {
        "words.weight": weights["embeddings.word_embeddings.weight"],
        "positions.weight": weights["embeddings.position_embeddings.weight"],
    }
    if config.get("model_type") == "mpnet":
        state["relative.weight"] = weights["encoder.relative_attention_bias.weight"]
        attention, out, norm = ("attn.q", "attn.k", "attn.v"), "attn.o", "LayerNorm"
    else:
        state["kind"] = weights["embeddings.token_type_embeddings.weight"][0]
        attention, out, norm = ("self.query", "self.key", "self.value"), "output.dense", "output.LayerNorm"
    if "embeddings.case_embeddings.weight" in weights:
        state["cases.weight"] = weights["embeddings.case_embeddings.weight"]
    parts = [("norm", "embeddings.LayerNorm")]
    for number in range(config["num_hidden_layers"]):
        own, layer = f"layers.{number}", f"encoder.layer.{number}"
        for kind in ("weight", "bias"):
            state[f"{own}.qkv.{kind}"] = torch.cat([weights[f"{layer}.attention.{part}.{kind}"] for part in attention])
        parts += [
            (f"{own}.out", f"{layer}.attention.{out}"),
            (f"{own}.norm1", f"{layer}.attention.{norm}"),
            (f"{own}.up", f"{layer}.intermediate.dense"),
            (f"{own}.down", f"{layer}.output.dense"),
            (f"{own}.norm2", f"{layer}.output.LayerNorm"),
        ]
    for ours, theirs in parts:
        for kind in ("weight", "bias"):
            state[f"{ours}.{kind}"] = weights[f"{theirs}.{kind}"]
    return state


def _served_state(folder: Path, labels: Labels, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a model of kg; of what a head says of each label, that of labels with the same name."""
    theirs = label_sets.from_json(json.loads((folder / "labels.json").read_text("utf-8")))
    with np.load(folder / "heads.npz", allow_pickle=False) as arrays:
        weights = {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays.files}
    weights |= _onnx_state(folder / "encoder.onnx")
    by_label: dict[str, tuple[Sequence[str], Sequence[str]]] = {
        "tags": (labels.tags, theirs.tags),
        "types": (labels.types, theirs.types),
        "role": (labels.roles, theirs.roles),
        "relation": (labels.relations, theirs.relations),
    }
    for layer, (ours, others) in by_label.items():
        for name in (f"{layer}.weight", f"{layer}.bias"):
            if name not in state:
                continue  # types have no bias
            rows = state[name].clone()
            for number, label in enumerate(ours):
                if label in others:
                    rows[number] = weights[name][others.index(label)]
            weights[name] = rows
    return weights


def _onnx_state(path: Path) -> dict[str, Tensor]:
    """The weights that `export_encoder` wrote, in 32 bits, under the names of the joint model."""
    import onnx
    from onnx.numpy_helper import to_array

    graph = onnx.load(str(path)).graph
    stored = {tensor.name: to_array(tensor) for tensor in graph.initializer}
    for name in stored:
        if name.endswith("_quantized"):
            own = name.removesuffix("_quantized")
            whole = stored[name].astype(np.float32) - stored[f"{own}_zero_point"].astype(np.float32)
            stored[name] = whole * stored[f"{own}_scale"]
    state = {
        name.removesuffix("_quantized"): array
        for name, array in stored.items()
        if name.startswith(("encoder.", "tags.", "values.")) and not name.endswith(("_scale", "_zero_point"))
    }
    for node in graph.node:
        if node.op_type in ("MatMul", "MatMulInteger") and node.input[1] in stored:
            layer = node.name.strip("/").rpartition("/")[0].replace("/", ".")
            state[f"{layer}.weight"] = stored[node.input[1]].T
    return {name: torch.from_numpy(np.array(array, np.float32)) for name, array in state.items()}
