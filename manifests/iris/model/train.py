#!/usr/bin/env python3
"""Trains the iris classifier and writes model.json, with nothing but Python's standard library.

    ./train.py            train, print the held-out accuracy, write model.json
    ./train.py --check    train again and compare: exit 1 unless model.json says the same

Multinomial logistic regression by plain gradient descent on two thirds of the 150 flowers; the last third, of each
species alike, is only ever used to measure. Everything follows from SEED.
"""

import argparse
import csv
import datetime
import json
import pathlib
import random
import sys

from classifier import Classifier, softmax

HERE = pathlib.Path(__file__).parent
DATA = HERE / "iris.csv"
MODEL = HERE / "model.json"

SEED = 1936  # the year of Fisher's paper
HELD_OUT = 1 / 3
STEPS = 3000
LEARNING_RATE = 0.3
L2 = 0.001  # keeps the weights of separable classes from growing for ever
DECIMALS = 6  # of the weights as stored, and so as measured
TOLERANCE = 10 ** (1 - DECIMALS)  # another C library's exp() may differ in the last digit


def main():
    parser = argparse.ArgumentParser(description="Train the iris classifier.")
    parser.add_argument("--check", action="store_true", help="compare with model.json instead of writing it")
    check = parser.parse_args().check
    model = train()
    measured = model["held_out"]
    print(f"held-out accuracy: {measured['accuracy']:.4f} ({measured['right']} of {measured['rows']} rows)")
    for species, row in measured["confusion"].items():
        print(f"  {species:<11} predicted as {row}")
    if not check:
        MODEL.write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")
        return
    if not same(model, json.loads(MODEL.read_text(encoding="utf-8"))):
        sys.exit("model.json is not what train.py makes of iris.csv: run train.py")


def train():
    features, rows = read(DATA)
    classes = sorted({species for _, species in rows})
    training, held_out = split(rows, classes)
    weights, intercepts = fit([values for values, _ in training], [classes.index(s) for _, s in training], len(classes))
    model = {
        "kind": "multinomial logistic regression",
        "features": features,
        "classes": classes,
        "weights": [[round(w, DECIMALS) for w in row] for row in weights],
        "intercepts": [round(b, DECIMALS) for b in intercepts],
        "training": {
            "script": "train.py",
            "data": "iris.csv",
            "trained_on": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
            "rows": len(training),
            "seed": SEED,
            "steps": STEPS,
            "learning_rate": LEARNING_RATE,
            "l2": L2,
        },
    }
    model["held_out"] = measure(Classifier(model), held_out)
    return model


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        table = csv.reader(file)
        features = next(table)[:-1]
        return features, [([float(value) for value in row[:-1]], row[-1]) for row in table]


def split(rows, classes):
    """Training rows and held-out rows, every class in both by the same share."""
    shuffle = random.Random(SEED).shuffle
    training, held_out = [], []
    for species in classes:
        own = [row for row in rows if row[1] == species]
        shuffle(own)
        cut = round(len(own) * HELD_OUT)
        held_out += own[:cut]
        training += own[cut:]
    return training, held_out


def fit(rows, labels, class_count):
    """Weights and intercepts that apply to measurements in centimetres."""
    scaled, means, deviations = standardise(rows)
    width = len(means)
    weights = [[0.0] * width for _ in range(class_count)]
    intercepts = [0.0] * class_count
    for _ in range(STEPS):
        weight_slopes = [[0.0] * width for _ in range(class_count)]
        intercept_slopes = [0.0] * class_count
        for row, label in zip(scaled, labels):
            scores = [b + sum(w * x for w, x in zip(ws, row)) for ws, b in zip(weights, intercepts)]
            for c, probability in enumerate(softmax(scores)):
                error = probability - (c == label)
                intercept_slopes[c] += error
                for j, x in enumerate(row):
                    weight_slopes[c][j] += error * x
        for c in range(class_count):
            intercepts[c] -= LEARNING_RATE * intercept_slopes[c] / len(rows)
            for j in range(width):
                slope = weight_slopes[c][j] / len(rows) + L2 * weights[c][j]
                weights[c][j] -= LEARNING_RATE * slope
    return unscale(weights, intercepts, means, deviations)


def standardise(rows):
    """Rows with mean 0 and deviation 1 in every column, which is what lets plain gradient descent converge."""
    columns = list(zip(*rows))
    means = [sum(column) / len(column) for column in columns]
    deviations = [
        (sum((x - mean) ** 2 for x in column) / len(column)) ** 0.5 for column, mean in zip(columns, means)
    ]
    return [[(x - m) / d for x, m, d in zip(row, means, deviations)] for row in rows], means, deviations


def unscale(weights, intercepts, means, deviations):
    """The same classifier for rows that are not standardised."""
    raw = [[w / d for w, d in zip(row, deviations)] for row in weights]
    return raw, [b - sum(w * m for w, m in zip(row, means)) for row, b in zip(raw, intercepts)]


def measure(classifier, rows):
    confusion = {species: dict.fromkeys(classifier.classes, 0) for species in classifier.classes}
    for values, species in rows:
        confusion[species][classifier.predict(values)["prediction"]] += 1
    right = sum(confusion[species][species] for species in classifier.classes)
    return {"accuracy": round(right / len(rows), 4), "right": right, "rows": len(rows), "confusion": confusion}


def same(one, other):
    """Whether two models are equal but for the day of their training and the last digits of their weights."""

    def numbers(model):
        return [w for row in model["weights"] for w in row] + model["intercepts"]

    def rest(model):
        training = {key: value for key, value in model["training"].items() if key != "trained_on"}
        return [model["features"], model["classes"], model["held_out"], training]

    return rest(one) == rest(other) and all(abs(a - b) <= TOLERANCE for a, b in zip(numbers(one), numbers(other)))


if __name__ == "__main__":
    main()
