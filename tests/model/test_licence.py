"""What the licence of a checkpoint means is said in words."""

from pathlib import Path

import pytest
from fresh_models import fresh_model
from safetensors.numpy import save_file
from trained import trained

from headstart.core.errors import OutputError
from headstart.flow import Wanted, open_model
from headstart.model.export.export import export_model
from headstart.model.licence import checkpoint_sentences, licence_meaning
from headstart.networks.checkpoints.catalogue import KNOWN_FILES
from headstart.networks.libraries.timm_networks import ADAPTER
from headstart.networks.licences import checkpoint_licence
from headstart.study.network import LibraryNetwork
from photos import photo_folder, photo_study

LITE = LibraryNetwork(kind="timm", name="tf_efficientnet_lite0")


def test_the_licence_is_the_files_or_else_the_librarys() -> None:
    (known,) = (file for file in KNOWN_FILES if file.file.startswith("efficientnet-lite0"))
    assert checkpoint_licence(LITE, known.sha256, own_file=True) == "apache-2.0"
    assert checkpoint_licence(LITE, "0" * 64, own_file=True) == ""
    assert checkpoint_licence(LITE, "0" * 64, own_file=False) == "apache-2.0"
    dino = LibraryNetwork(kind="timm", name="vit_tiny_patch16_dinov3_qkvb")
    assert checkpoint_licence(dino, "0" * 64, own_file=False) == ADAPTER.licence(dino.name)
    shuffle = LibraryNetwork(kind="torchvision", name="shufflenet_v2_x0_5")
    assert checkpoint_licence(shuffle, "0" * 64, own_file=False) == ""


@pytest.mark.parametrize(
    ("licence", "meaning"),
    [
        ("apache-2.0", "apache-2.0."),
        ("", "NOT KNOWN. Find it out before you use or pass on this model."),
        ("unknown", "NOT KNOWN. Find it out before you use or pass on this model."),
        ("cc-by-nc-4.0", "cc-by-nc-4.0, which FORBIDS COMMERCIAL USE, of this model too."),
        (
            "fair-noncommercial-research-license",
            "fair-noncommercial-research-license, which FORBIDS COMMERCIAL USE, of this model too.",
        ),
        (
            "apple-ascl",
            "apple-ascl, which has conditions. Read it before you use or pass on this model.",
        ),
    ],
)
def test_a_licence_in_words(licence: str, meaning: str) -> None:
    assert licence_meaning(licence) == meaning


def test_a_model_names_the_checkpoint_that_it_rests_on(tmp_path: Path) -> None:
    weights = fresh_model("timm:test_resnet").weights
    save_file(weights, tmp_path / "own.safetensors")
    study = photo_study(
        photo_folder(tmp_path / "photos"),
        network=None,
        sources={
            "mine": {
                "pretrained": "timm:test_resnet",
                "weights": str(tmp_path / "own.safetensors"),
            }
        },
        pairs=[{"source": "mine", "target": "target"}],
        arms=["scratch", "probe"],
        training={"updates": 4, "batch_size": 8, "validations": 2},
    )
    folder = trained(study, tmp_path / "store")
    opened = open_model(folder, "photos", Wanted(arm="probe"))
    checkpoint, licence = checkpoint_sentences(opened)
    assert checkpoint.startswith("Checkpoint: timm:test_resnet, file of SHA-256 ")
    assert licence == (
        "Licence of the checkpoint: NOT KNOWN. Find it out before you use or pass on this model."
    )
    done = export_model(opened, tmp_path / "out" / "model.safetensors")
    assert licence in done.files[-1].read_text(encoding="utf-8")
    assert [path.name for path in done.files] == [
        "model.safetensors",
        "config.json",
        "model.safetensors.md",
    ]
    assert checkpoint_sentences(open_model(folder, "photos", Wanted(arm="scratch"))) == ()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"colours": true}')
    with pytest.raises(OutputError, match="is there and is no network's"):
        export_model(opened, tmp_path / "other" / "model.safetensors")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["config.json"]
