"""The scorer itself: logistic regression, kept in model.pkl as plain dictionaries, lists, strings and numbers."""

import math
import pickle

MAX_MAGNITUDE = 1e6  # of a feature; keeps the exponential of `probability` finite


class PlainUnpickler(pickle.Unpickler):
    """Reads values without code.

    A pickle may name any function for the reader to call, so a forged one runs what its author likes. Plain values
    name none: whatever does is refused.
    """

    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"it names {module}.{name}; only plain values are read")


class Model:
    def __init__(self, content):
        """`content` is what model.pkl holds. Raises KeyError, TypeError or ValueError where it is something else."""
        self.features = [str(name) for name in content["features"]]
        self.weights = [float(weight) for weight in content["weights"]]
        self.intercept = float(content["intercept"])
        if len(self.weights) != len(self.features):
            raise ValueError("the weights do not fit the features")

    @classmethod
    def load(cls, path):
        with open(path, "rb") as file:
            return cls(PlainUnpickler(file).load())

    def row(self, request):
        """The numbers of one request, by feature name; a ValueError says what is wrong with it."""
        if not isinstance(request, dict):
            raise ValueError("the body is an object with the keys " + ", ".join(self.features))
        missing = [name for name in self.features if name not in request]
        unknown = sorted(set(request) - set(self.features))
        if missing or unknown:
            raise ValueError("; ".join(
                f"{what}: {', '.join(names)}" for what, names in (("missing", missing), ("unknown", unknown)) if names))
        return [number(name, request[name]) for name in self.features]

    def predict(self, row):
        probability = self.probability(row)
        return {"prediction": int(probability >= 0.5), "probability": round(probability, 6)}

    def probability(self, row):
        """That the label is 1."""
        return logistic(self.intercept + sum(weight * x for weight, x in zip(self.weights, row)))


def number(name, value):
    # bool is a kind of int in Python. NaN, which Python's JSON reader lets through, fails the comparison.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= MAX_MAGNITUDE:
        raise ValueError(f"{name} must be a number between -{MAX_MAGNITUDE:g} and {MAX_MAGNITUDE:g}")
    return float(value)


def logistic(score):
    if score < 0:  # the form whose exponential cannot overflow
        e = math.exp(score)
        return e / (1 + e)
    return 1 / (1 + math.exp(-score))
