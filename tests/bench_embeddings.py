"""Vectors of names by a small encoder: `PYTHON bench_embeddings.py ENCODER`, where PYTHON has torch and transformers.

A program of its own, because kg has no need of torch. Reads lines of JSON (a list of names) from standard input; the
answer is the mean of the last layer over the pieces of each name, in half precision and base64, and what that cost.
"""

from __future__ import annotations

import base64
import json
import resource
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    model = BertModel(BertConfig.from_json_file(str(folder / "config.json")), add_pooling_layer=False).eval()
    weights = {name: value.float() for name, value in load_file(folder / "model.safetensors").items()}
    weights.pop("embeddings.case_embeddings.weight", None)
    model.load_state_dict(weights, strict=False)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.enable_truncation(64)
    for line in sys.stdin:
        names = json.loads(line)
        began = time.process_time()
        ordered = sorted(range(len(names)), key=lambda place: len(names[place]))
        vectors = torch.zeros(len(names), model.config.hidden_size)
        with torch.inference_mode():
            for start in range(0, len(ordered), 64):
                places = ordered[start : start + 64]
                encoded = tokenizer.encode_batch([names[place] for place in places])
                ids = torch.tensor([one.ids for one in encoded])
                mask = torch.tensor([one.attention_mask for one in encoded])
                hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state * mask[..., None]
                vectors[places] = torch.nn.functional.normalize(hidden.sum(1) / mask.sum(1, keepdim=True), dim=1)
        answer = {
            "vectors": base64.b64encode(vectors.half().numpy().tobytes()).decode(),
            "width": vectors.shape[1],
            "seconds": time.process_time() - began,
            "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
