"""The iris classifier itself: multinomial logistic regression, read from model.json.

`serve.py` answers requests with it and `train.py` measures it, so that the accuracy in model.json is that of the very
code that serves.
"""

import json
import math

MAX_CENTIMETRES = 100.0  # no iris is larger; keeps the exponentials of `predict` finite


class Classifier:
    def __init__(self, model):
        """`model` is what model.json holds. Raises KeyError or ValueError where it does not hang together."""
        self.features = model["features"]
        self.classes = model["classes"]
        self.weights = model["weights"]
        self.intercepts = model["intercepts"]
        one_row_a_class = len(self.weights) == len(self.intercepts) == len(self.classes)
        if not one_row_a_class or any(len(row) != len(self.features) for row in self.weights):
            raise ValueError("the weights do not fit the classes and features")

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file))

    def measurements(self, instance):
        """The numbers of one instance, an object by feature name or a list in the order of `features`.

        Raises ValueError with a sentence for the caller where it is neither.
        """
        if isinstance(instance, list):
            if len(instance) != len(self.features):
                raise ValueError(f"an instance has {len(self.features)} numbers: {', '.join(self.features)}")
            instance = dict(zip(self.features, instance))
        if not isinstance(instance, dict):
            raise ValueError("an instance is an object with the keys " + ", ".join(self.features))
        missing = [name for name in self.features if name not in instance]
        if missing:
            raise ValueError("missing: " + ", ".join(missing))
        unknown = sorted(set(instance) - set(self.features))
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)} (known: {', '.join(self.features)})")
        return [centimetres(name, instance[name]) for name in self.features]

    def predict(self, row):
        """The most probable class of a row of measurements, and the probability of each class."""
        scores = [
            intercept + sum(weight * value for weight, value in zip(weights, row))
            for weights, intercept in zip(self.weights, self.intercepts)
        ]
        probabilities = softmax(scores)
        best = max(range(len(scores)), key=scores.__getitem__)
        return {
            "prediction": self.classes[best],
            "probabilities": {name: round(p, 6) for name, p in zip(self.classes, probabilities)},
        }


def centimetres(name, value):
    # bool is a kind of int in Python. NaN, which Python's JSON reader lets through, fails the comparison.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_CENTIMETRES:
        raise ValueError(f"{name} must be a number of centimetres between 0 and {MAX_CENTIMETRES:g}")
    return float(value)


def softmax(scores):
    top = max(scores)  # subtracted so that no exponential overflows
    exponentials = [math.exp(score - top) for score in scores]
    total = sum(exponentials)
    return [value / total for value in exponentials]
