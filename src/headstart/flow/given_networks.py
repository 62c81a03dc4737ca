"""A network as it is in memory, as a study names it: kept in the cache by content."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from headstart.core.errors import NetworkError
from headstart.core.files import cache_folder
from headstart.data.given.pixels import Sides
from headstart.networks.keras.keep import is_keras_model, kept_model
from headstart.study.declared import NAMED_NETWORKS, DeclaredNetwork, Flatten
from headstart.study.network import LibraryNetwork
from headstart.study.network_facts import Shape

FOLDER = "models"
"""Below the cache, where models that were in memory are kept."""
LEAST_SIDE = 10  # of images that two convolutions and poolings leave something of
DRAWN = "its weights are not used: every seed draws its own; source=model starts from them"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenNetwork:
    """A network in the words of a study.

    Attributes:
        network: a name, or a table.
        weights: the file of its weights, where they are not in the network's own.
        notes: what became of what was given.
    """

    network: Any
    weights: str | None = None
    notes: tuple[str, ...] = ()


def is_model(given: object) -> bool:
    """Whether something is a model in memory, or what makes one, and no name."""
    return is_keras_model(given) or _is_module(given) or callable(given)


def needs_image(given: object) -> bool:
    """Whether a model is run once on an image to be read."""
    return _is_module(given) and not is_keras_model(given)


def sides_of(given: Any) -> Sides | None:
    """What a model says of its input, without the batch; None where it does not say."""
    if is_keras_model(given):
        shape = getattr(given, "input_shape", None)
        return tuple(shape[1:]) if isinstance(shape, tuple) else None
    network = NAMED_NETWORKS.get(given) if isinstance(given, str) else given
    if isinstance(network, DeclaredNetwork) and isinstance(network.stages[0].layers[0], Flatten):
        return (None,)
    return None


def fits(sides: Sides | None, image: Shape) -> bool:
    """Whether images (height, width, channels) are as a model says."""
    if sides is None:
        return True
    height, width, channels = image
    if len(sides) == 1:
        return sides[0] in (None, height * width * channels)
    known = (*sides, 1)[:3]
    return all(one in (None, other) for one, other in zip(known, image, strict=True))


def network_of(given: Any, image: Shape | None) -> GivenNetwork:
    """A network that every seed draws first weights of.

    Args:
        given: a Keras model, a torch module, a function or class that makes one, a name or a table.
        image: (height, width, channels) of the images; a torch module needs it.

    Raises:
        NetworkError: it cannot be kept, or is no network.
    """
    if is_keras_model(given):
        return _architecture(given)
    if _is_module(given):
        from headstart.networks.libraries.kept_module import kept_module

        path = kept_module(given, _known(image), cache_folder() / FOLDER)
        notes = (f"{_kind(given)} kept as it is, run as a torch module", DRAWN, _reset(given))
        return GivenNetwork(network=f"module:{path}", notes=notes)
    if callable(given):
        from headstart.networks.libraries.kept_module import kept_maker

        path = kept_maker(given, cache_folder() / FOLDER)
        name = getattr(given, "__name__", _kind(given))
        how = f"{name}(num_classes) makes it, for every seed anew"
        return GivenNetwork(network=f"module:{path}", notes=(how,))
    if isinstance(given, str | Mapping | DeclaredNetwork | LibraryNetwork):
        plain = given.model_dump(mode="json") if hasattr(given, "model_dump") else given
        return GivenNetwork(network=plain)
    raise NetworkError(
        f"got {_kind(given)}. Expected a Keras model, a torch module or a function that makes one, "
        "or a name such as 'cnn-small' or 'timm:resnet18'."
    )


def default_network(image: Shape | None) -> GivenNetwork:
    """A network for images when none is given."""
    small = image is not None and min(image[:2]) < LEAST_SIDE
    name = "mlp-small" if small else "cnn-small"
    return GivenNetwork(network=name, notes=(f"{name}, for none was given",))


def checkpoint_of(model: Any, image: Shape | None) -> GivenNetwork:
    """A network with its weights, to start from.

    Raises:
        NetworkError: it cannot be kept.
    """
    if is_keras_model(model):
        from headstart.networks.keras.adapter import ADAPTER
        from headstart.networks.keras.compiled import is_trained

        path = str(kept_model(model, cache_folder() / FOLDER, weights=True))
        untrained = getattr(model, "optimizer", None) is not None and not is_trained(model)
        doubt = ("it was compiled and took no step: are these the weights meant?",)
        notes = (*ADAPTER.notes(path), *(doubt if untrained else ()))
        return GivenNetwork(network=f"keras:{path}", notes=notes)
    if not _is_module(model):
        raise NetworkError(
            f"got {_kind(model)}, which has no weights. Expected a trained Keras model or torch "
            "module, or 'timm:NAME'."
        )
    from headstart.networks.libraries.kept_module import kept_module, kept_weights

    folder = cache_folder() / FOLDER
    path = kept_module(model, _known(image), folder)
    weights = str(kept_weights(model, folder))
    return GivenNetwork(
        network=f"module:{path}",
        weights=weights,
        notes=(f"{_kind(model)} with the weights that it has now", _reset(model)),
    )


def _architecture(model: Any) -> GivenNetwork:
    """A Keras model by its layers: declared where they allow it, else as a Keras file."""
    from headstart.networks.keras.adapter import ADAPTER
    from headstart.networks.keras.compiled import compiled_note, is_trained
    from headstart.networks.keras.declare import declaration

    path = str(kept_model(model, cache_folder() / FOLDER, weights=False))
    declared = declaration(path)
    compiled = compiled_note(model)
    more = (*([DRAWN] if is_trained(model) else []), *([compiled] if compiled else []))
    if declared.network is not None:
        network = declared.network.model_dump(mode="json")
        return GivenNetwork(network=network, notes=(*declared.notes, *more))
    notes = (*ADAPTER.notes(path), *declared.notes, *more)
    return GivenNetwork(network=f"keras:{path}", notes=notes)


def _is_module(given: object) -> TypeGuard[Any]:
    """Whether something is a torch module; torch is not imported for what is none."""
    return any(
        kind.__module__ == "torch.nn.modules.module" and kind.__name__ == "Module"
        for kind in type(given).__mro__
    )


def _known(image: Shape | None) -> Shape:
    if image is None:
        raise NetworkError(
            "a torch module is run once on an image to find its stages, and the images have "
            "several sizes or could not be read. Give arrays, or a function that makes the module."
        )
    return image


def _reset(module: Any) -> str:
    frozen = sum(not one.requires_grad for one in module.parameters())
    drawn = "first weights as the layers' own reset_parameters draw them"
    return f"{drawn}; {frozen} frozen tensors: here the strategy decides" if frozen else drawn


def _kind(given: object) -> str:
    return type(given).__name__
