import { describe, expect, test } from "vitest";
import { overviewOf } from "./rl_overview";

const titles = (names: readonly string[]) =>
  Object.fromEntries(
    overviewOf(names.map((metricName) => ({ metricName, scale: "ML_STEP" }))).map(
      ({ title, metrics }) => [title, metrics.map((m) => m.metricName)],
    ),
  );

/** What frameworks log, by the topic it belongs to; what belongs to none stands below "". */
const FRAMEWORKS: Record<string, Record<string, string[]>> = {
  "Stable-Baselines3": {
    Return: ["rollout/ep_rew_mean"],
    Evaluation: ["eval/mean_reward", "eval/mean_ep_length", "eval/success_rate"],
    "Success rate": ["rollout/success_rate"],
    "Episode length": ["rollout/ep_len_mean"],
    Speed: ["time/fps"],
    "Policy loss": ["train/policy_gradient_loss", "train/actor_loss", "train/policy_loss"],
    "Value loss": ["train/value_loss", "train/critic_loss"],
    Loss: ["train/loss"],
    Entropy: ["train/entropy_loss"],
    "KL divergence": ["train/approx_kl"],
    "Clip fraction": ["train/clip_fraction"],
    "Explained variance": ["train/explained_variance"],
    "Learning rate": ["train/learning_rate"],
    "": [
      "time/iterations",
      "time/total_timesteps",
      "train/n_updates",
      "train/clip_range",
      "train/std",
    ],
  },
  CleanRL: {
    Return: ["charts/episodic_return"],
    Evaluation: ["eval/episodic_return"],
    "Episode length": ["charts/episodic_length"],
    Speed: ["charts/SPS"],
    "Policy loss": ["losses/policy_loss", "losses/actor_loss"],
    "Value loss": ["losses/value_loss", "losses/td_loss", "losses/qf1_loss", "losses/qf_loss"],
    Entropy: ["losses/entropy"],
    "KL divergence": ["losses/old_approx_kl", "losses/approx_kl"],
    "Clip fraction": ["losses/clipfrac"],
    "Explained variance": ["losses/explained_variance"],
    "Learning rate": ["charts/learning_rate"],
    "": ["losses/q_values", "losses/alpha"],
  },
  RLlib: {
    Return: ["env_runners/episode_return_mean", "sampler_results/episode_reward_mean"],
    Evaluation: ["evaluation/env_runners/episode_return_mean", "evaluation/episode_reward_mean"],
    "Episode length": ["env_runners/episode_len_mean"],
    Speed: [
      "num_env_steps_sampled_throughput_per_sec",
      "env_runners/num_env_steps_sampled_lifetime_throughput",
    ],
    "Update time": ["time_this_iter_s", "timers/learn_time_ms"],
    "Policy loss": ["learners/default_policy/policy_loss"],
    "Value loss": ["learners/default_policy/vf_loss"],
    Loss: ["learners/default_policy/total_loss"],
    Entropy: ["learners/default_policy/entropy"],
    "KL divergence": [
      "learners/default_policy/mean_kl_loss",
      "info/learner/default_policy/learner_stats/kl",
    ],
    "Explained variance": ["learners/default_policy/vf_explained_var"],
    "Learning rate": [
      "learners/default_policy/default_optimizer_learning_rate",
      "info/learner/default_policy/learner_stats/cur_lr",
    ],
    "Gradient norm": [
      "learners/default_policy/gradients_default_optimizer_global_norm",
      "info/learner/default_policy/learner_stats/grad_gnorm",
    ],
    "": ["num_env_steps_sampled_lifetime", "learners/default_policy/curr_kl_coeff"],
  },
  rsl_rl: {
    Return: ["Train/mean_reward"],
    "Episode length": ["Train/mean_episode_length"],
    "Reward terms": [
      "Episode_Reward/track_lin_vel_xy_exp",
      "Episode_Reward/dof_torques_l2",
      "Episode/rew_tracking_ang_vel",
    ],
    Speed: ["Perf/total_fps"],
    "Update time": ["Perf/collection time", "Perf/learning_time"],
    "Policy loss": ["Loss/surrogate"],
    "Value loss": ["Loss/value_function", "Loss/value"],
    Entropy: ["Loss/entropy"],
    "Learning rate": ["Loss/learning_rate"],
    "": ["Policy/mean_noise_std", "Episode_Termination/time_out", "Train/mean_reward/time"],
  },
  rl_games: {
    Return: ["rewards/iter", "rewards/step"],
    "Episode length": ["episode_lengths/iter"],
    Speed: ["performance/step_fps"],
    "Policy loss": ["losses/a_loss"],
    "Value loss": ["losses/c_loss"],
    Entropy: ["losses/entropy"],
    "KL divergence": ["info/kl"],
    "Learning rate": ["info/last_lr"],
  },
  skrl: {
    Return: ["Reward / Total reward (mean)"],
    "Episode length": ["Episode / Total timesteps (mean)"],
    "Policy loss": ["Loss / Policy loss"],
    "Value loss": ["Loss / Value loss"],
    Entropy: ["Loss / Entropy loss"],
    "Learning rate": ["Learning / Learning rate"],
  },
  TRL: {
    Return: ["objective/rlhf_reward", "objective/scores", "train/reward"],
    Evaluation: ["eval/reward"],
    "Episode length": ["completions/mean_length"],
    Preferences: ["rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins"],
    "Reward terms": ["rewards/accuracy_reward/mean", "train/rewards/format_reward/mean"],
    "Policy loss": ["loss/policy_avg"],
    "Value loss": ["loss/value_avg"],
    Loss: ["train/loss"],
    Entropy: ["policy/entropy_avg", "objective/entropy"],
    "KL divergence": ["objective/kl", "policy/approxkl_avg", "train/kl"],
    "Clip fraction": ["policy/clipfrac_avg", "clip_ratio/region_mean"],
    "Learning rate": ["train/learning_rate", "lr"],
    "Gradient norm": ["train/grad_norm"],
    "": ["reward_std", "rewards/accuracy_reward/std", "train/num_tokens", "val/ratio"],
  },
  verl: {
    Return: ["critic/score/mean", "critic/rewards/mean"],
    Evaluation: ["val-core/openai/gsm8k/reward/mean@1", "val/test_score/gsm8k"],
    "Episode length": ["response_length/mean"],
    Speed: ["perf/throughput"],
    "Update time": ["perf/time_per_step", "timing_s/step", "timing_s/gen", "timing_s/update_actor"],
    "Policy loss": ["actor/pg_loss"],
    "Value loss": ["critic/vf_loss"],
    Entropy: ["actor/entropy", "actor/entropy_loss"],
    "KL divergence": ["actor/ppo_kl", "actor/kl_loss"],
    "Clip fraction": ["actor/pg_clipfrac"],
    "Explained variance": ["critic/vf_explained_var"],
    "Learning rate": ["actor/lr", "critic/lr"],
    "Gradient norm": ["actor/grad_norm", "critic/grad_norm"],
    "": ["critic/rewards/max", "critic/advantages/mean", "response_length/max", "actor/kl_coef"],
  },
  "plain names": {
    Return: ["return", "episode_return", "reward"],
    "Success rate": ["success", "win_rate"],
    "Episode length": ["length", "episode_length"],
    "Reward terms": ["reward_terms/progress", "reward/energy"],
    "Policy loss": ["losses/policy"],
    "Value loss": ["losses/value"],
    Entropy: ["losses/entropy"],
    "KL divergence": ["losses/kl"],
    "": ["layer-001/grad-002", "my_metric", "reward/mean", "reward/std"],
  },
};

describe("names of", () => {
  test.each(Object.entries(FRAMEWORKS))("%s", (_, { "": none = [], ...topics }) => {
    const all = Object.values(topics).flat();
    // Sorted, as the server lists them: the topic is found whatever stands before it.
    const found = titles([...all, ...none].sort());
    for (const names of Object.values(found)) names.sort();
    expect(found).toEqual(
      Object.fromEntries(
        Object.entries(topics).map(([title, names]) => [title, [...names].sort()]),
      ),
    );
  });
});

test("topics come in the order in which one looks at them", () => {
  const names = ["train/loss", "eval/mean_reward", "rewards/a", "time/fps", "rollout/ep_rew_mean"];
  expect(Object.keys(titles(names))).toEqual([
    "Return",
    "Evaluation",
    "Reward terms",
    "Speed",
    "Loss",
  ]);
});
