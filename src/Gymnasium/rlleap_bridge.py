"""Python's side of the bridge: makes environments of gymnasium, of ale-py and of the user's own modules."""
import ast
import copy
import importlib
import inspect
import os
import sys

import numpy as np

from rlleap_arrays import Refused
from rlleap_vectors import Ale, Native, Singles


def start():
    """Once a process: the user's own modules are found in the current folder, and prints appear when they are made."""
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)


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
    kwargs = {key: _literal(value) for key, value in arguments.items()}
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
        what = f"{type(e).__name__}: {str(e).rstrip('.')}"
        raise Refused(f"gymnasium knows no environment {name} ({what}); {where}")
    if vectorization == "sync":
        # Each array is copied before the next copy is stepped; gymnasium's vector joins them only after all were.
        env = gymnasium.make_vec(name, num_envs=n, vectorization_mode="sync", wrappers=[_copying(gymnasium)],
                                 vector_kwargs={"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP}, **kwargs)
        return _native(env, n, vectorization)
    if vectorization == "native" and spec.vector_entry_point is None:
        raise Refused("it has no vector environment of its own (vectorization=native); "
                      "use vectorization=singles or sync")
    if vectorization != "singles" and spec.vector_entry_point is not None:
        env = gymnasium.make_vec(name, num_envs=n, vectorization_mode="vector_entry_point", **kwargs)
        if (vector := _native(env, n, vectorization)) is not None:
            return vector
    return Singles([gymnasium.make(name, disable_env_checker=True, **kwargs) for _ in range(n)])


def _copying(gymnasium):
    class Copying(gymnasium.Wrapper):
        def reset(self, **kwargs):
            value, info = self.env.reset(**kwargs)
            return copy.copy(value), info

        def step(self, action):
            value, *rest = self.env.step(action)
            return copy.copy(value), *rest

    return Copying


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
    raise Refused(f"its vector environment works in {vector.mode} mode only and cannot reset single copies "
                  "(reset_mask): an ended copy would spend the next step on its reset, a transition that must not be "
                  "learned from. "
                  "Use vectorization=singles, or give it SAME_STEP mode or reset_mask")


def make_ale(game, n, options):
    """A Vector of one of ale-py's games; options: keywords of AtariVectorEnv."""
    gymnasium = _import("gymnasium", "MISSING gymnasium, which ale-py's vector environment needs")
    ale_py = _import("ale_py", "MISSING ale-py, the Arcade Learning Environment")
    if not hasattr(ale_py, "AtariVectorEnv") or not hasattr(ale_py, "ALEVectorInterface"):
        raise Refused(f"ale-py {ale_py.__version__} beside gymnasium {gymnasium.__version__} has no AtariVectorEnv; "
                      "ale-py 0.11 or later and gymnasium 1.1 or later do")
    options = dict(options)
    try:
        if (path := ale_py.roms.get_rom_path(game)) is None or not os.path.exists(path):
            raise FileNotFoundError(f"{game}.bin")
    except FileNotFoundError as e:
        raise Refused(f"MISSING the ROM of {game} ({e.filename or e}): ale-py's wheels bring all ROMs; "
                      "a build from source or $ALE_ROMS_DIR may lack some")
    known = inspect.signature(ale_py.AtariVectorEnv.__init__).parameters
    if lacking := [key for key in options if key not in known]:
        raise Refused(f"ale-py {ale_py.__version__} has no option {', '.join(lacking)}; use a later one")
    env = ale_py.AtariVectorEnv(game, n, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP, **options)
    return Ale(env, n, options["frameskip"], options["life_loss_info"])


def versions():
    """The packages that decide what an environment does, as far as they are loaded."""
    packages = ("gymnasium", "gymnasium"), ("ale-py", "ale_py"), ("numpy", "numpy")
    return [f"{name} {sys.modules[module].__version__}" for name, module in packages
            if hasattr(sys.modules.get(module), "__version__")]
