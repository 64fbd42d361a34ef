"""Writes ppo.json: losses of PPO and their gradients by plain PyTorch, from the paper's formulas (arXiv 1707.06347).

    python3 generate_ppo.py > ppo.json

Inputs are rounded to float32, so that both sides start from the same numbers; all arithmetic is in float64.
"""
import json

import torch

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)


def draw(*shape, scale=1.0):
    return (torch.randn(*shape) * scale).float().double()


def loss(log_probability, entropy, values, old, case):
    advantages = old["advantages"]
    if case["normalize"]:
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    log_ratio = log_probability - old["log_probabilities"]
    ratio = log_ratio.exp()
    policy = torch.max(-advantages * ratio,
                       -advantages * torch.clamp(ratio, 1 - case["clip"], 1 + case["clip"])).mean()
    errors = (values - old["returns"]) ** 2
    if case["value_clip"]:
        bounded = old["values"] + torch.clamp(values - old["values"], -case["value_clip"], case["value_clip"])
        errors = torch.max(errors, (bounded - old["returns"]) ** 2)
    value, mean_entropy = errors.mean(), entropy.mean()
    total = policy + case["value_coefficient"] * value - case["entropy_coefficient"] * mean_entropy
    return dict(total=total, policy=policy, value=value, entropy=mean_entropy,
                kl=((ratio - 1) - log_ratio).mean(), clip_fraction=((ratio - 1).abs() > case["clip"]).double().mean())


def case(space, batch, **settings):
    settings = {**dict(clip=0.2, value_clip=0.0, normalize=True, value_coefficient=0.5, entropy_coefficient=0.01),
                **settings}
    values = draw(batch).requires_grad_()
    if space == "discrete":
        outputs, deviations = draw(batch, 4).requires_grad_(), None
        policy = torch.distributions.Categorical(logits=outputs)
        actions = policy.sample()
        logs, entropy, actions = policy.log_prob(actions), policy.entropy(), actions.unsqueeze(1).double()
    elif space == "box":
        outputs, deviations = draw(batch, 3).requires_grad_(), draw(3, scale=0.5).requires_grad_()
        policy = torch.distributions.Normal(outputs, deviations.exp())
        actions = policy.sample().float().double()
        logs, entropy = policy.log_prob(actions).sum(1), policy.entropy().sum(1)
    else:  # two numbers of 3 and 2 values, then two switches, then one real number
        outputs, deviations = draw(batch, 8).requires_grad_(), draw(1).requires_grad_()
        parts = [torch.distributions.Categorical(logits=outputs[:, :3]),
                 torch.distributions.Categorical(logits=outputs[:, 3:5]),
                 torch.distributions.Independent(torch.distributions.Bernoulli(logits=outputs[:, 5:7]), 1),
                 torch.distributions.Independent(torch.distributions.Normal(outputs[:, 7:], deviations.exp()), 1)]
        drawn = [part.sample().float().double() for part in parts]
        logs = sum(part.log_prob(value) for part, value in zip(parts, drawn))
        entropy = sum(part.entropy() for part in parts)
        actions = torch.cat([value.reshape(batch, -1) for value in drawn], 1)
    old = dict(log_probabilities=(logs.detach() + draw(batch, scale=0.3)).float().double(), values=draw(batch),
               advantages=draw(batch, scale=2.0), returns=draw(batch))
    result = loss(logs, entropy, values, old, settings)
    inputs = [outputs, values] + ([] if deviations is None else [deviations])
    gradients = torch.autograd.grad(result["total"], inputs)
    return dict(space=space, settings=settings, outputs=outputs.tolist(), values=values.tolist(),
                deviations=None if deviations is None else deviations.tolist(), actions=actions.tolist(),
                old={key: value.tolist() for key, value in old.items()},
                log_probabilities=logs.tolist(), entropies=entropy.tolist(),
                result={key: value.item() for key, value in result.items()},
                gradients=[gradient.tolist() for gradient in gradients])


print(json.dumps(dict(source=f"PyTorch {torch.__version__}", cases=[
    case("discrete", 16), case("discrete", 7, clip=0.1, value_clip=0.2, normalize=False),
    case("box", 16, entropy_coefficient=0.0), case("box", 5, value_clip=0.1, value_coefficient=0.25),
    case("mixed", 12), case("mixed", 8, clip=0.3, value_clip=0.3, normalize=False)])))
