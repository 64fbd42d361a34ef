"""Stable-Baselines3's A2C on an ALE game as its users start it.

That is make_atari_env (DummyVecEnv, AtariWrapper), VecFrameStack and CnnPolicy. Reads "game copies unroll" once, then a
number of updates a line; answers each with its seconds. Torch uses as many threads as it chooses.
"""
import contextlib
import sys
import time

with contextlib.redirect_stdout(sys.stderr):
    import ale_py
    import gymnasium
    import stable_baselines3
    import torch
    from stable_baselines3 import A2C
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack

    gymnasium.register_envs(ale_py)
    game, copies, unroll = sys.stdin.readline().split()
    copies, unroll = int(copies), int(unroll)
    model = A2C(
        "CnnPolicy", VecFrameStack(make_atari_env(game, n_envs=copies, seed=0), 4), n_steps=unroll, device="cpu"
    )
    model.learn(copies * unroll * 3)
print(
    f"Stable-Baselines3 {stable_baselines3.__version__.strip()}, PyTorch {torch.__version__} "
    f"on {torch.get_num_threads()} threads",
    flush=True,
)
for line in sys.stdin:
    steps = int(line) * copies * unroll
    start = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        model.learn(steps, reset_num_timesteps=False)
    print(time.perf_counter() - start, flush=True)
