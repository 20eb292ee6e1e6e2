"""What can learn: PPO, REINFORCE, or a contextual bandit."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from dspy_operator.api.types import Model, cel, exactly_one, rule

_MAX_STEPS = 1_000_000_000_000


class Reinforce(Model):
    """REINFORCE with a baseline."""

    total_steps: int = Field(100_000, ge=1, le=_MAX_STEPS, description="Environment steps in all.")
    num_envs: int = Field(8, ge=1, le=4096, description="Environments side by side.")
    horizon: int = Field(128, ge=1, le=65536, description="Steps of each environment between two updates.")
    learning_rate: float = Field(3e-4, gt=0, le=1, description="Step size of the optimiser.")
    gamma: float = Field(0.99, ge=0, le=1, description="Discount.")
    entropy: float = Field(0.01, ge=0, le=10, description="Weight of the entropy bonus.")
    seed: int = Field(0, ge=0, le=2_147_483_647, description="Seed of all random numbers.")


class PPO(Reinforce):
    """Proximal policy optimisation."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            rule(
                "self.minibatches <= self.numEnvs * self.horizon",
                "minibatches must not exceed numEnvs times horizon",
            )
        )
    )
    gae_lambda: float = Field(0.95, ge=0, le=1, description="Lambda of generalised advantage estimation.")
    clip: float = Field(0.2, gt=0, le=1, description="Clip range of the ratio.")
    epochs: int = Field(4, ge=1, le=100, description="Passes over each batch.")
    minibatches: int = Field(4, ge=1, le=4096, description="Minibatches of each pass.")
    engine: Literal["Native", "PufferLib"] = Field("Native", description="Which trainer runs it.")


class Bandit(Model):
    """A contextual bandit, replayed on recorded steps."""

    steps: int = Field(10_000, ge=1, le=_MAX_STEPS, description="Steps in all.")
    policy: Literal["LinUCB", "LinTS", "EpsilonGreedy"] = Field("LinUCB", description="How it explores.")


class Algorithm(Model):
    """What learns: exactly one."""

    model_config = ConfigDict(json_schema_extra=cel(exactly_one("ppo", "reinforce", "bandit")))
    ppo: PPO | None = Field(None, description="Proximal policy optimisation.")
    reinforce: Reinforce | None = Field(None, description="REINFORCE with a baseline.")
    bandit: Bandit | None = Field(None, description="A contextual bandit.")
