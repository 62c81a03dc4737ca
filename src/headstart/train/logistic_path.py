"""Multinomial logistic regression along a path of penalties, solved to convergence.

The objective for a penalty lambda, features x standardised over the training images:

    mean_i w_i [ -log softmax(W x_i + b)_{y_i} ] + lambda / 2 * ||W||^2,    b not penalised,

which is scikit-learn's `LogisticRegression` with C = 1 / (n lambda) and `sample_weight` w, here 1
for every image unless classes are weighted. It is convex, so its solution
depends on neither first weights nor a learning rate. Solved from the largest penalty down by
limited-memory BFGS (Liu and Nocedal 1989) with four savings: its first inverse Hessian is that of
the classes' mean curvature (one Cholesky factor shared by all classes), each solution starts from
the line through the two before it, pairs of earlier penalties stay in use (a change of the penalty
changes their gradient differences exactly by its own share), and products run in float32 until a
float64 gradient says that the point is good.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import cast

import numpy as np
import torch
from torch import Tensor

from headstart.train.precision import in_float64

LEAST_DEVIATION = 1e-6  # of a feature, as a share of the largest; below it the feature is constant
TOLERANCE = 1e-5
MOST_ITERATIONS = 10_000  # for one penalty, a quarter of them in float32
PAIRS = 40
LARGEST_FACTORED = 2048  # features; beyond, the curvature's diagonal stands for it
STALE = 20  # iterations after which the curvature is measured again
SINGLE = 3e-6  # gradients down to here are trusted to float32 products


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegularisationPath:
    """One head for each penalty, the largest penalty first, for features as they were given.

    Attributes:
        penalties: (penalties,), falling.
        weights: (penalties, classes, features), float64.
        biases: (penalties, classes), float64.
        iterations: (penalties,), gradients computed over all images to get there.
        gradients: (penalties,), the largest entry of the objective's gradient, by standardised
            weights and bias, in float64, at what is returned.
    """

    penalties: np.ndarray
    weights: np.ndarray
    biases: np.ndarray
    iterations: np.ndarray
    gradients: np.ndarray


def fit_path(
    features: Tensor | np.ndarray,
    labels: Tensor | np.ndarray,
    num_classes: int,
    penalties: Sequence[float],
    tolerance: float = TOLERANCE,
    weights: np.ndarray | None = None,
) -> RegularisationPath:
    """Heads for features (n, features) and class indices (n,), one for each penalty.

    Features are standardised by their own statistics for the fit, and this is folded into the heads
    (W' = W / sd, b' = b - W mean / sd), which take features as they are. `tolerance` bounds the
    largest entry of the gradient. A class without images keeps a probability below it. `weights`
    (n,) are those of the images' losses, with mean 1; None weights all alike.

    Raises:
        ValueError: a feature is not finite, a penalty is not above 0, or no image is given.
        ArithmeticError: a penalty did not come below the tolerance.
    """
    given = torch.as_tensor(features)
    if not len(given) or not bool(torch.isfinite(given).all()):
        raise ValueError("the features hold no image or numbers that are not finite")
    if min(penalties) <= 0:
        raise ValueError(f"got penalty {min(penalties):g}; every penalty must be above 0")
    given = in_float64(given, given.device)
    scaled, mean, deviation = _standardised(given)
    each = None if weights is None else torch.as_tensor(weights).to(scaled)
    on_device = torch.as_tensor(labels).to(given.device)
    solver = _Solver.of(scaled, on_device, each, num_classes, tolerance)
    falling = sorted(penalties, reverse=True)
    found = [solver.solve(penalty) for penalty in falling]
    heads = torch.stack([point.weights for point in found]) / deviation
    biases = torch.stack([point.bias for point in found]) - heads @ mean
    return RegularisationPath(
        penalties=np.array(falling),
        weights=heads.cpu().numpy(),
        biases=biases.cpu().numpy(),
        iterations=np.array([point.iterations for point in found]),
        gradients=np.array([point.gradient for point in found]),
    )


def _standardised(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Features with mean 0 and deviation 1, constant ones 0; their means and deviations."""
    mean = features.mean(0)
    deviation = features.std(0, correction=0)
    size = torch.maximum(deviation.max(), features.abs().max() * LEAST_DEVIATION)
    still = deviation <= LEAST_DEVIATION * size
    deviation = torch.where(still, torch.ones_like(deviation), deviation)
    scaled = (features - mean) / deviation
    scaled[:, still] = 0
    return scaled, mean, deviation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """A head, its logits on the training images (classes, n), and how good it is."""

    penalty: float
    weights: Tensor
    bias: Tensor
    logits: Tensor
    iterations: int
    gradient: float


@dataclass(slots=True, kw_only=True)
class _Solver:
    """One problem with what is kept from penalty to penalty.

    Heads are matrices (classes, columns + 1), the bias last. Columns are the features, or, with
    more features than images, coordinates in the space the images span: a rotation, which changes
    neither logits nor penalty.
    """

    columns: Tensor
    basis: Tensor | None  # (columns, features), orthonormal rows
    features: Tensor
    truth: Tensor  # (classes, n), one where the class is the image's
    image_weights: Tensor | None  # (n,), None where all are 1
    tolerance: float
    single: Tensor  # the columns in float32
    pairs: deque[tuple[Tensor, Tensor, float]] = field(default_factory=lambda: deque(maxlen=PAIRS))
    done: list[tuple[float, Tensor, Tensor]] = field(default_factory=list)
    curvature: Tensor | None = None
    age: int = 0

    @classmethod
    def of(
        cls,
        features: Tensor,
        labels: Tensor,
        weights: Tensor | None,
        num_classes: int,
        tolerance: float,
    ) -> "_Solver":
        """A problem with nothing solved yet."""
        columns, basis = features, None
        if features.shape[1] > len(features):
            turned, triangle = torch.linalg.qr(features.T)
            columns, basis = triangle.T.contiguous(), turned.T.contiguous()
        truth = features.new_zeros(num_classes, len(features))
        truth[labels, torch.arange(len(labels), device=labels.device)] = 1
        return cls(
            columns=columns,
            basis=basis,
            features=features,
            truth=truth,
            image_weights=weights,
            tolerance=tolerance,
            single=columns.float(),
        )

    def solve(self, penalty: float) -> _Point:
        """The head for a penalty no larger than those before.

        Raises:
            ArithmeticError: the gradient did not come below the tolerance.
        """
        head, logits = self._first(penalty)
        self._shift_pairs(penalty)
        goal, iterations = self.tolerance, 0
        while True:
            head, logits, used = self._descend(penalty, head, logits, goal)
            iterations += used
            logits = _logits(head, self.columns)
            largest = self._largest(head, logits, penalty)
            if largest < self.tolerance:
                break
            if iterations >= MOST_ITERATIONS or goal < 1e-6 * self.tolerance:
                raise ArithmeticError(
                    f"the head did not converge with penalty {penalty:g}: after {iterations} "
                    f"iterations the gradient is {largest:.2g}, not below {self.tolerance:g}"
                )
            goal /= 4
        self.done = [*self.done[-1:], (penalty, head, logits)]
        return _Point(
            penalty=penalty,
            weights=head[:, :-1] if self.basis is None else head[:, :-1] @ self.basis,
            bias=head[:, -1],
            logits=logits,
            iterations=iterations,
            gradient=largest,
        )

    def _first(self, penalty: float) -> tuple[Tensor, Tensor]:
        """Where to start: on the line through the two solutions before, by the penalty's log."""
        if not self.done:
            head = self.columns.new_zeros(len(self.truth), self.columns.shape[1] + 1)
            shares = _weighted(self.truth, self.image_weights).mean(1)
            head[:, -1] = torch.log(shares.clamp_min(self.tolerance / 10))
            return head, _logits(head, self.columns)
        last, head, logits = self.done[-1]
        if len(self.done) == 1 or self.done[0][0] == last:
            return head, logits
        before, head_before, logits_before = self.done[0]
        ahead = min(1.0, log(penalty / last) / log(last / before))
        return head + ahead * (head - head_before), logits + ahead * (logits - logits_before)

    def _shift_pairs(self, penalty: float) -> None:
        """Gradient differences as they would have been with this penalty."""
        if self.done:
            change = self._penalties(penalty) - self._penalties(self.done[-1][0])
            before, self.pairs = self.pairs, deque(maxlen=PAIRS)
            for step, rise, _ in before:
                self._remember(step, rise + change * step)

    def _penalties(self, penalty: float) -> Tensor:
        """The penalty of every column, none for the bias."""
        each = self.columns.new_full((self.columns.shape[1] + 1,), penalty)
        each[-1] = 0
        return each

    def _descend(
        self, penalty: float, head: Tensor, logits: Tensor, goal: float
    ) -> tuple[Tensor, Tensor, int]:
        """Limited-memory BFGS until the gradient's largest entry is below `goal`."""
        columns, most = self.columns, MOST_ITERATIONS
        if goal >= SINGLE:
            columns, most = self.single, MOST_ITERATIONS // 4
        each = self._penalties(penalty)
        truth, logits = self.truth.to(columns.dtype), logits.to(columns.dtype)
        weights = self.image_weights
        if weights is not None:
            weights = weights.to(columns.dtype)
        residuals = _residuals(logits, truth, weights)
        gradient = _gradient(residuals, columns) + each * head
        factor: Tensor | None = None
        used = 0
        while float(gradient.abs().max()) >= goal and used < most:
            if factor is None:
                chances = residuals if weights is None else residuals / weights
                factor = self._factor(chances + truth, each)
            ahead = -self._inverse_hessian(gradient, factor)
            grad = _dot(gradient, ahead)
            if grad >= 0:  # rounding alone can turn it; begin again without memory
                if not self.pairs:
                    break
                self.pairs.clear()
                continue
            turn = _logits(ahead, columns)
            pull, bend = (_dot(each * other, ahead) for other in (head, ahead))
            length, residuals = _search(logits, turn, (truth, weights), (grad, pull, bend))
            logits = logits.add(turn, alpha=length)
            step = length * ahead
            head = head + step
            new = _gradient(residuals, columns) + each * head
            self._remember(step, new - gradient)
            gradient = new
            used += 1
        self.age += used
        return head, logits, used

    def _remember(self, step: Tensor, rise: Tensor) -> None:
        """Keep a step, how the gradient rose on it and their product, if more than rounding."""
        product = _dot(step, rise)
        if product > 1e-10 * float(step.norm() * rise.norm()):
            self.pairs.append((step, rise, product))

    def _factor(self, chances: Tensor, each: Tensor) -> Tensor:
        """The Cholesky factor (float32) of the mean curvature, or the root of its diagonal."""
        if self.curvature is None or self.age >= STALE:
            self.curvature, self.age = self._measured(chances), 0
        curvature = self.curvature.clone()
        if curvature.ndim == 1:
            return (curvature + each).sqrt().float()
        diagonal = curvature.diagonal()
        ridge = 1e-6 * diagonal.mean()
        diagonal += each
        while True:  # its float32 products may fall short of positive by rounding
            diagonal += ridge
            factor, failed = torch.linalg.cholesky_ex(curvature)
            if not int(failed):
                return cast(Tensor, factor.float())
            ridge = 10 * ridge

    def _measured(self, chances: Tensor) -> Tensor:
        """The Hessian of the mean loss for one class, averaged over the classes."""
        weight = ((1 - (chances * chances).sum(0)) / max(1, len(chances) - 1)).float()
        weight = _weighted(weight, self.image_weights)
        weighted = self.single * weight[:, None]
        num, width = self.single.shape
        if width > LARGEST_FACTORED:
            inner = (weighted * self.single).sum(0)
            return torch.cat([inner, weight.sum()[None]]).double() / num
        whole = weight.new_empty(width + 1, width + 1)
        whole[:-1, :-1] = self.single.T @ weighted
        whole[-1, :-1] = whole[:-1, -1] = weighted.sum(0)
        whole[-1, -1] = weight.sum()
        return whole.double() / num

    def _inverse_hessian(self, gradient: Tensor, factor: Tensor) -> Tensor:
        """The two-loop recursion (Nocedal 1980) around the factored curvature."""
        out = gradient.clone()
        shares = []
        for step, rise, product in reversed(self.pairs):
            shares.append(_dot(step, out) / product)
            out.add_(rise, alpha=-shares[-1])
        if factor.ndim == 1:
            out /= factor.double() ** 2
        else:
            out = torch.cholesky_solve(out.float().T, factor).T.double().contiguous()
        for (step, rise, product), share in zip(self.pairs, reversed(shares), strict=True):
            out.add_(step, alpha=share - _dot(rise, out) / product)
        return out

    def _largest(self, head: Tensor, logits: Tensor, penalty: float) -> float:
        """The largest entry of the gradient by standardised weights and bias, in float64."""
        residuals = _residuals(logits, self.truth, self.image_weights)
        gradient = _gradient(residuals, self.columns)
        gradient += self._penalties(penalty) * head
        inner = gradient[:, :-1] if self.basis is None else gradient[:, :-1] @ self.basis
        return max(float(inner.abs().max()), float(gradient[:, -1].abs().max()))


def _dot(one: Tensor, other: Tensor) -> float:
    return float(torch.dot(one.ravel(), other.ravel()))


def _logits(head: Tensor, columns: Tensor) -> Tensor:
    """Logits (classes, n): a column for each image, so that classes are summed along rows."""
    head = head.to(columns.dtype)
    return (columns @ head[:, :-1].T).T.contiguous().add_(head[:, -1:])


def _weighted(values: Tensor, weights: Tensor | None) -> Tensor:
    """Values (..., n) times the weight of each image."""
    return values if weights is None else values * weights.to(values.dtype)


def _residuals(logits: Tensor, truth: Tensor, weights: Tensor | None) -> Tensor:
    """Softmax less truth (classes, n), times the weight of each image."""
    raised = (logits - logits.amax(0)).exp_()
    return _weighted(raised.div_(raised.sum(0)).sub_(truth), weights)


def _gradient(residuals: Tensor, columns: Tensor) -> Tensor:
    """The mean loss's gradient (classes, columns + 1) from residuals (classes, n)."""
    inner, outer = residuals @ columns, residuals.sum(1, keepdim=True)
    return torch.cat([inner, outer], 1).double() / residuals.shape[1]


def _search(
    logits: Tensor,
    turn: Tensor,
    goal: tuple[Tensor, Tensor | None],
    along: tuple[float, float, float],
) -> tuple[float, Tensor]:
    """How far to go along a line, and the residuals there: where the slope is at most half as much.

    `goal` is the truth and the weights of the images, `along` the objective's slope at the start,
    and the penalty's own slope and curvature. Logits are linear along the line, so this costs no
    product with the features. Slopes and not values are compared, as they lose no digits near the
    minimum (Hager and Zhang 2005).
    """
    grad, pull, bend = along
    length, low, high, slope_low = 1.0, 0.0, float("inf"), grad
    residuals = logits
    for _ in range(30):
        residuals = _residuals(logits.add(turn, alpha=length), *goal)
        mean = _dot(residuals, turn) / logits.shape[1]
        here = mean + pull + length * bend
        if abs(here) <= 0.5 * abs(grad):
            break
        guess = length - here * (length - low) / (here - slope_low) if here != slope_low else low
        if here > 0:
            high = length
        else:
            low, slope_low = length, here
        if low < guess < min(high, 10 * length):
            length = guess
        else:
            length = (low + high) / 2 if high < float("inf") else 4 * length
    return length, residuals
