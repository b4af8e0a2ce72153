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


def q_learning(
    choices, rewards, *, learning_rate, inverse_temperature, initial_value=0.5,
    negative_learning_rate=None, forgetting_rate=0.0, n=2,
):  # fmt: skip
    q = [initial_value] * n
    p, errors = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax([inverse_temperature * value for value in q]))
        if choice == -1:
            errors.append(np.nan)
            continue
        error = reward - q[choice]
        errors.append(error)
        disappointed = error < 0 and negative_learning_rate is not None
        rate = negative_learning_rate if disappointed else learning_rate
        for i in range(n):
            if i == choice:
                q[i] = q[i] + rate * error
            else:
                q[i] = (1 - forgetting_rate) * q[i] + forgetting_rate * initial_value
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


def belief(
    choices, rewards, *, good_reward_probability, bad_reward_probability, hazard,
    inverse_temperature, n=2,
):  # fmt: skip
    """By enumeration: the chance of each good choice, from the chance of all that happened."""
    b = [1 / n] * n
    p, errors = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax([inverse_temperature * x for x in b]))
        if choice == -1:
            errors.append(np.nan)
            continue
        expected = b[choice] * good_reward_probability
        expected += (1 - b[choice]) * bad_reward_probability
        errors.append(reward - expected)
        joint = []
        for i in range(n):
            chance = good_reward_probability if i == choice else bad_reward_probability
            joint.append(b[i] * chance**reward * (1 - chance) ** (1 - reward))
        posterior = [x / sum(joint) for x in joint]
        b = [
            sum(posterior[j] * ((1 - hazard) if i == j else hazard / (n - 1)) for j in range(n))
            for i in range(n)
        ]
    return np.array(p), np.array(errors)


def rflr(choices, rewards, *, choice_weight, reward_weight, time_constant, n=2):
    """As a logistic regression: all past rewards of a choice, each with its own age."""
    p, errors, past = [], [], []

    def evidence(i):
        ages = range(len(past) - 1, -1, -1)
        of_rewards = zip(past, ages, strict=True)
        return sum(
            reward_weight * r * np.exp(-age / time_constant) for (c, r), age in of_rewards if c == i
        )

    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax([
            evidence(i) + (choice_weight if past and past[-1][0] == i else 0.0) for i in range(n)
        ]))  # fmt: skip
        if choice == -1:
            errors.append(np.nan)
            continue
        before = evidence(choice)
        past.append((choice, reward))
        errors.append(evidence(choice) - before)
    return np.array(p), np.array(errors)


def reward_habit(
    choices, rewards, *, reward_rate, reward_weight, habit_rate, habit_weight, fallacy_rate=0.05,
    fallacy_weight=0.0, n=2,
):  # fmt: skip
    r, h, g = [0.0] * n, [0.0] * n, [0.0] * n
    p, errors = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax([
            reward_weight * r[i] + habit_weight * h[i] + fallacy_weight * g[i] for i in range(n)
        ]))  # fmt: skip
        if choice == -1:
            errors.append(np.nan)
            continue
        sign = reward - (1 - reward)
        errors.append(sign - r[choice])
        for i in range(n):
            made = i == choice
            r[i] = (1 - reward_rate) * r[i] + reward_rate * (sign if made else -sign / (n - 1))
            h[i] = (1 - habit_rate) * h[i] + habit_rate * made
            g[i] = (1 - fallacy_rate) * g[i] + fallacy_rate * (made - made * reward)
    return np.array(p), np.array(errors)


def pearce_hall(
    choices, rewards, *, learning_rate, associability_rate, inverse_temperature, initial_value,
    forgetting_rate=0.0, n=2,
):  # fmt: skip
    q, alpha = [initial_value] * n, [1.0] * n
    p, errors = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax([inverse_temperature * value for value in q]))
        if choice == -1:
            errors.append(np.nan)
            continue
        error = reward - q[choice]
        errors.append(error)
        for i in range(n):
            if i == choice:
                q[i] = q[i] + learning_rate * alpha[i] * error
                alpha[i] = (1 - associability_rate) * alpha[i] + associability_rate * abs(error)
            else:
                q[i] = (1 - forgetting_rate) * q[i] + forgetting_rate * initial_value
    return np.array(p), np.array(errors)


def meta_learning(
    choices, rewards, *, learning_rate, negative_learning_rate, uncertainty_rate, surprise_rate,
    forgetting_rate, inverse_temperature, initial_value, n=2,
):  # fmt: skip
    q, expected, rate = [initial_value] * n, 0.0, negative_learning_rate
    p, errors = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax([inverse_temperature * value for value in q]))
        if choice == -1:
            errors.append(np.nan)
            continue
        error = reward - q[choice]
        errors.append(error)
        unexpected = abs(error) - expected
        expected = (1 - uncertainty_rate) * expected + uncertainty_rate * abs(error)
        if error < 0:
            aim = negative_learning_rate + unexpected
            rate = min(1.0, max(0.0, surprise_rate * aim + (1 - surprise_rate) * rate))
        for i in range(n):
            if i == choice:
                q[i] = q[i] + (rate if error < 0 else learning_rate) * error
            else:
                q[i] = (1 - forgetting_rate) * q[i] + forgetting_rate * initial_value
    return np.array(p), np.array(errors)


def with_parts(
    core, choices, rewards, *, side_bias=(0.0,), perseveration=0.0, perseveration_rate=1.0
):
    """Any twin with a side bias and a choice kernel: what they add, put on the log-odds."""
    p, errors = core(choices, rewards)
    n = p.shape[1]
    trace, whole, preference = [0.0] * n, [], [0.0, *side_bias]
    for t, choice in enumerate(choices):
        added = [preference[i] + perseveration * trace[i] for i in range(n)]
        whole.append(softmax([np.log(p[t, i]) + added[i] for i in range(n)]))
        if choice != -1:
            trace = [
                (1 - perseveration_rate) * x + perseveration_rate * (i == choice)
                for i, x in enumerate(trace)
            ]
    return np.array(whole), errors
