#!/usr/bin/env python3
"""Trains the scorer of this example and writes model.pkl, with nothing but Python's standard library.

    ./train.py            train, print the held-out accuracy, write model.pkl
    ./train.py --check    train again and compare: exit 1 unless model.pkl says the same

The example's document names its inputs feature1 and feature2 and says no more of them, so the data are made up: points
of the unit square, labelled 1 where feature1 + 2 feature2 is large, with noise that no model can see through.
Logistic regression by plain gradient descent; everything follows from SEED.
"""

import argparse
import pathlib
import pickle
import random
import sys

from app.model import Model, PlainUnpickler, logistic

MODEL = pathlib.Path(__file__).parent / "model.pkl"
FEATURES = ["feature1", "feature2"]

SEED = 8501
ROWS = 600
HELD_OUT_ROWS = 200
NOISE = 0.25  # standard deviation of what is added before the label is drawn
STEPS = 4000
LEARNING_RATE = 1.0
DECIMALS = 6  # of the weights as stored, and so as measured
TOLERANCE = 10 ** (1 - DECIMALS)  # another C library's exp() may differ in the last digit


def main():
    parser = argparse.ArgumentParser(description="Train the scorer of this example.")
    parser.add_argument("--check", action="store_true", help="compare with model.pkl instead of writing it")
    check = parser.parse_args().check
    content = train()
    print(f"held-out accuracy: {content['held_out_accuracy']:.4f} ({HELD_OUT_ROWS} rows)")
    if not check:
        MODEL.write_bytes(pickle.dumps(content, protocol=4))
        return
    with open(MODEL, "rb") as file:
        if not same(content, PlainUnpickler(file).load()):
            sys.exit("model.pkl is not what train.py makes: run train.py")


def train():
    rows = data()
    training, held_out = rows[HELD_OUT_ROWS:], rows[:HELD_OUT_ROWS]
    weights, intercept = fit(training)
    content = {
        "kind": "logistic regression",
        "features": FEATURES,
        "weights": [round(weight, DECIMALS) for weight in weights],
        "intercept": round(intercept, DECIMALS),
        "training_rows": len(training),
        "seed": SEED,
    }
    model = Model(content)
    right = sum(model.predict(row)["prediction"] == label for row, label in held_out)
    content["held_out_accuracy"] = right / len(held_out)
    return content


def data():
    random_numbers = random.Random(SEED)
    rows = []
    for _ in range(ROWS):
        row = [random_numbers.random(), random_numbers.random()]
        rows.append((row, int(row[0] + 2 * row[1] + random_numbers.gauss(0, NOISE) > 1.5)))
    return rows


def fit(rows):
    weights, intercept = [0.0] * len(FEATURES), 0.0
    for _ in range(STEPS):
        slopes, intercept_slope = [0.0] * len(FEATURES), 0.0
        for row, label in rows:
            error = logistic(intercept + sum(w * x for w, x in zip(weights, row))) - label
            intercept_slope += error
            slopes = [slope + error * x for slope, x in zip(slopes, row)]
        weights = [w - LEARNING_RATE * slope / len(rows) for w, slope in zip(weights, slopes)]
        intercept -= LEARNING_RATE * intercept_slope / len(rows)
    return weights, intercept


def same(one, other):
    """Whether two models are equal but for the last digits of their weights."""

    def numbers(content):
        return content["weights"] + [content["intercept"]]

    def rest(content):
        return {key: value for key, value in content.items() if key not in ("weights", "intercept")}

    return rest(one) == rest(other) and all(abs(a - b) <= TOLERANCE for a, b in zip(numbers(one), numbers(other)))


if __name__ == "__main__":
    main()
