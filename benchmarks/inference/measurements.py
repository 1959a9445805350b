"""What can run in a child process: "file:function", called with the settings it was sent, returns JSON."""

__all__ = ["MEASUREMENTS"]

MEASUREMENTS = {
    "way": "load:measure_way",
    "limits": "load:measure_machine",
    "one_step_ours": "one_step:measure_ours",
    "one_step_hf": "one_step:measure_hf",
    "tools": "slow_tools:measure",
    "scheduler_real": "scheduling:measure_real",
    "scheduler_instant": "scheduling:measure_instant",
    "memory": "peak_memory:measure",
    "growth": "growth:measure",
}
