"""Spaces of more than one kind: what a value's numbers are, and values from numbers.

.NET hands over actions as rows of numbers and takes observations as rows of floats. A space is described to it as
JSON; the order of the numbers is the order in which the parts are described.
"""
import json

import numpy as np

from rlleap_arrays import Refused, is_a

LEAST_OF_IMAGE = 8  # smaller arrays may be boards or tables: they are vectors


def parts_of(space):
    """(name, space) of a Dict's or a Tuple's parts; None for other spaces."""
    if is_a(space, "Dict"):
        return [(str(name), part) for name, part in space.spaces.items()]
    if is_a(space, "Tuple"):
        return [(str(i), part) for i, part in enumerate(space.spaces)]
    return None


def picked(value, space, key):
    """The part of a Dict's or a Tuple's value that belongs to the key."""
    return value[key] if is_a(space, "Dict") else value[int(key)]


class Actions:
    """Actions of N copies as rows of K numbers."""

    def __init__(self, space):
        self.space = space
        self.length, self._one, self._all, description = _reader(space, 0)
        self.description = json.dumps(description)

    def one(self, row):
        """The action of one copy."""
        return self._one(row)

    def all(self, rows):
        """The actions of all copies, as a vector environment takes them."""
        return self._all(rows)


def _reader(space, start):
    """(numbers, action of a row, actions of rows, description) of a space whose numbers begin at start."""
    parts = parts_of(space)
    if parts is not None:
        return _reader_of_parts(space, parts, start)
    if is_a(space, "Discrete"):
        first = int(getattr(space, "start", 0))
        return (1, lambda row: int(row[start]) + first, lambda rows: rows[:, start].astype(np.int64) + first,
                dict(kind="discrete", n=int(space.n)))
    if is_a(space, "Box"):
        shape, dtype = tuple(int(k) for k in space.shape), np.dtype(space.dtype)
        count, whole = int(np.prod(shape)), np.dtype(space.dtype).kind in "iu"
        if count == 0 or dtype.kind not in "fiu":
            raise Refused(f"ACTIONS {space}")

        def cast(numbers, shape):
            return (np.rint(numbers) if whole else numbers).astype(dtype).reshape(shape)

        bounds = [[float(k) if np.isfinite(k) else None for k in np.asarray(bound, np.float64).reshape(-1)]
                  for bound in (space.low, space.high)]
        return (count, lambda row: cast(row[start:start + count], shape),
                lambda rows: cast(rows[:, start:start + count], (len(rows), *shape)),
                dict(kind="box", shape=list(shape) or [1], low=bounds[0], high=bounds[1]))
    if is_a(space, "MultiDiscrete"):
        counts = np.asarray(space.nvec)
        first, shape, count = np.asarray(getattr(space, "start", 0)), counts.shape, int(counts.size)
        return (count, lambda row: row[start:start + count].astype(np.int64).reshape(shape) + first,
                lambda rows: rows[:, start:start + count].astype(np.int64).reshape((len(rows), *shape)) + first,
                dict(kind="multi-discrete", counts=[int(k) for k in counts.reshape(-1)]))
    if is_a(space, "MultiBinary"):
        shape = (int(space.n),) if np.ndim(space.n) == 0 else tuple(int(k) for k in space.n)
        count = int(np.prod(shape))
        return (count, lambda row: row[start:start + count].astype(np.int8).reshape(shape),
                lambda rows: rows[:, start:start + count].astype(np.int8).reshape((len(rows), *shape)),
                dict(kind="multi-binary", n=count))
    raise Refused(f"ACTIONS {space}")


def _reader_of_parts(space, parts, start):
    readers, at = [], start
    for name, part in parts:
        reader = _reader(part, at)
        readers.append((name, reader))
        at += reader[0]
    join = dict if is_a(space, "Dict") else lambda pairs: tuple(value for _, value in pairs)
    return (at - start, lambda row: join([(name, reader[1](row)) for name, reader in readers]),
            lambda rows: join([(name, reader[2](rows)) for name, reader in readers]),
            dict(kind="dict", parts=[[name, reader[3]] for name, reader in readers]))


class Flattened:
    """The observations of N copies in spaces of several parts, as one row of floats each.

    A Discrete number is one-hot, as each number of a MultiDiscrete; images of bytes are divided by 255, and those that
    are large enough lie as [C, H, W]. It has what rlleap_arrays.Observations has.
    """

    one_hot, bytes, watch = True, False, None  # bounds are checked here; there are no arrays to look at

    def __init__(self, space, n):
        self.n, self.space, self.source, self.source_shape = n, space, str(space), ()
        images = []
        self.length, self._write = _writer(space, 0, "", images)
        self.images = json.dumps(images)  # name, [C, H, W] and where its numbers begin
        self.shape, self.low, self.high, self.lows, self.highs = (self.length,), -np.inf, np.inf, [], []
        self.rows, self.finals = (np.zeros((n, self.length), np.float32) for _ in range(2))

    def put(self, i, value):
        """The observation of copy i."""
        self._write(self.rows[i], value, f"copy {i} of {self.n}")

    def put_all(self, value):
        """The observations of all copies, as a vector environment returns them."""
        for i in range(self.n):
            self.put(i, _copy_of(self.space, value, i))

    def keep(self, i):
        """What copy i shows was the last observation of its episode."""
        self.finals[i] = self.rows[i]

    def put_final(self, i, value):
        """The last observation of the episode that ended in copy i, which shows the next one already."""
        self._write(self.finals[i], value, f"copy {i} of {self.n}")


def _copy_of(space, value, i):
    parts = parts_of(space)
    if parts is None:
        return value[i]
    if isinstance(value, (list, np.ndarray)) and not is_a(space, "Tuple"):
        return value[i]  # one whole observation for each copy
    picks = [(name, _copy_of(part, picked(value, space, name), i)) for name, part in parts]
    return dict(picks) if is_a(space, "Dict") else tuple(value for _, value in picks)


def _writer(space, start, name, images):
    """(numbers, function that writes a value into a row) of a space whose numbers begin at start."""
    parts = parts_of(space)
    what = f"the part {name} of the observation" if name else "the observation"
    if parts is not None:
        writers, at = [], start
        for key, part in parts:
            count, write = _writer(part, at, f"{name}.{key}" if name else key, images)
            writers.append((key, write))
            at += count

        def write_parts(row, value, who):
            for key, write in writers:
                try:
                    part = picked(value, space, key)
                except (KeyError, IndexError, TypeError):
                    raise Refused(f"{who}: {what} is {_short(value)}, which has no part {key}")
                write(row, part, who)
        return at - start, write_parts
    if is_a(space, "Box"):
        return _box_writer(space, start, what, name, images)
    counts, firsts = _counts(space)
    ends = start + np.cumsum(counts)
    binary = is_a(space, "MultiBinary")

    def write_counts(row, value, who):
        numbers = np.asarray(value)
        if numbers.size != len(counts) or numbers.dtype.kind not in "iub":
            raise Refused(f"{who}: {what} is {_short(value)}, but its space is {space}")
        numbers = numbers.reshape(-1).astype(np.int64) - firsts
        if (wrong := (numbers < 0) | (numbers >= (2 if binary else counts))).any():
            k = int(np.argmax(wrong))
            raise Refused(f"{who}: number {k} of {what} is {numbers[k] + firsts[k]}, outside its space {space}")
        if binary:
            row[start:start + len(counts)] = numbers
        else:
            row[start:ends[-1]] = 0
            row[ends - counts + numbers] = 1
    return (len(counts) if binary else int(counts.sum())), write_counts


def _planes_of(shape, space):
    """[C, H, W] of an image [H, W, C] or [H, W] with values from 0 to 1 or to 255; None for other arrays."""
    if len(shape) not in (2, 3) or min(shape[:2]) < LEAST_OF_IMAGE or (len(shape) == 3 and shape[2] > 4):
        return None
    if np.min(space.low) != 0 or np.max(space.high) not in (1, 255):
        return None
    return [shape[2] if len(shape) == 3 else 1, shape[0], shape[1]]


def _box_writer(space, start, what, name, images):
    shape, count = tuple(int(k) for k in space.shape), int(np.prod(space.shape))
    dtype = np.dtype(space.dtype)
    if count == 0 or dtype.kind not in "fiub":
        raise Refused(f"{what} is of {space}, which RlLeap cannot read as numbers")
    planes = _planes_of(shape, space)
    if planes is not None:
        images.append([name or "image", planes, start])
    scale = 1 / 255 if (planes and np.max(space.high) == 255) or (dtype == np.uint8 and len(shape) >= 2) else 1

    def write_box(row, value, who):
        array = np.asarray(value)
        if array.shape != shape or array.dtype.kind not in "fiub":
            raise Refused(f"{who}: {what} is {array.dtype} of shape {array.shape}, but its space is {space}")
        numbers = (array.transpose(2, 0, 1) if planes and len(shape) == 3 else array).reshape(-1)
        if scale != 1:
            numbers = numbers * scale
        row[start:start + count] = numbers
    return count, write_box


def _counts(space):
    """How many values each number of a space has, and its first value."""
    if is_a(space, "Discrete"):
        return np.array([int(space.n)]), np.array([int(getattr(space, "start", 0))])
    if is_a(space, "MultiDiscrete"):
        counts, first = np.asarray(space.nvec), np.asarray(getattr(space, "start", 0))
        return counts.reshape(-1).astype(np.int64), np.broadcast_to(first, counts.shape).reshape(-1)
    if is_a(space, "MultiBinary"):
        count = int(np.prod(space.n))
        return np.ones(count, np.int64), np.zeros(count, np.int64)
    raise Refused(f"its observations are {space}; RlLeap takes Box, Discrete, MultiDiscrete, MultiBinary, Dict and "
                  "Tuple observations. Wrap the environment in Python")


def _short(value):
    text = repr(value)
    return text if len(text) < 80 else text[:77] + "..."
