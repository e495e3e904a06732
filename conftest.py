"""What pytest leaves out where PyTorch (the extra `train`) is not installed: `make test-train` installs and runs it."""

from importlib.util import find_spec

NEED_TORCH = [
    "kg/extract/joint.py",
    "kg/extract/train_encoder.py",
    "kg/extract/export_encoder.py",
    "kg/extract/pretrained.py",
    "tests/test_training.py",
]
#: Benches that are run in environments of their own.
APART = ["tests/bench_embeddings.py", "tests/bench_graphrag.py"]
collect_ignore = [*APART, *([] if find_spec("torch") else NEED_TORCH)]
