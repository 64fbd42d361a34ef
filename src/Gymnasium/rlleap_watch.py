"""What `rlleap envs check` looks at beyond what each step does: arrays as they come, before they are copied."""
import weakref

import numpy as np

from rlleap_arrays import Refused

_watched = weakref.WeakSet()


class Watch:
    """Looks at every observation of one vector.

    types: each number is what the space says: its type, and its bounds element by element.
    sharing: no two copies hand out the same memory, in this vector or in another that is watched for it.
    """

    def __init__(self, observations, types, sharing):
        self.observations, self.types, self.sharing = observations, types, sharing
        self.handed = {}
        if sharing:
            _watched.add(self)

    def see(self, i, value):
        if self.types:
            self._see_types(i, value)
        if self.sharing and isinstance(value, np.ndarray):
            self._see_sharing(i, value)

    def _see_types(self, i, value):
        own = self.observations
        if own.one_hot:
            return
        array, space = np.asarray(value), own.space
        if not np.can_cast(array.dtype, space.dtype, "same_kind"):
            raise Refused(
                f"{self._who(i)} returned an observation of {array.dtype}, " f"but its space says {own.source}"
            )
        wrong = (array < space.low) | (array > space.high)
        if wrong.any():
            at = tuple(int(k) for k in np.unravel_index(int(np.argmax(wrong)), array.shape)) if array.shape else ()
            inside = at if i is not None else at[1:]
            low, high = np.asarray(space.low)[inside], np.asarray(space.high)[inside]
            raise Refused(
                f"{self._who(i)}: the value of the observation at {list(inside)} is {array[at]!s}, "
                f"outside its space's {low} to {high}"
            )

    def _see_sharing(self, i, value):
        self.handed[i] = value
        for watch in list(_watched):
            for j, other in watch.handed.items():
                if (watch is not self or j != i) and np.shares_memory(value, other):
                    raise Refused(
                        "two copies handed out the same array, a module-level or class-level buffer or one screen "
                        "for all: return a copy of it (array.copy()). RlLeap copies it before another copy is "
                        "stepped, other programs may not"
                    )

    def _who(self, i):
        return "it" if i is None else f"copy {i} of {self.observations.n}"

    def end(self):
        """The vector is closed."""
        self.handed.clear()
        _watched.discard(self)
