"""Model files on this machine: finding them, and checking them before anything is loaded."""

from __future__ import annotations

from pathlib import Path

from tts.errors import BadInput, MissingWeights, ModelError
from tts.files import json_text
from tts.models.card import ModelCard
from tts.models.gguf.convert import convert, converted

BUILT_IN = Path(__file__).parent / "builtin"
"""The folder of the built-in models, one folder per model."""

_LONGEST = 255  # of the name of a file
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "consolidated*.pt*")


def built_in(folder: Path) -> bool:
    """Return whether a folder is that of a model which comes with this package."""
    return folder.parent == BUILT_IN


def require(card: ModelCard) -> Path:
    """Return the folder of a model whose weights are complete; a GGUF file is converted first.

    Raises:
        MissingWeights: files are missing or damaged; the message says which command to run.
        ModelError: the weights have an unsupported format.
    """
    folder = convert(Path(card.folder)) if card.gguf else folder_of(card)
    pickles = sorted(p.name for pattern in _PICKLES for p in folder.glob(pattern)) if folder else []
    if folder is None or (card.hub and not pickles and not any(folder.glob("*.safetensors"))):
        raise MissingWeights(_absent(card))
    remedy = "delete that folder, so that the GGUF file is converted again" if card.gguf else "copy the folder again"
    remedy = f"run `hf download {card.hub} --force-download`" if card.hub else remedy
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(set(json_text.read(index)["weight_map"].values()))
            if any(not isinstance(name, str) or Path(name).name != name or len(name) > _LONGEST for name in names):
                raise ValueError("a name of it is no file's")
        except (BadInput, ValueError, KeyError, TypeError, AttributeError) as error:
            raise MissingWeights(f"{index} is damaged: {remedy}.") from error
    else:
        names = sorted(path.name for path in folder.glob("*.safetensors"))
    if not names and pickles:
        raise ModelError(
            f"{folder} holds {pickles[0]} but no .safetensors file, and such files can run code, so they are never "
            "read: where you trust it, load it with transformers once, write it anew with save_pretrained, and name "
            "that folder."
        )
    if not names:
        raise ModelError(
            f"{folder} holds no .safetensors file: save the model as safetensors; other forms are not read."
        )
    for name in names:
        if (problem := damage(folder / name)) is not None:
            raise MissingWeights(f"{folder / name} {problem}: {remedy}.")
    return folder


def damage(file: Path) -> str | None:
    """Describe what is wrong with a safetensors file, as far as header and size show, or return None."""
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        return "is missing"
    try:
        with safe_open(file, framework="numpy"):
            return None
    except (SafetensorError, OSError, ValueError) as error:
        reason = str(error).partition(":")[2].strip() or str(error)
        return f"is damaged ({reason.rstrip('.')})"


def _absent(card: ModelCard) -> str:
    if not card.hub:
        return f"the files of the built-in model {card.name} are missing: install tts-search again."
    size = f" (about {card.gigabytes:.1f} GB)" if card.parameters else ""
    gate = ""
    if card.gated:
        gate = f", after accepting its licence at https://huggingface.co/{card.hub} and `hf auth login`"
    return f"{card.name} is not on this machine: run `hf download {card.hub}`{size}{gate}."


def folder_of(card: ModelCard) -> Path | None:
    """Return the folder of the model's files, or None if they are not on this machine."""
    if card.gguf:
        return converted(Path(card.folder))
    if card.folder:
        return Path(card.folder)
    if card.hub:
        return hub_folder(card.hub)
    folder = BUILT_IN / card.name
    return folder if folder.is_dir() else None


def hub_folder(hub: str) -> Path | None:
    """Return the downloaded snapshot of a hub repository in the local cache; the network is never asked.

    It is that of the branch ``main``; where only other revisions were downloaded, the newest of them.
    """
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    try:
        root = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=hub, repo_type="model"))
    except ValueError:  # no name that the hub allows
        return None
    snapshots = sorted(root.glob("snapshots/*"), key=lambda path: path.stat().st_mtime, reverse=True)
    revisions = ["main"] if (root / "refs" / "main").is_file() else [path.name for path in snapshots]
    return next(filter(None, (_cached(hub, revision) for revision in revisions)), None)


def hub_gguf(hub: str) -> Path | None:
    """Return the downloaded snapshot of a hub repository that holds a GGUF file and no configuration, or None."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    try:
        root = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=hub, repo_type="model"))
    except ValueError:
        return None
    found = [path for path in root.glob("snapshots/*") if any(path.glob("*.gguf"))]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _cached(hub: str, revision: str) -> Path | None:
    """Return the folder of a downloaded revision of a hub repository that holds a model."""
    from huggingface_hub import constants, try_to_load_from_cache

    found = try_to_load_from_cache(hub, "config.json", cache_dir=constants.HF_HUB_CACHE, revision=revision)
    return Path(found).parent if isinstance(found, str) else None


def encoder_folder(name: str) -> Path:
    """Return the folder of an embedder. Raises MissingWeights where its files are not on this machine."""
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    found = hub_folder(name) if name.count("/") == 1 else None
    if found is None:
        raise MissingWeights(f"the embedder {name} is not on this machine: run `hf download {name}`, or name a folder.")
    return found
