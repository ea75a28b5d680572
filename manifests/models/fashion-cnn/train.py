"""Train the small network of fashion-cnn on the 60,000 pictures of the training split, and on nothing else.

One thread and a fixed seed: on one kind of processor and one version of PyTorch the weights come out the
same to the last bit. What is kept is a file of plain arrays, from which every format is made.
"""

import gzip
import sys
from typing import Any

import numpy
import torch

SEED = 20261125
EPOCHS = 10
BATCH = 256
PEAK_RATE = 8e-3
SMOOTHING = 0.03
WIDTHS = (16, 32)


def idx(path: str, header: int) -> "Any":
    """The bytes of an IDX file behind its header."""
    with gzip.open(path) as file:
        return numpy.frombuffer(file.read(), numpy.uint8, offset=header)


def network() -> torch.nn.Sequential:
    """Two convolutions and one layer that sees all: 20,490 parameters."""
    first, second = WIDTHS
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, first, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(first, second, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Dropout(0.1),
        torch.nn.Linear(second * 7 * 7, 10),
    )


def augmented(pictures: "Any") -> "Any":
    """The same pictures, half of them mirrored, all of them moved by one pixel at most."""
    mirrored = torch.rand(len(pictures)) < 0.5
    pictures = torch.where(mirrored[:, None, None, None], pictures.flip(3), pictures)
    down, right = (int(value) for value in torch.randint(0, 3, (2,)))
    return torch.nn.functional.pad(pictures, (1, 1, 1, 1))[:, :, down : down + 28, right : right + 28]


def train(pictures: "Any", labels: "Any") -> torch.nn.Sequential:
    """The trained network."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-3)
    steps = EPOCHS * -(-len(pictures) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    for epoch in range(EPOCHS):
        for chosen in torch.randperm(len(pictures)).split(BATCH):
            optimizer.zero_grad()
            loss = loss_of(model(augmented(pictures[chosen])), labels[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
        sys.stderr.write("epoch %d of %d: loss %.4f\n" % (epoch + 1, EPOCHS, loss.item()))
    return model.eval()


def main() -> None:
    """Write the weights under the names of the layers in layers.json."""
    made, files = sys.argv[1], dict(text.split("=", 1) for text in sys.argv[2:])
    pictures = torch.from_numpy(idx(files["pictures"], 16).reshape(-1, 1, 28, 28) / numpy.float32(255))
    model = train(pictures, torch.from_numpy(idx(files["labels"], 8).astype(numpy.int64)))
    weights = {}
    for name, place in (("conv1", 0), ("conv2", 3), ("logits", 8)):
        weights[name + ".weight"] = model[place].weight.detach().numpy()
        weights[name + ".bias"] = model[place].bias.detach().numpy()
    numpy.savez(made, **weights)


main()
