/** A metric as the overview picks it. */
export interface OverviewMetric {
  metricName: string;
  scale: string;
}

/** What people training agents look at first, and how frameworks call it. */
const TOPICS: readonly { title: string; names: RegExp }[] = [
  {
    title: "Return",
    names:
      /^(episodic_)?returns?$|^(rollout\/ep_rew_mean|charts\/episodic_return|(train|env_runners|sampler_results|episode)\/(episode_)?(mean_)?(return|reward)(_mean)?|(env_runners\/)?episode_(return|reward)_mean|(critic\/)?(score|rewards)\/mean|objective\/(scores|rlhf_reward)|reward|train\/reward|test\/reward)$/i,
  },
  {
    title: "Episode length",
    names:
      /^(rollout\/ep_len_mean|charts\/episodic_length|(train|env_runners|episode)\/(mean_)?(episode_)?len(gth)?(_mean)?|(env_runners\/)?episode_len_mean|episode_length|ep_len|length|response_length\/mean|completions?\/mean_length)$/i,
  },
  { title: "Success rate", names: /(^|\/)(success(_rate)?|is_success|win_rate)(\/mean)?$/i },
  {
    title: "Evaluation",
    names:
      /^(eval|val|test|validation)\/(mean_)?(reward|return|ep_length|score|accuracy)(\/mean)?$|^eval(uation)?_return$/i,
  },
  {
    title: "Reward terms",
    names: /^(episode_reward|rewards?|reward_terms?|rew)[/_](?!mean$|std$|max$|min$)[^/]+$/i,
  },
  {
    title: "Speed",
    names:
      /(^|\/)(fps|sps|steps_per_second|env_steps_per_sec(ond)?|total_fps|num_env_steps_sampled_throughput_per_sec|throughput|tokens_per_sec(ond)?)$/i,
  },
  {
    title: "Policy loss",
    names:
      /(^|\/)(policy_(gradient_)?loss|pg_loss|actor_loss|surrogate(_loss)?|loss\/policy_avg|policy_loss)$/i,
  },
  {
    title: "Value loss",
    names: /(^|\/)(value_(function_)?loss|vf_loss|v_loss|critic_loss|qf\d?_loss|value_function)$/i,
  },
  { title: "Loss", names: /(^|\/)(total_)?loss$/i },
  { title: "Entropy", names: /(^|\/)(entropy(_loss|_coef)?|mean_entropy|policy_entropy)$/i },
  {
    title: "KL divergence",
    names: /(^|\/)(old_)?(approx_)?kl(_div(ergence)?|_loss|_mean)?$|(^|\/)ppo_kl$|^objective\/kl$/i,
  },
  { title: "Clip fraction", names: /(^|\/)(clip_?frac(tion)?|pg_clipfrac)$/i },
  { title: "Explained variance", names: /(^|\/)(vf_)?explained_var(iance)?$/i },
  {
    title: "Learning rate",
    names: /(^|\/)(learning_rate|lr|cur_lr|default_optimizer_learning_rate)$/i,
  },
  {
    title: "Gradient norm",
    names: /(^|\/)(grad(ient)?s?_?(global_)?norm|gradients_default_optimizer_global_norm)$/i,
  },
];

/**
 * The metrics of a run that an overview shows, topic after topic; each metric belongs to
 * the first topic that knows its name. Names are those of Stable-Baselines3, CleanRL,
 * RLlib, rsl_rl, TRL and verl, and plain ones.
 */
export function overviewOf<T extends OverviewMetric>(
  metrics: readonly T[],
): { title: string; metrics: T[] }[] {
  const left = new Set(metrics);
  return TOPICS.map(({ title, names }) => {
    const found = [...left].filter((m) => names.test(m.metricName));
    for (const metric of found) left.delete(metric);
    return { title, metrics: found };
  }).filter((topic) => topic.metrics.length > 0);
}
