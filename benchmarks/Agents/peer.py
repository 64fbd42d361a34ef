"""The other side of `rlleap bench agent`: Stable-Baselines3's A2C with our setting `minatar`.

Network, number of environments and length of a rollout are those of that setting. Reads lines "update ITERATIONS" on
standard input; answers each with "CPU_SECONDS WALL_SECONDS" for all of them together.
It does not learn a game but a stub with Breakout's shapes. A step of the stub hands out observations that were drawn
beforehand and costs next to nothing. So the peer is measured without an environment and ours with one: the ratio
flatters the peer.
"""
import sys
import time

try:
    import gymnasium
    import numpy as np
    import stable_baselines3
    import torch
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
    from stable_baselines3.common.vec_env import VecEnv
    from torch import nn
except ImportError as e:
    sys.exit(print(e))

COPIES, UNROLL, ACTIONS, SHAPE = 32, 5, 3, (4, 10, 10)


class Stub(VecEnv):
    def __init__(self):
        super().__init__(COPIES, gymnasium.spaces.Box(0, 1, SHAPE, np.uint8), gymnasium.spaces.Discrete(ACTIONS))
        rng = np.random.default_rng(0)
        self.planes = rng.integers(0, 2, (64, COPIES, *SHAPE), dtype=np.uint8)
        self.rewards = rng.integers(0, 2, (64, COPIES)).astype(np.float32)
        self.ends, self.infos, self.t = np.zeros(COPIES, bool), [{} for _ in range(COPIES)], 0

    def reset(self):
        return self.planes[0]

    def step_async(self, actions):
        self.t = (self.t + 1) % len(self.planes)

    def step_wait(self):
        return self.planes[self.t], self.rewards[self.t], self.ends, self.infos

    def close(self):
        pass

    def get_attr(self, attr_name, indices=None):
        return [None] * COPIES

    def set_attr(self, attr_name, value, indices=None):
        pass

    def env_method(self, method_name, *method_args, indices=None, **method_kwargs):
        return [None] * COPIES

    def env_is_wrapped(self, wrapper_class, indices=None):
        return [False] * COPIES


class Encoder(BaseFeaturesExtractor):
    def __init__(self, space):
        super().__init__(space, 128)
        self.layers = nn.Sequential(
            nn.Conv2d(SHAPE[0], 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 8 * 8, 128), nn.ReLU()
        )

    def forward(self, observations):
        return self.layers(observations)


torch.set_num_threads(1)
# Everything else as A2C has it: RMSProp, its coefficients, clipping at 0.5, no schedule.
model = stable_baselines3.A2C(
    "CnnPolicy",
    Stub(),
    n_steps=UNROLL,
    device="cpu",
    seed=0,
    policy_kwargs=dict(features_extractor_class=Encoder, net_arch=[], normalize_images=False),
)
model.learn(50 * COPIES * UNROLL, log_interval=10**9)
print("ready", stable_baselines3.__version__, torch.__version__, flush=True)
for line in sys.stdin:
    cpu, wall = time.process_time(), time.perf_counter()
    model.learn(int(line.split()[1]) * COPIES * UNROLL, log_interval=10**9, reset_num_timesteps=False)
    print(time.process_time() - cpu, time.perf_counter() - wall, flush=True)
