"""What pytest leaves out: the modules of the training, where PyTorch (the extra `train`) is not installed."""

from importlib.util import find_spec

collect_ignore = (
    [] if find_spec("torch") else [f"kg/extract/{name}.py" for name in ("joint", "train_encoder", "export_encoder")]
)
