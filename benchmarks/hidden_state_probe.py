"""How near the hidden state of the verifier's probe stays when a model is rounded or pruned: what `other_model` is for.

python benchmarks/hidden_state_probe.py MODEL [compression ...]
"""

import math
import sys

from lottery_plugins.harness.reading import FeatureModel
from lottery_plugins.messages import Message
from lottery_plugins.verifiers.classifier import PROBE

WAYS = ("dtype=bfloat16", "compression=int8", "compression=int4", "compression=wanda:sparsity=0.3")


def state(arguments):
    model = FeatureModel(arguments)
    return [
        model.read((Message("user", text),), is_chat=False).values for text in (PROBE, "Some other text altogether.")
    ]


def cosine(one, other):
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))


def main():
    pretrained, *ways = sys.argv[1:]
    plain = {"pretrained": pretrained, "dtype": "float32"}
    own, elsewhere = state(plain)
    print(f"another text, same model: cosine {cosine(own, elsewhere):.5f}")
    for way in ways or WAYS:
        name, _, value = way.partition("=")
        print(f"{way}: cosine {cosine(own, state({**plain, name: value})[0]):.5f}", flush=True)


if __name__ == "__main__":
    main()
