"""A real training to look at: CartPole by the cross-entropy method.

cartpole.py   the training, an example of how to log one
policy.py     the policy and how it is improved
command.py    `metrana demo`: server, terminal, exit code
"""
