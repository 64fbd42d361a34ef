"""Arrays as Python's environments hand them over: each is checked, and copied as soon as it arrives.

An environment may draw into one array for ever, and may share it with its other copies. So no array that it returned
is kept: its values are in the bridge's own before another copy is stepped. What would lose its values on the way is
refused, with the value.
"""
import numpy as np

WHOLE = 2**24  # float32 holds every whole number up to here


class Refused(Exception):
    """A request that cannot be met; its text is the whole message."""


def is_a(space, name):
    """By class name, base classes included: also what is compatible with gymnasium without being gymnasium."""
    return any(c.__name__ == name for c in type(space).__mro__)


# ---- rewards, ends and pictures


def number(value, who):
    """A reward. Text, nothing and complex numbers are none."""
    if type(value) is float or type(value) is int:
        return value
    array = np.asarray(value)
    if array.size != 1:
        raise Refused(f"{who} returned a reward of shape {array.shape} instead of one number")
    if array.dtype.kind not in "fiub":
        raise Refused(f"{who} returned {value!r} as reward instead of a number")
    return array.reshape(())[()]


def flag(value, who, what):
    """A termination or truncation: a truth value, or one of the numbers 0 and 1."""
    if type(value) is bool or type(value) is np.bool_:
        return bool(value)
    array = np.asarray(value)
    if array.shape != ():
        raise Refused(f"{who} returned {what} of shape {array.shape} instead of a truth value")
    if array.dtype.kind not in "biu" or array not in (0, 1):
        raise Refused(f"{who} returned {what} = {value!r} instead of a truth value")
    return bool(array)


def column(value, n, what, kinds):
    """Rewards, terminations or truncations of N copies."""
    array = np.asarray(value)
    if array.shape != (n,):
        raise Refused(f"it returned {what} of shape {array.shape} for {n} copies; they need the shape {(n,)}")
    if array.dtype.kind not in kinds:
        raise Refused(f"it returned {what} of the type {array.dtype}")
    return array


def flags(value, n, what):
    """Terminations or truncations of N copies."""
    array = column(value, n, what, "biu")
    if array.dtype.kind != "b" and (wrong := (array != 0) & (array != 1)).any():
        i = int(np.argmax(wrong))
        raise Refused(f"copy {i} of {n} returned {array[i]!s} among {what} instead of a truth value")
    return array


def picture(value):
    """What render() gave, in an array of its own."""
    array = np.asarray(value)
    if array.ndim != 3 or array.shape[2] != 3:
        what = "nothing" if value is None else f"an array of shape {array.shape}"
        raise Refused(f"its render() gave {what} instead of an RGB picture")
    if array.dtype != np.uint8:
        raise Refused(f"its render() gave {array.dtype} numbers; pictures are bytes (uint8) from 0 to 255")
    return np.array(array, order="C")


# ---- observations


class Observations:
    """The observations of N copies: Box as bytes or floats, Discrete as one-hot floats.

    low and high are the bounds of all elements; lows and highs those of each element of a vector, and empty otherwise.

    rows [N, ...] is what the copies show, finals [N, ...] the last observations of episodes that ended. Both are uint8,
    float32, or float64 from the first wider number on: .NET makes float32 of it and names a value that does not fit.
    """

    def __init__(self, space, n):
        self.n, self.space, self.lows, self.highs, self.images = n, space, [], [], "[]"
        self.one_hot = is_a(space, "Discrete")
        if self.one_hot:
            self.start, self.source = int(getattr(space, "start", 0)), "int64"
            self.source_shape, self.shape, self.low, self.high = (), (int(space.n),), 0.0, 1.0
        elif is_a(space, "Box"):
            self.source, self.source_shape = str(np.dtype(space.dtype)), tuple(int(k) for k in space.shape)
            if np.dtype(space.dtype).kind not in "fiub":
                raise Refused(f"its observations are {space}, which are no real numbers")
            self.shape = self.source_shape or (1,)
            if 0 in self.shape:
                raise Refused(f"its observations are {space}, which are empty")
            self.low, self.high = float(np.min(space.low)), float(np.max(space.high))
            if len(self.shape) == 1:
                self.lows, self.highs = ([float(bound) for bound in np.broadcast_to(bounds, self.shape)]
                                         for bounds in (space.low, space.high))
        else:
            raise Refused(f"its observations are {space}; RlLeap takes Box and Discrete observations. "
                          "Wrap the environment in Python, for example with gymnasium.wrappers.FlattenObservation.")
        self.bytes = self.source in ("uint8", "bool") and not self.one_hot
        self.rows, self.finals = (np.zeros((n, *self.shape), "uint8" if self.bytes else "float32") for _ in range(2))
        self.watch = None  # see rlleap_watch

    def put(self, i, value):
        """The observation of copy i."""
        if self.one_hot:
            index = self._index(i, value)
            self.rows[i] = 0
            self.rows[i, index] = 1
        else:
            array = value if type(value) is np.ndarray else np.asarray(value)
            if array.shape != self.source_shape:
                raise Refused(f"copy {i} of {self.n} returned an observation of shape {array.shape}, "
                              f"but its observation space says {self.source_shape}")
            if array.dtype != self.rows.dtype:
                self._require(array, i)
            self.rows[i] = array
        if self.watch is not None:
            self.watch.see(i, value)

    def put_all(self, value):
        """The observations of all copies."""
        array = value if type(value) is np.ndarray else np.asarray(value)
        if array.shape != (self.n, *self.source_shape):
            raise Refused(f"it returned observations of shape {array.shape}, "
                          f"but {self.n} of its observation space are {(self.n, *self.source_shape)}")
        if self.one_hot:
            for i, each in enumerate(array):
                self.put(i, each)
            return
        if array.dtype != self.rows.dtype:
            self._require(array)
        self.rows[...] = array.reshape(self.rows.shape)
        if self.watch is not None:
            self.watch.see(None, value)

    def keep(self, i):
        """What copy i shows was the last observation of its episode."""
        self.finals[i] = self.rows[i]

    def put_final(self, i, value):
        """The last observation of the episode that ended in copy i, which shows the next one already."""
        shown = self.rows[i].copy()
        self.put(i, value)
        self.keep(i)
        self.rows[i] = shown

    def _index(self, i, value):
        array = np.asarray(value)
        if array.size != 1 or array.dtype.kind not in "iub":
            raise Refused(f"copy {i} of {self.n} returned the observation {value!r}, but its space is {self.space}")
        index = int(array.reshape(())) - self.start
        if not 0 <= index < self.shape[0]:
            raise Refused(f"copy {i} of {self.n} returned the observation {value!s}, "
                          f"outside its space of {self.shape[0]} values from {self.start}")
        return index

    def _require(self, array, i=None):
        """Makes the rows as wide as the array's numbers need; refuses what would lose its values in them."""
        kind = array.dtype.kind
        if kind not in "fiub":
            who = "it" if i is None else f"copy {i} of {self.n}"
            raise Refused(f"{who} returned an observation of the type {array.dtype}, but its space says {self.source}")
        if self.bytes and kind == "f":
            # A number that is none of the space's shows best what is meant; a picture may be all zeros.
            raise self._misfit(array, i, array != np.round(array),
                               f"a {array.dtype}, but its space says {self.source}: "
                               "declare a Box of float32 for scaled numbers, or return the pixels as they are")
        if self.bytes and kind != "b":
            top = 1 if self.source == "bool" else 255
            if (wrong := (array < 0) | (array > top)).any():
                raise self._misfit(array, i, wrong, f"but its space of {self.source} holds 0 to {top}")
        if not self.bytes and kind in "iu" and array.dtype.itemsize > 2 and ((array > WHOLE) | (array < -WHOLE)).any():
            # In Python's whole numbers, which compare exactly.
            if (wrong := np.array([int(np.float32(k)) != int(k) for k in array.flat]).reshape(array.shape)).any():
                raise self._misfit(array, i, wrong, "which float32 cannot hold exactly: scale it, or show differences")
        if kind == "f" and array.dtype.itemsize > self.rows.dtype.itemsize:
            self.rows, self.finals = self.rows.astype(np.float64), self.finals.astype(np.float64)

    def _misfit(self, array, i, wrong, why):
        """The refusal that names copy, element and value; wrong marks where, and may mark nothing."""
        at = tuple(int(k) for k in np.unravel_index(int(np.argmax(wrong)), array.shape)) if array.shape else ()
        value = array[at]
        if i is None:
            i, at = at[0], at[1:]
        where = f" of the observation at {list(at)}" if at else " of the observation"
        return Refused(f"copy {i} of {self.n}: the value{where} is {value!s}, {why}")
