import { expect, test } from "vitest";
import { overviewOf } from "./rl_overview";

const titles = (...names: string[]) =>
  overviewOf(names.map((metricName) => ({ metricName, scale: "ML_STEP" }))).map(
    ({ title, metrics }) => `${title}: ${metrics.map((m) => m.metricName).join(" ")}`,
  );

test("Stable-Baselines3", () => {
  expect(
    titles(
      "rollout/ep_rew_mean",
      "rollout/ep_len_mean",
      "time/fps",
      "train/approx_kl",
      "train/clip_fraction",
      "train/explained_variance",
      "train/policy_gradient_loss",
      "train/value_loss",
      "train/entropy_loss",
      "train/learning_rate",
      "train/loss",
      "eval/mean_reward",
    ),
  ).toEqual([
    "Return: rollout/ep_rew_mean",
    "Episode length: rollout/ep_len_mean",
    "Evaluation: eval/mean_reward",
    "Speed: time/fps",
    "Policy loss: train/policy_gradient_loss",
    "Value loss: train/value_loss",
    "Loss: train/loss",
    "Entropy: train/entropy_loss",
    "KL divergence: train/approx_kl",
    "Clip fraction: train/clip_fraction",
    "Explained variance: train/explained_variance",
    "Learning rate: train/learning_rate",
  ]);
});

test("CleanRL", () => {
  expect(
    titles(
      "charts/episodic_return",
      "charts/SPS",
      "losses/policy_loss",
      "losses/old_approx_kl",
      "losses/clipfrac",
    ),
  ).toEqual([
    "Return: charts/episodic_return",
    "Speed: charts/SPS",
    "Policy loss: losses/policy_loss",
    "KL divergence: losses/old_approx_kl",
    "Clip fraction: losses/clipfrac",
  ]);
});

test("RLlib, rsl_rl and verl", () => {
  expect(titles("env_runners/episode_return_mean", "learners/default_policy/vf_loss")).toEqual([
    "Return: env_runners/episode_return_mean",
    "Value loss: learners/default_policy/vf_loss",
  ]);
  expect(
    titles(
      "Train/mean_reward",
      "Train/mean_episode_length",
      "Loss/surrogate",
      "Episode_Reward/track_lin_vel",
    ),
  ).toEqual([
    "Return: Train/mean_reward",
    "Episode length: Train/mean_episode_length",
    "Reward terms: Episode_Reward/track_lin_vel",
    "Policy loss: Loss/surrogate",
  ]);
  expect(
    titles(
      "critic/rewards/mean",
      "actor/pg_loss",
      "actor/ppo_kl",
      "actor/grad_norm",
      "response_length/mean",
    ),
  ).toEqual([
    "Return: critic/rewards/mean",
    "Episode length: response_length/mean",
    "Policy loss: actor/pg_loss",
    "KL divergence: actor/ppo_kl",
    "Gradient norm: actor/grad_norm",
  ]);
});

test("names that say nothing are left out", () => {
  expect(titles("layer-001/grad-002", "my_metric")).toEqual([]);
});
