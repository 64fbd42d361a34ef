"""A vector environment that does nothing: what a step costs then is the bridge's own."""
import time

import numpy as np


class Space:
    pass


class Box(Space):
    def __init__(self, shape):
        self.low, self.high, self.shape, self.dtype = np.zeros(1), np.full(1, 255.0), shape, np.dtype("uint8")


class Discrete(Space):
    n, start = 6, 0


class Null:
    metadata = {"autoreset_mode": "SameStep"}
    single_action_space = Discrete()

    def __init__(self, num_envs, shape=(4, 84, 84)):
        self.num_envs, self.single_observation_space = num_envs, Box(shape)
        # Several arrays in turn: emulators hand out a new one each step, which is not in the cache.
        self.observations = [np.random.default_rng(k).integers(0, 255, (num_envs, *shape), np.uint8) for k in range(16)]
        self.rewards, self.flags, self.t = np.zeros(num_envs, np.int32), np.zeros(num_envs, bool), 0

    def reset(self, *, seed=None, options=None):
        return self.observations[0], {}

    def step(self, actions):
        self.t = (self.t + 1) % 16
        return self.observations[self.t], self.rewards, self.flags, self.flags, {}

    def close(self):
        pass


def bare(copies, shape, steps):
    """Seconds of a bare Python loop over it."""
    env, actions = Null(copies, shape), np.zeros(copies, np.int64)
    start = time.perf_counter()
    for _ in range(steps):
        env.step(actions)
    return time.perf_counter() - start
