"""What can run in a child process: "file:function", called with the settings it was sent, returns JSON."""

__all__ = ["MEASUREMENTS"]

MEASUREMENTS = {
    "way": "load:measure_way",
    "limits": "load:measure_machine",
}
