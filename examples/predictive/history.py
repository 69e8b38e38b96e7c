"""The history of the load, step by step, in a file that is always whole."""
import json
import math
import os
import sys


def add(path, step, most, now, load):
    """The loads of the last steps, at most so many, with that of now, which is in seconds. They are kept in the file."""
    slot = round(now / step)  # a pass is a little early or late
    values = after(read(path, step), slot, load, most)[-most:]
    write(path, {"step": step, "slot": slot, "values": values})
    return values


def after(history, slot, load, most):
    """The values with one more, and with those between that are missing."""
    if history is None:
        return [load]
    values, gap = history["values"], slot - history["slot"]
    if gap < 0:
        return afresh(f"the time went back by {-gap} steps", load)
    if gap > most:
        return afresh(f"{gap} steps are missing", load)
    if gap == 0:  # another pass within the step
        return values[:-1] + [load]
    return values + [values[-1] + (load - values[-1]) * i / gap for i in range(1, gap + 1)]


def afresh(why, load=None):
    print(f"the history starts afresh: {why}", file=sys.stderr)
    return None if load is None else [load]


def read(path, step):
    """What is in the file, or None where there is none, or none of ours."""
    try:
        with open(path, encoding="utf-8") as file:
            history = json.load(file)
    except FileNotFoundError:
        return None
    except ValueError as error:  # torn, or no JSON at all
        return afresh(f"{path}: {error}")
    except OSError as error:
        sys.exit(f"the history cannot be read: {error}")
    if not ours(history):
        return afresh(f"{path} is not a history")
    if history["step"] != step:
        return afresh(f"{path} has steps of {history['step']} seconds, not {step}")
    return history


def ours(history):
    if not isinstance(history, dict) or type(history.get("slot")) is not int or type(history.get("step")) is not int:
        return False
    values = history.get("values")
    return isinstance(values, list) and len(values) > 0 and all(type(v) in (int, float) and math.isfinite(v) for v in values)


def write(path, history):
    """Writes a new file in its place, so that nobody ever finds half of one."""
    new = f"{path}.{os.getpid()}"
    try:
        with open(new, "w", encoding="utf-8") as file:
            json.dump(history, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError as error:
        sys.exit(f"the history cannot be kept: {error}")
