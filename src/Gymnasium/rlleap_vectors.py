"""N environments of Python's as one vector, one call a step.

The .NET side holds views of small arrays for the life of an environment (actions in; rewards and ends out) and reads
each step's observations through the buffer protocol. Whatever an environment does at an episode's end is mapped here to
one rule: the step in which an episode ends shows the next episode's first observation, and finals() has the last one.
"""
import numpy as np

from rlleap_arrays import Observations, Refused, column, flag, flags, is_a, number, picture
from rlleap_spaces import Actions, Flattened
from rlleap_watch import Watch


def _observations(space, n):
    simple = is_a(space, "Box") or is_a(space, "Discrete")
    return Observations(space, n) if simple else Flattened(space, n)


class Vector:
    """What the .NET side holds.

    Its arrays: actions [N] int64 where they are Discrete, else numbers [N, K] float64; rewards [N] float64; terminated,
    truncated and over [N] uint8. over tells that the game itself ended; it is 0 where only a lost life was signalled as
    the end of an episode. reset and step return the N observations in one array; finals() has the last ones of the
    episodes that ended in the last step.
    """

    def __init__(self, n, observation_space, action_space, spec=None):
        self.n = n
        self.observations = _observations(observation_space, n)
        self.reader = Actions(action_space)
        self.action_space = self.reader.description
        self.action_start = int(getattr(action_space, "start", 0)) if is_a(action_space, "Discrete") else None
        self.actions, self.numbers = np.zeros(n, np.int64), np.zeros((n, self.reader.length))
        self.rewards = np.zeros(n)
        self.terminated, self.truncated, self.over = (np.zeros(n, np.uint8) for _ in range(3))
        self.max_steps = int(getattr(spec, "max_episode_steps", None) or 0)
        self.final_pictures = {}
        self.action_names = []

    def each_action(self):
        """The action of each copy."""
        if self.action_start is not None:
            return (self.actions + self.action_start).tolist()
        return [self.reader.one(row) for row in self.numbers]

    def all_actions(self):
        """The actions of all copies, as a vector environment takes them."""
        if self.action_start is not None:
            return self.actions + self.action_start
        return self.reader.all(self.numbers)

    def finals(self):
        return self.observations.finals

    def watch(self, types, sharing):
        """Looks at every observation from now on, as `rlleap envs check` does."""
        self.observations.watch = Watch(self.observations, types, sharing)

    def unwatch(self):
        if self.observations.watch is not None:
            self.observations.watch.end()

    def _keep_picture(self, i, env):
        # Before the reset: whoever sees pictures as observations bootstraps from this one.
        if getattr(env, "render_mode", None) == "rgb_array":
            self.final_pictures[i] = self.render(i, False)


class Singles(Vector):
    """N single environments, reset in the step in which they end."""

    kind = "singles"

    def __init__(self, envs):
        self.envs = envs
        super().__init__(len(envs), envs[0].observation_space, envs[0].action_space, getattr(envs[0], "spec", None))
        self.names = [f"copy {i} of {self.n}" for i in range(self.n)]

    def reset(self, seeds=None):
        for i, env in enumerate(self.envs):
            self._reset(i, env, None if seeds is None else seeds[i])
        return self.observations.rows

    def _reset(self, i, env, seed=None):
        result = env.reset(seed=seed)
        if not isinstance(result, tuple) or len(result) != 2:
            raise Refused(f"its reset returned {type(result).__name__} instead of the pair (observation, info): "
                          "it follows the API of gym before 0.26")
        self.observations.put(i, result[0])

    def step(self):
        observations, names = self.observations, self.names
        for i, (env, action) in enumerate(zip(self.envs, self.each_action())):
            result = env.step(action)
            if not isinstance(result, tuple) or len(result) != 5:
                raise Refused("its step did not return (observation, reward, terminated, truncated, info): "
                              "it follows the API of gym before 0.26")
            value, reward, terminated, truncated, _ = result
            observations.put(i, value)
            self.rewards[i] = number(reward, names[i])
            terminated, truncated = flag(terminated, names[i], "terminated"), flag(truncated, names[i], "truncated")
            self.terminated[i], self.truncated[i], self.over[i] = terminated, truncated, terminated or truncated
            if terminated or truncated:
                observations.keep(i)
                self._keep_picture(i, env)
                self._reset(i, env)
        return observations.rows

    def render(self, i, ended):
        return self.final_pictures[i] if ended else picture(self.envs[i].render())

    def close(self):
        self.unwatch()
        for env in self.envs:
            env.close()
        self.envs = []


class Native(Vector):
    """A gymnasium vector environment in any of the three autoreset modes."""

    def __init__(self, env, n):
        self.env = env
        mode = getattr(env, "metadata", {}).get("autoreset_mode", "NextStep")  # gymnasium's default
        self.mode = getattr(mode, "value", mode)
        if self.mode not in ("SameStep", "NextStep", "Disabled"):
            raise Refused(f"its autoreset mode is {self.mode!r}; RlLeap knows SameStep, NextStep and Disabled")
        if env.num_envs != n:
            raise Refused(f"its vector has {env.num_envs} copies instead of {n}")
        self.kind = f"native, {self.mode}"
        self.seed_each = True
        super().__init__(n, env.single_observation_space, env.single_action_space, getattr(env, "spec", None))

    def reset(self, seeds=None):
        if seeds is not None and not self.seed_each:
            seeds = seeds[0]
        self.observations.put_all(self.env.reset(seed=seeds)[0])
        return self.observations.rows

    def step(self):
        value, info = self._step()
        self.observations.put_all(value)
        if self.over.any():
            self._ends(info)
        return self.observations.rows

    def _step(self):
        value, rewards, terminated, truncated, info = self.env.step(self.all_actions())
        self.rewards[:] = column(rewards, self.n, "rewards", "fiub")
        self.terminated[:] = flags(terminated, self.n, "terminations")
        self.truncated[:] = flags(truncated, self.n, "truncations")
        np.bitwise_or(self.terminated, self.truncated, out=self.over)
        return value, info

    def _finals(self, info):
        # In SAME_STEP mode; the rows of copies that go on may be uninitialised memory.
        final = info.get("final_obs", info.get("final_observation"))
        if final is None:
            raise Refused("an episode ended in SAME_STEP mode, but info has no final_obs")
        for i in np.flatnonzero(self.over).tolist():
            self.observations.put_final(i, final[i])

    def _ends(self, info):
        if self.mode == "SameStep":
            return self._finals(info)
        # NEXT_STEP and DISABLED: the step showed the last observations; the ended copies are reset now. NEXT_STEP would
        # otherwise spend the coming step on it, in which the action counts for nothing.
        for i in np.flatnonzero(self.over).tolist():
            self.observations.keep(i)
            self._keep_picture(i, self.env)
        self._masked_reset(self.over.astype(bool))

    def _masked_reset(self, mask):
        others = ~mask
        shown = self.observations.rows[others]
        self.observations.put_all(self.env.reset(options={"reset_mask": mask.copy()})[0])
        if not np.array_equal(self.observations.rows[others], shown):
            raise Refused(f"its vector works in {self.mode} mode, but reset(options={{'reset_mask': ...}}) "
                          "does not leave the other copies alone")

    def probe(self):
        """Finds out before the first episode: whether each copy takes a seed of its own, and can be reset alone."""
        try:
            self.env.reset(seed=list(range(self.n)))
        except Exception:  # whatever a vector with one generator for all raises
            self.seed_each = False
            self.env.reset(seed=0)
        if self.mode != "NextStep" or self.n == 1:
            return True
        for _ in range(3):
            value = self.env.step(self.all_actions())[0]
        self.observations.put_all(value)
        try:
            self._masked_reset(np.arange(self.n) == 0)
            return True
        except Exception:  # whatever a vector without partial resets raises
            return False

    def render(self, i, ended):
        if ended and i in self.final_pictures:
            return self.final_pictures[i]
        frames = self.env.render()  # after an end in SAME_STEP mode only the next episode can still be drawn
        return picture(None if frames is None else frames[i])

    def close(self):
        self.unwatch()
        env, self.env = self.env, None
        if env is not None:
            env.close()


class Ale(Native):
    """ale-py's vector environment in SAME_STEP mode; life_loss_info lets a lost life end episodes for the learner only.

    Its arrays are new ones every step and of the type that its space says, so that .NET reads them where they are.
    """

    def __init__(self, env, n, frame_skip, life_loss):
        super().__init__(env, n)
        self.kind = "ale-py"
        self.frame_skip, self.life_loss = frame_skip, life_loss
        if hasattr(env, "ale"):
            self.action_names = [str(getattr(a, "name", a)) for a in env.ale.get_action_set()]

    def reset(self, seeds=None):
        rows, self.info = self.env.reset(seed=None if seeds is None else np.array(seeds, np.int64))
        return rows

    def step(self):
        rows, info = self._step()
        if self.over.any():
            if self.life_loss:
                self._lost_lives(rows, info)
            if self.over.any():
                self._finals(info)
        self.info = info
        return rows

    def _lost_lives(self, rows, info):
        # A signalled life loss leaves the game running: fewer lives, and the frame counter went on by at most one skip.
        # Nothing was reset, so there is no final_obs row (it is uninitialised memory); what is shown now is also the
        # last observation.
        frames = info["episode_frame_number"] - self.info["episode_frame_number"]
        fewer, running = info["lives"] < self.info["lives"], (frames > 0) & (frames <= self.frame_skip)
        alive = fewer & running & (self.truncated == 0)
        for i in np.flatnonzero(self.over & alive).tolist():
            self.over[i] = 0
            self.observations.finals[i] = rows[i]

    def close(self):
        if self.env is not None:
            self.env.ale = None  # its destructor stops the worker threads; close() does nothing
        super().close()
