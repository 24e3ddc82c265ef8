/** A metric as the overview picks it. */
export interface OverviewMetric {
  metricName: string;
  scale: string;
}

/** What people training agents look at first. */
export type TopicTitle =
  | "Return"
  | "Evaluation"
  | "Success rate"
  | "Episode length"
  | "Reward terms"
  | "Preferences"
  | "Speed"
  | "Update time"
  | "Policy loss"
  | "Value loss"
  | "Loss"
  | "Entropy"
  | "KL divergence"
  | "Clip fraction"
  | "Explained variance"
  | "Learning rate"
  | "Gradient norm";

/** Metrics of one topic. */
export interface Topic<T> {
  title: TopicTitle;
  metrics: T[];
}

/**
 * How frameworks call things, in the order of the page. A metric belongs to the first that
 * knows its name, so that narrow patterns stand before wide ones. Names are matched in the
 * form that `plainName` gives them.
 */
const NAMES: readonly { title: TopicTitle; names: RegExp }[] = [
  {
    title: "Evaluation",
    names:
      /^(eval(uation)?|val(idation)?|test)(\/.+)?\/((mean|episodic|episode|ep)_)?(reward|return|rew|ep_length|length|len|score|accuracy|success_rate)(_mean)?(\/mean)?$|^eval(uation)?_(return|reward)$|^val(_core)?\/.*(acc|score|reward)\/mean@\d+$|^val\/test_score\/[^/]+$/,
  },
  {
    title: "Return",
    names:
      /^((train|charts|rollout|env_runners|sampler_results|episode|ray\/tune)\/)?((mean_)?episod(e|ic)_(return|reward)s?(_mean)?|(mean_)?(returns?|rewards?)(_mean)?|ep_rew(_mean)?|ep_ret|total_reward(_mean)?)$|^reward\/total_reward_mean$|^critic\/(score|rewards)\/mean$|^objective\/(scores|rlhf_reward)$|^rewards\/(iter|step|time)$|^score$/,
  },
  {
    title: "Success rate",
    names: /(^|\/)(is_success|success(es)?(_rate)?|win_rate)(\/mean|_mean)?$/,
  },
  {
    title: "Episode length",
    names:
      /^((train|charts|rollout|env_runners|sampler_results|episode)\/)?((mean_)?(episode_|episodic_|ep_)len(gth)?s?(_mean)?|length|total_timesteps_mean)$|^episode_lengths\/(iter|step|time)$|^response_length\/mean$|(^|\/)completions?\/mean_length$/,
  },
  {
    title: "Preferences",
    names: /(^|\/)rewards\/(chosen|rejected|margins|accuracies)$/,
  },
  {
    title: "Reward terms",
    names:
      /^(train\/|rollout\/)?(episode_reward|rewards?|reward_terms?|rew)\/(?!(mean|std|max|min)$)[^/]+(\/mean)?$|^episode\/rew_[^/]+$|^rew_[^/]+$/,
  },
  {
    title: "Speed",
    names:
      /(^|\/)((step_|total_)?fps|sps|(env_)?steps_per_sec(ond)?|(num_)?env_steps(_sampled)?(_lifetime)?_throughput(_per_sec)?|throughput|tokens_per_sec(ond)?)$/,
  },
  {
    title: "Update time",
    names:
      /(^|\/)(time_per_step|(update|learn(ing)?|collection|step|iteration)_time(_m?s)?|time_this_iter(_s)?)$|^timing_s\/(step|gen|update_actor)$/,
  },
  {
    title: "Policy loss",
    names:
      /(^|\/)(policy_(gradient_)?loss|pg_loss|p_loss|a_loss|actor_loss|surrogate(_loss)?)$|^loss(es)?\/policy(_avg|_loss)?$/,
  },
  {
    title: "Value loss",
    names:
      /(^|\/)(value_(function_)?loss|vf_loss|v_loss|c_loss|critic_loss|td_loss|qf\d?_loss)$|^loss(es)?\/(value(_avg|_function)?|critic)$/,
  },
  { title: "Loss", names: /(^|\/)(total_)?loss$/ },
  { title: "Entropy", names: /(^|\/)((mean|policy)_)?entropy(_loss|_avg)?$/ },
  {
    title: "KL divergence",
    names: /(^|\/)((old_)?(approx_?)?kl(_div(ergence)?|_loss|_mean|_avg)?|mean_kl(_loss)?|ppo_kl)$/,
  },
  {
    title: "Clip fraction",
    names: /(^|\/)((pg_)?clip_?frac(tion)?(_avg)?)$|(^|\/)clip_ratio(\/region_mean)?$/,
  },
  { title: "Explained variance", names: /(^|\/)(vf_)?explained_var(iance)?$/ },
  {
    title: "Learning rate",
    names: /(^|\/)(learning_rate|lr|cur_lr|last_lr|default_optimizer_learning_rate)$/,
  },
  {
    title: "Gradient norm",
    names: /(^|\/)(grad(ient)?s?_?(global_)?g?norm|gradients_default_optimizer_global_norm)$/,
  },
];

/** The order of the page, where it is not that of the patterns. */
const FIRST: readonly TopicTitle[] = [
  "Return",
  "Evaluation",
  "Success rate",
  "Episode length",
  "Reward terms",
];

/** `Reward / Total reward (mean)` as `reward/total_reward_mean`. */
function plainName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[()]/g, "")
    .replace(/\s*\/\s*/g, "/")
    .replace(/[\s-]+/g, "_");
}

/**
 * The metrics of a run that an overview shows, topic after topic. Names are those of
 * Stable-Baselines3, CleanRL, RLlib, rsl_rl, rl_games, skrl, TRL and verl, and plain ones.
 */
export function overviewOf<T extends OverviewMetric>(metrics: readonly T[]): Topic<T>[] {
  const topics = new Map<TopicTitle, T[]>(FIRST.map((title) => [title, []]));
  for (const { title } of NAMES) if (!topics.has(title)) topics.set(title, []);
  for (const metric of metrics) {
    const name = plainName(metric.metricName);
    const topic = NAMES.find(({ names }) => names.test(name));
    if (topic) topics.get(topic.title)?.push(metric);
  }
  return [...topics]
    .filter(([, found]) => found.length > 0)
    .map(([title, found]) => ({ title, metrics: found }));
}
