"""The peer of `rlleap bench ale`: a bare Python loop over the same vector environment, in a process of its own.

Reads the line "game copies threads frame_skip steps" once, then a line per round. Answers each round with its seconds,
on the clock and of all cores. Actions come from the same small generator as on the other side, and seeds are given, so
that both emulate the same games.
"""
import sys
import time

import ale_py
import numpy as np
from gymnasium.vector import AutoresetMode

game, copies, threads, steps, gray, stack = sys.stdin.readline().split()
copies, threads, steps, gray, stack = int(copies), int(threads), int(steps), gray == "gray", int(stack)
seeds = np.array(sys.stdin.readline().split(), np.int64)
env = ale_py.AtariVectorEnv(
    game,
    copies,
    num_threads=threads,
    grayscale=gray,
    stack_num=stack,
    reward_clipping=False,
    use_fire_reset=False,
    life_loss_info=gray,
    autoreset_mode=AutoresetMode.SAME_STEP,
)
count = env.single_action_space.n
env.reset(seed=seeds)
state = 1
print("ready", flush=True)
for _ in sys.stdin:
    actions = []
    for _ in range(steps):
        row = np.empty(copies, np.int64)
        for i in range(copies):
            state = (state * 1103515245 + 12345) % 2147483648
            row[i] = (state >> 8) % count
        actions.append(row)
    start, processor = time.perf_counter(), time.process_time()
    for row in actions:
        observations, rewards, terminations, truncations, info = env.step(row)
    print(time.perf_counter() - start, time.process_time() - processor, flush=True)
