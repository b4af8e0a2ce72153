"""The models once more, as slow and plain as can be: one session, one trial after another.

The twin of a cognitive model bears the name that the model has in the catalogue. It takes one
session's `choices` (-1 where missed) and `rewards` (or, of two kinds of reward, `outcomes`) and the
model's parameters by name, and returns for each trial the probability of every choice and the
prediction error (nan where missed).
"""

import numpy as np


def softmax(logits):
    odds = [np.exp(x - max(logits)) for x in logits]
    return [x / sum(odds) for x in odds]


def q_learning(choices, rewards, *, learning_rate, inverse_temperature, initial_value=0.5, n=2):
    q = [initial_value] * n
    p, errors = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax([inverse_temperature * value for value in q]))
        if choice == -1:
            errors.append(np.nan)
            continue
        errors.append(reward - q[choice])
        q[choice] = q[choice] + learning_rate * (reward - q[choice])
    return np.array(p), np.array(errors)


def dfq(
    choices, rewards, *, learning_rate, forgetting_rate, reward_strength, no_reward_strength, n=2
):
    q = [0.0] * n
    p, errors = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax(q))
        if choice == -1:
            errors.append(np.nan)
            continue
        if reward == 1:
            target = reward_strength
        elif reward == 0:
            target = -no_reward_strength
        else:
            target = reward * reward_strength + (1 - reward) * -no_reward_strength
        errors.append(target - q[choice])
        for i in range(n):
            if i == choice:
                q[i] = (1 - learning_rate) * q[i] + learning_rate * target
            else:
                q[i] = (1 - forgetting_rate) * q[i]
    return np.array(p), np.array(errors)


def actor_critic(
    choices, rewards, *, actor_learning_rate, actor_forgetting_rate, critic_learning_rate,
    initial_value=0.5, n=2,
):  # fmt: skip
    eta, kept = actor_learning_rate, 1 - actor_forgetting_rate
    theta, value = [0.0] * n, initial_value
    p, errors = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        policy = softmax(theta)
        p.append(policy)
        if choice == -1:
            errors.append(np.nan)
            continue
        error = reward - value
        errors.append(error)
        for i in range(n):
            if i == choice:
                theta[i] = kept * theta[i] + eta * error * (1 - policy[i])
            else:
                theta[i] = kept * theta[i] - eta * error * policy[i]
        value = (1 - critic_learning_rate) * value + critic_learning_rate * reward
    return np.array(p), np.array(errors)


def bias(choices, rewards, *, bias):
    p = [softmax([0.0, *bias]) for _ in choices]
    return np.array(p), np.where(np.asarray(choices) == -1, np.nan, rewards)


def gru(model, choices, rewards, subject):
    """The GRU's choice probabilities and signals, from its weights, in plain NumPy."""
    w_input, w_hidden, b_input, b_new = (
        np.asarray(x, np.float64)
        for x in (model.w_input, model.w_hidden, model.b_input, model.b_new)
    )
    h = np.asarray(model.initial_hidden, np.float64)
    n = len(h)
    described = np.asarray(model.embedding, np.float64)[subject]
    p, signals = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax(list(np.asarray(model.w_choice) @ h + np.asarray(model.b_choice))))
        if choice == -1:
            signals.append(np.zeros(model.n_signals))
            continue
        x = np.concatenate([np.eye(model.n_choices)[choice], [reward], described])
        reset = 1 / (1 + np.exp(-(w_input[:n] @ x + w_hidden[:n] @ h + b_input[:n])))
        keep = w_input[n : 2 * n] @ x + w_hidden[n : 2 * n] @ h + b_input[n : 2 * n]
        keep = 1 / (1 + np.exp(-keep))
        new = w_input[2 * n :] @ x + b_input[2 * n :] + reset * (w_hidden[2 * n :] @ h + b_new)
        after = (1 - keep) * np.tanh(new) + keep * h
        read = np.concatenate([h, after, x])
        raw = np.asarray(model.w_signal) @ read + np.asarray(model.b_signal)
        signals.append(np.asarray(model.signal_mean) + np.asarray(model.signal_scale) * raw)
        h = after
    return np.array(p), np.array(signals)


def structure_mixture(
    choices, outcomes, *, learning_rate, inverse_temperature, structure_weight, n=2
):
    w, q = structure_weight, [0.5] * n
    p, errors = [], []
    for choice, (controllable, distractor) in zip(choices, outcomes, strict=True):
        p.append(softmax([inverse_temperature * value for value in q]))
        if choice == -1:
            errors.append(np.nan)
            continue
        credit = w * controllable + (1 - w) * max(controllable, distractor)
        errors.append(credit - q[choice])
        q[choice] = q[choice] + learning_rate * (credit - q[choice])
    return np.array(p), np.array(errors)


def structure_naive(choices, outcomes, **parameters):
    return structure_mixture(choices, outcomes, structure_weight=0.0, **parameters)


def structure_savvy(choices, outcomes, **parameters):
    return structure_mixture(choices, outcomes, structure_weight=1.0, **parameters)


def two_process(
    choices, outcomes, *, learning_rate, inverse_temperature, controllable_utility,
    distractor_utility, nothing_utility, habit_rate, habit_strength, n=2,
):  # fmt: skip
    alone = {(1, 1): 1.0, (1, 0): controllable_utility, (0, 1): distractor_utility}
    alone[0, 0] = nothing_utility
    q, h = [0.0] * n, [0.0] * n
    p, errors = [], []
    for choice, (c, d) in zip(choices, outcomes, strict=True):
        p.append(softmax([inverse_temperature * q[i] + habit_strength * h[i] for i in range(n)]))
        if choice == -1:
            errors.append(np.nan)
            continue
        utility = alone.get((c, d))
        if utility is None:  # graded rewards: the mean over rewards drawn with these probabilities
            utility = c * d + c * (1 - d) * controllable_utility
            utility += (1 - c) * d * distractor_utility + (1 - c) * (1 - d) * nothing_utility
        errors.append(utility - q[choice])
        for i in range(n):
            chosen = i == choice
            aim = utility if chosen else -utility / (n - 1)
            q[i] = (1 - learning_rate) * q[i] + learning_rate * aim
            h[i] = (1 - habit_rate) * h[i] + habit_rate * chosen
    return np.array(p), np.array(errors)
