"""Plans and made-up tickets for the tests of the search."""

from lottery_plugins.search.plan import plan_of
from lottery_plugins.search.simulated import Simulated, Truth

PRUNED = {"wanda": {"sparsity": {"low": 0.1, "high": 0.5, "step": 0.1}}}


def plan(**changes):
    """14 tickets on two tasks."""
    study = {
        "original": {"pretrained": "made-up"},
        "tasks": ["one", "two"],
        "documents": 96,
        "held_out": 200,
        "margin": 0.05,
        "space": {
            "compression": ["none", "int8", PRUNED],
            "augmentation": {"plain": None, "helped": {"two": {"retriever": "bm25", "reasoner": "react"}}},
        },
        "budget": {"trials": 30},
    }
    return plan_of({**study, **changes})


def truth(point):
    """Pruning loses, help gains; `helped` with half the weights gone still keeps the margin."""
    share = next((float(v) for name, v in point.items() if name.startswith("compression.")), 0.0)
    stored = 300 if point["compression"] == "int8" else int(1000 * (1 - share))
    loss = 0.4 * share + (0.12 if point["compression"] == "int8" else 0.0)
    gain = 0.3 if point.get("augmentation") == "helped" else 0.0
    return Truth(difference={"one": gain - loss, "two": gain - loss}, bytes=stored, tokens=100 + int(100 * gain))


def simulated(**changes):
    settings = {"truth": truth, "original": Truth(difference={}, bytes=1000), "rate": {"one": 0.5, "two": 0.6}}
    return Simulated(**{**settings, **changes})
