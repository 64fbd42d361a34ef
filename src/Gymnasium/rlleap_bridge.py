"""Python's side of the bridge: makes environments, steps them, and hands their arrays over, one call a vector step.

The .NET side holds views of three small arrays for the life of an environment (actions in; rewards and ends out) and reads each
step's observations through the buffer protocol. Whatever an environment does at an episode's end is mapped here to one rule:
the step in which an episode ends shows the next episode's first observation, and final(i) has the last one.
"""
import ast
import importlib
import inspect
import os
import sys

import numpy as np


class Refused(Exception):
    """A request that cannot be met; its text is the whole message."""


def start():
    """Once a process: the user's own modules are found in the current folder, and prints appear when they are made."""
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)


# ---- spaces


def _is(space, name):
    """By class name, base classes included: also what is compatible with gymnasium without being gymnasium."""
    return any(c.__name__ == name for c in type(space).__mro__)


class Observations:
    """How one observation becomes an array of the row's type: Box as bytes or floats, Discrete as one-hot floats."""

    def __init__(self, space):
        self.one_hot = _is(space, "Discrete")
        if self.one_hot:
            self.start = int(getattr(space, "start", 0))
            self.dtype, self.shape, self.low, self.high = np.dtype("float32"), (int(space.n),), 0.0, 1.0
            self.source_shape = ()
        elif _is(space, "Box"):
            self.dtype = np.dtype("uint8" if space.dtype == np.uint8 else "float32")
            self.source_shape = tuple(int(n) for n in space.shape)
            self.shape = self.source_shape or (1,)
            if 0 in self.shape:
                raise Refused(f"its observations are {space}, which are empty")
            self.low, self.high = float(np.min(space.low)), float(np.max(space.high))
        else:
            raise Refused(f"its observations are {space}; RlLeap takes Box and Discrete observations. "
                          "Wrap the environment in Python, for example with gymnasium.wrappers.FlattenObservation.")

    def row(self, value):
        """One observation."""
        if self.one_hot:
            hot = np.zeros(self.shape, np.float32)
            index = int(value) - self.start
            if not 0 <= index < self.shape[0]:
                raise Refused(f"it returned the observation {value}, outside its space of {self.shape[0]} values from {self.start}")
            hot[index] = 1
            return hot
        if np.shape(value) != self.source_shape:
            raise Refused(f"it returned an observation of shape {np.shape(value)}, but its observation space says {self.source_shape}")
        return np.ascontiguousarray(value, self.dtype)

    def rows(self, value, n):
        """N observations."""
        if np.shape(value) != (n, *self.source_shape):
            raise Refused(f"it returned observations of shape {np.shape(value)}, but {n} of its observation space are {(n, *self.source_shape)}")
        if self.one_hot:
            return np.stack([self.row(v) for v in value])
        return np.ascontiguousarray(value, self.dtype)


def _actions(space):
    if not _is(space, "Discrete"):
        raise Refused(f"ACTIONS {space}")
    return int(space.n), int(getattr(space, "start", 0))


def _flag(value, what):
    """A termination or truncation of one environment."""
    if isinstance(value, (bool, np.bool_)) or np.shape(value) == ():
        return bool(value)
    raise Refused(f"it returned {what} of shape {np.shape(value)} instead of a truth value")


def _picture(value):
    if np.ndim(value) != 3 or np.shape(value)[2] != 3:
        raise Refused(f"its render() gave {'nothing' if value is None else f'an array of shape {np.shape(value)}'} instead of an RGB picture")
    return np.array(value, np.uint8, order="C")  # a copy: an environment may draw into one array for ever


def _vector(value, n, what):
    if np.shape(value) != (n,):
        raise Refused(f"it returned {what} of shape {np.shape(value)} for {n} copies; they need the shape {(n,)}")
    return value


# ---- vectors


class Vector:
    """What the .NET side holds. Its arrays: actions [N] int64; rewards [N] float32; terminated, truncated and over [N] uint8.

    over tells that the game itself ended; it is 0 where only a lost life was signalled as the end of an episode.
    """

    def __init__(self, n, observation_space, action_space, spec=None):
        self.n = n
        self.observations = Observations(observation_space)
        self.action_count, self.action_start = _actions(action_space)
        self.actions = np.zeros(n, np.int64)
        self.rewards = np.zeros(n, np.float32)
        self.terminated, self.truncated, self.over = (np.zeros(n, np.uint8) for _ in range(3))
        self.max_steps = int(getattr(spec, "max_episode_steps", None) or 0)
        self.finals, self.final_pictures = {}, {}
        self.action_names = []

    def final(self, i):
        """The last observation of the episode that ended in row i of the last step."""
        return self.finals[i]

    def _keep_picture(self, i, env):
        # Before the reset: whoever sees pictures as observations bootstraps from this one.
        if getattr(env, "render_mode", None) == "rgb_array":
            self.final_pictures[i] = self.render(i, False)


class Singles(Vector):
    """N single environments, reset in the step in which they end. step and reset return a list of N arrays."""

    kind = "singles"

    def __init__(self, envs):
        self.envs = envs
        super().__init__(len(envs), envs[0].observation_space, envs[0].action_space, getattr(envs[0], "spec", None))

    def reset(self, seeds=None):
        return [self._reset(env, None if seeds is None else seeds[i]) for i, env in enumerate(self.envs)]

    def _reset(self, env, seed=None):
        result = env.reset(seed=seed)
        if not isinstance(result, tuple) or len(result) != 2:
            raise Refused(f"its reset returned {type(result).__name__} instead of the pair (observation, info): it follows the API of gym before 0.26")
        return self.observations.row(result[0])

    def step(self):
        self.finals.clear()
        rows = []
        for i, (env, action) in enumerate(zip(self.envs, (self.actions + self.action_start).tolist())):
            result = env.step(action)
            if not isinstance(result, tuple) or len(result) != 5:
                raise Refused("its step did not return (observation, reward, terminated, truncated, info): it follows the API of gym before 0.26")
            value, reward, terminated, truncated, _ = result
            row = self.observations.row(value)
            if np.size(reward) != 1:
                raise Refused(f"it returned a reward of shape {np.shape(reward)} instead of one number")
            self.rewards[i] = reward
            terminated, truncated = _flag(terminated, "terminated"), _flag(truncated, "truncated")
            self.terminated[i], self.truncated[i], self.over[i] = terminated, truncated, terminated or truncated
            if terminated or truncated:
                self.finals[i] = np.array(row)  # an environment may reuse its array in reset
                self._keep_picture(i, env)
                row = self._reset(env)
            rows.append(row)
        return rows

    def render(self, i, ended):
        return self.final_pictures[i] if ended else _picture(self.envs[i].render())

    def close(self):
        for env in self.envs:
            env.close()
        self.envs = []


class Native(Vector):
    """A gymnasium vector environment in any of the three autoreset modes. step and reset return one array."""

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
        value, self.info = self.env.reset(seed=seeds)
        return self.observations.rows(value, self.n)

    def step(self):
        value, rewards, terminated, truncated, info = self.env.step(self.actions + self.action_start)
        self.rewards[:] = _vector(rewards, self.n, "rewards")
        self.terminated[:] = _vector(terminated, self.n, "terminations")
        self.truncated[:] = _vector(truncated, self.n, "truncations")
        np.bitwise_or(self.terminated, self.truncated, out=self.over)
        rows = self.observations.rows(value, self.n)
        self.finals.clear()
        if self.over.any():
            rows = self._same_step(rows, info)
        self.info = info
        return rows

    def _same_step(self, rows, info):
        ended = np.flatnonzero(self.over)
        if self.mode == "SameStep":
            final = info.get("final_obs", info.get("final_observation"))
            if final is None:
                raise Refused("an episode ended in SAME_STEP mode, but info has no final_obs")
            for i in ended:  # the other rows may be uninitialised memory
                self.finals[int(i)] = np.array(self.observations.row(final[i]))
            return rows
        # NEXT_STEP and DISABLED: the step showed the final observations; the ended copies are reset now. NEXT_STEP would otherwise
        # spend the coming step on it, in which the action counts for nothing.
        for i in ended:
            self.finals[int(i)] = np.array(rows[i])
            self._keep_picture(int(i), self.env)
        return self._masked_reset(rows, self.over.astype(bool))

    def _masked_reset(self, rows, mask):
        others = ~mask
        kept = rows[others]  # a copy: an environment may reuse its array
        value, _ = self.env.reset(options={"reset_mask": mask.copy()})
        rows = self.observations.rows(value, self.n)
        if not np.array_equal(rows[others], kept):
            raise Refused(f"its vector works in {self.mode} mode, but reset(options={{'reset_mask': ...}}) does not leave the other copies alone")
        return rows

    def probe(self):
        """Finds out, before the first episode, whether each copy takes a seed of its own; returns whether single copies can be reset."""
        try:
            self.env.reset(seed=list(range(self.n)))
        except Exception:  # whatever a vector with one generator for all raises
            self.seed_each = False
            self.env.reset(seed=0)
        if self.mode != "NextStep" or self.n == 1:
            return True
        for _ in range(3):
            value = self.env.step(np.full(self.n, self.action_start, np.int64))[0]
        rows = self.observations.rows(value, self.n)
        try:
            self._masked_reset(rows, np.arange(self.n) == 0)
            return True
        except Exception:  # whatever a vector without partial resets raises
            return False

    def render(self, i, ended):
        if ended and i in self.final_pictures:
            return self.final_pictures[i]
        frames = self.env.render()  # after an end in SAME_STEP mode only the next episode can still be drawn
        return _picture(None if frames is None else frames[i])

    def close(self):
        env, self.env, self.info = self.env, None, None
        if env is not None:
            env.close()


class Ale(Native):
    """ale-py's vector environment in SAME_STEP mode. With life_loss_info a lost life ends an episode for the learner only."""

    def __init__(self, env, n, frame_skip, life_loss):
        super().__init__(env, n)
        self.kind = "ale-py"
        self.frame_skip, self.life_loss = frame_skip, life_loss
        self.action_names = [str(getattr(a, "name", a)) for a in env.ale.get_action_set()] if hasattr(env, "ale") else []

    def reset(self, seeds=None):
        return super().reset(None if seeds is None else np.array(seeds, np.int64))

    def _same_step(self, rows, info):
        if self.life_loss:
            # A signalled life loss leaves the game running: fewer lives, and the frame counter went on by at most one skip. Nothing was
            # reset, so there is no final_obs row (it is uninitialised memory); what is shown now is also the last observation.
            frames = info["episode_frame_number"] - self.info["episode_frame_number"]
            alive = (info["lives"] < self.info["lives"]) & (frames > 0) & (frames <= self.frame_skip) & (self.truncated == 0)
            for i in np.flatnonzero(self.over & alive):
                self.over[i] = 0
                self.finals[int(i)] = rows[i]
            if not self.over.any():
                return rows
        return super()._same_step(rows, info)

    def close(self):
        if self.env is not None:
            self.env.ale = None  # its destructor stops the worker threads; close() does nothing
        super().close()


# ---- making them


def _literal(text):
    """A keyword argument of an id: a Python literal where it is one, else text; true and false in any case."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _import(name, refusal):
    """The module; the refusal where it is not there, but what it raises where it is."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as e:
        if e.name != name.split(".")[0] and e.name != name:
            raise
        raise Refused(refusal)


def make(name, n, vectorization, arguments):
    """A Vector for gym:NAME, where NAME is a registered id, module:Id, or module:Class."""
    kwargs = {key: _literal(value) for key, value in arguments}
    module_name, _, id = name.rpartition(":")
    if module_name:
        module = _import(module_name, f"there is no Python module {module_name} in the current folder or on PYTHONPATH")
        cls = getattr(module, id, None) if id.isidentifier() else None
        if callable(cls):
            return _of_class(cls, n, vectorization, kwargs)
        name = id  # which the module registered when it was imported; gymnasium.spec takes no module before it
    gymnasium = _import("gymnasium", "MISSING gymnasium, which makes the environments of gym: ids")
    try:
        spec = gymnasium.spec(name)
    except Exception as e:
        where = (f"the module {module_name} neither registers it nor has a class of that name" if module_name
                 else f"one of your own is gym:module:{name}, where importing the module registers it")
        raise Refused(f"gymnasium knows no environment {name} ({type(e).__name__}: {str(e).rstrip('.')}); {where}")
    if vectorization in ("auto", "native", "sync") and (spec.vector_entry_point is not None or vectorization != "auto"):
        if vectorization == "native" and spec.vector_entry_point is None:
            raise Refused("it has no vector environment of its own (vectorization=native); use vectorization=singles or sync")
        modes = {"vector_kwargs": {"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP}} if vectorization == "sync" else {}
        env = gymnasium.make_vec(name, num_envs=n, vectorization_mode="sync" if vectorization == "sync" else "vector_entry_point", **modes, **kwargs)
        if (vector := _native(env, n, vectorization)) is not None:
            return vector
    return Singles([gymnasium.make(name, disable_env_checker=True, **kwargs) for _ in range(n)])


def _of_class(cls, n, vectorization, kwargs):
    if "num_envs" not in inspect.signature(cls).parameters:
        if vectorization in ("native", "sync"):
            raise Refused(f"{cls.__name__} is a single environment (it takes no num_envs); use vectorization=singles")
        return Singles([cls(**kwargs) for _ in range(n)])
    return _native(cls(num_envs=n, **kwargs), n, "native")


def _native(env, n, vectorization):
    """The vector, or None where it cannot be mapped to our rule and something else may be tried."""
    vector = Native(env, n)
    if vector.probe():
        return vector
    vector.close()
    if vectorization == "auto":
        return None
    raise Refused(f"its vector environment works in {vector.mode} mode only and cannot reset single copies (reset_mask): an ended copy would spend "
                  "the next step on its reset, a transition that must not be learned from. Use vectorization=singles, or give it SAME_STEP mode or reset_mask")


def make_ale(game, n, options):
    """A Vector of one of ale-py's games; options: (keyword of AtariVectorEnv, value)."""
    gymnasium = _import("gymnasium", "MISSING gymnasium, which ale-py's vector environment needs")
    ale_py = _import("ale_py", "MISSING ale-py, the Arcade Learning Environment")
    if not hasattr(ale_py, "AtariVectorEnv") or not hasattr(ale_py, "ALEVectorInterface"):
        raise Refused(f"ale-py {ale_py.__version__} beside gymnasium {gymnasium.__version__} has no AtariVectorEnv; ale-py 0.11 or later and gymnasium 1.1 or later do")
    options = dict(options)
    try:
        if (path := ale_py.roms.get_rom_path(game)) is None or not os.path.exists(path):
            raise FileNotFoundError(f"{game}.bin")
    except FileNotFoundError as e:
        raise Refused(f"MISSING the ROM of {game} ({e.filename or e}): ale-py's wheels bring all ROMs; a build from source or $ALE_ROMS_DIR may lack some")
    known = inspect.signature(ale_py.AtariVectorEnv.__init__).parameters
    if lacking := [key for key in options if key not in known]:
        raise Refused(f"ale-py {ale_py.__version__} has no option {', '.join(lacking)}; use a later one")
    env = ale_py.AtariVectorEnv(game, n, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP, **options)
    return Ale(env, n, options["frameskip"], options["life_loss_info"])


def versions():
    """The packages that decide what an environment does, as far as they are loaded."""
    return [(name, str(sys.modules[module].__version__)) for name, module in (("gymnasium", "gymnasium"), ("ale-py", "ale_py"), ("numpy", "numpy"))
            if hasattr(sys.modules.get(module), "__version__")]
